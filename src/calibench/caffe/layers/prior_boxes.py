"""PriorBox: the default boxes of SSD. They depend on sizes only, so that they become a constant."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.caffe.handler import Context, Handler, constant, known
from calibench.caffe.net import FloatArray, Layer
from calibench.errors import ModelError

SAME_RATIO = 1e-6
"""Aspect ratios that differ by less are one, as in Caffe."""
DEFAULT_VARIANCE = 0.1
"""Of a layer that names none, as in Caffe."""


def prior_box(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Boxes as shares of the picture and their variances, float32 [1, 2, height * width * boxes * 4].

    The first input gives the grid, the second the picture (where img_size or img_h and img_w do not).

    Source: Liu and others 2016 (arXiv:1512.02325), section 2.2; rounding as in Caffe's SSD branch.
    """
    params = layer.params.prior_box_param
    grid = (known(inputs[0], 2), known(inputs[0], 3))
    image = _pair(params, "img_h", "img_w", "img_size") or (known(inputs[1], 2), known(inputs[1], 3))
    step = _pair(params, "step_h", "step_w", "step") or (image[0] / grid[0], image[1] / grid[1])
    centers = [
        ((np.arange(count, dtype=np.float32) + np.float32(params.offset)) * np.float32(stride)).astype(np.float64)
        for count, stride in zip(grid, step, strict=True)
    ]
    boxes = _corners(centers, _sizes(params)) / np.array([image[1], image[0]] * 2, np.float64)
    if params.clip:
        boxes = boxes.clip(0, 1)
    corners = boxes.reshape(-1).astype(np.float32)
    return [constant(np.stack([corners, _variances(params, corners.size)])[None])]


def _pair(params: Any, first: str, second: str, both: str) -> tuple[float, float] | None:
    """A height and a width, given as two fields or as one; None where neither is."""
    has_two = params.HasField(first) or params.HasField(second)
    if has_two and params.HasField(both):
        raise ModelError(f"{both} and {first}/{second} exclude each other. Give one of them.")
    if not has_two and not params.HasField(both):
        return None
    found = (getattr(params, first), getattr(params, second)) if has_two else (getattr(params, both),) * 2
    if min(found) <= 0:
        raise ModelError(f"{first}, {second} or {both} is not above 0.")
    return found


def _sizes(params: Any) -> list[tuple[float, float]]:
    """Width and height of the boxes at one place, in pixels, in Caffe's order.

    Caffe cuts the fraction off sizes when it computes with them.
    """
    least, most = [int(size) for size in params.min_size], [int(size) for size in params.max_size]
    if not least or min(params.min_size) <= 0:
        raise ModelError("min_size is missing or not above 0.")
    if most and len(most) != len(least):
        raise ModelError(
            f"{len(least)} min_size stand against {len(most)} max_size; give as many of both, or no max_size."
        )
    ratios = _ratios(params)
    found: list[tuple[float, float]] = []
    for number, size in enumerate(least):
        found.append((size, size))
        if most:
            found.append((math.sqrt(size * most[number]),) * 2)
        found += [(size * math.sqrt(ratio), size / math.sqrt(ratio)) for ratio in ratios]
    return found


def _ratios(params: Any) -> list[float]:
    """The aspect ratios beside 1: each once, followed by its inverse where boxes are flipped."""
    found = [1.0]
    for ratio in params.aspect_ratio:
        if all(abs(ratio - other) >= SAME_RATIO for other in found):
            found += [ratio, 1 / ratio] if params.flip else [ratio]
    return [ratio for ratio in found if abs(ratio - 1) >= SAME_RATIO]


def _corners(centers: Sequence[NDArray[np.float64]], sizes: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Left, top, right, bottom in pixels, float64 [height, width, boxes, 4]."""
    rows, columns = centers
    half = np.array(sizes, np.float64) / 2
    center = np.stack(np.broadcast_arrays(columns[None, :], rows[:, None]), axis=-1)[:, :, None, :]
    return np.concatenate([center - half, center + half], axis=-1)


def _variances(params: Any, count: int) -> FloatArray:
    """One for all values, or four for each box, float32 [count]."""
    given = list(params.variance) or [DEFAULT_VARIANCE]
    if len(given) not in (1, 4) or min(given) <= 0:
        raise ModelError(f"variance has {len(given)} values; give 1 or 4, each above 0.")
    return np.tile(np.array(given, np.float32), count // len(given))


LAYERS: dict[str, Handler] = {"PriorBox": prior_box}
"""The types of layers of this file."""

"""How much noise every layer makes by itself in INT8: one pass of the FP32 network with all twins beside it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import infer_all
from calibench.models.graph import dimension, operations, rank
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.run import Run
from calibench.search.twins import Twins, twins

MOST_BYTES = 256 * 2**20
"""Outputs of layers and twins that one graph may hold at a time; more layers are measured in several goes."""
UNKNOWN_BYTES = 8 * 2**20
"""Taken for an output whose shape is not known before the run: that of a picture of 224 x 224 with 40 channels."""
LOWEST_DB, HIGHEST_DB = -200.0, 99.0
"""Given where nothing differs (far below the rounding of float32), and for what is NaN or infinite."""
QUIET = 1e-3
"""Of the mean signal: a channel that holds less counts as if it held that, so that a dead one does not rule."""


def own_errors(
    graph: ov.Model, quantization: Quantization, options: WeightOptions, samples: Dataset, run: Run
) -> dict[str, float]:
    """Noise over signal of each quantized layer's output when the layer reads exact values, in dB, higher is worse.

    The mean over the channels, which the following layers weigh as they like: the sum would hear the loud ones alone.
    Both are taken around their mean per channel: a shifted mean is mended by bias correction.

    Args:
        graph: the normalised FP32 graph; not changed.
        samples: all are measured; every one counts alike, whatever its shape.

    Returns:
        By name, for every name of `quantizable(quantization)`, in its order.

    Raises:
        ShapeError: a sample has another shape than those before it.
    """
    return own_errors_of(graph, twins(graph, quantization, options), samples, run)


def own_errors_of(graph: ov.Model, rounded: Twins, samples: Dataset, run: Run) -> dict[str, float]:
    """As `own_errors`, with weights that are rounded already."""
    found: dict[str, float] = {}
    for names in _groups(graph, rounded.names, run):
        found |= _measured(graph, rounded, names, samples, run)
    return found


def _groups(graph: ov.Model, names: Sequence[str], run: Run) -> Iterator[list[str]]:
    """Layers that may be measured at once; one larger than MOST_BYTES stands alone."""
    index = operations(run.copy(graph))
    group: list[str] = []
    held = 0
    for name in names:
        size = 2 * size_bytes(index[name].output(0))
        if group and held + size > MOST_BYTES:
            yield group
            group, held = [], 0
        group.append(name)
        held += size
    if group:
        yield group


def size_bytes(output: Any) -> int:
    """Of a float32 tensor; UNKNOWN_BYTES where the shape is free."""
    shape = output.get_partial_shape()
    return int(np.prod(list(shape.to_shape()), dtype=np.int64)) * 4 if shape.is_static else UNKNOWN_BYTES


def _measured(graph: ov.Model, rounded: Twins, names: Sequence[str], samples: Dataset, run: Run) -> dict[str, float]:
    copy = run.copy(graph)
    index = operations(copy)
    moments = [_moments(index[name].output(0), rounded.add(index[name], {})) for name in names]
    flat = ops.concat([value for each in moments for value in each], 0)
    compiled = run.compile(ov.Model([ops.result(flat)], copy.get_parameters(), copy.get_name()))
    total = np.zeros(0)
    for (values,) in infer_all(compiled, (samples[i] for i in range(len(samples)))):
        total = values.astype(np.float64) + (total if total.size else 0.0)
    sizes = [2 * int(each[0].get_shape()[0]) for each in moments]
    parts = np.split(total / max(1, len(samples)), np.cumsum(sizes)[:-1])
    return {name: _noise_db(part.reshape(2, 2, -1)) for name, part in zip(names, parts, strict=True)}


def _moments(exact: Any, given: Any) -> list[Any]:
    """Means, then mean squares, of the channels: of the noise and of the exact output; two float32 [2 * channels]."""
    exact, given = as_f32(exact), as_f32(given)
    axis = channel_axis(exact)
    axes = np.array([i for i in range(rank(exact) or 0) if i != axis], np.int64)
    both = ops.concat([ops.subtract(given, exact).output(0), exact], 0 if axis is None else axis).output(0)
    values = (both, ops.multiply(both, both).output(0))
    means = [ops.reduce_mean(value, axes, False).output(0) if axes.size else value for value in values]
    return [ops.reshape(value, np.array([-1]), False).output(0) for value in means]


def channel_axis(output: Any) -> int | None:
    """Of a layer's output: the last one behind a MatMul, else the second; None where its length is free."""
    axis = (rank(output) or 1) - 1 if output.get_node().get_type_name() == "MatMul" else 1
    return axis if dimension(output, axis) is not None else None


def as_f32(output: Any) -> Any:
    """A tensor in the element type in which sums are taken."""
    return output if output.get_element_type() == ov.Type.f32 else ops.convert(output, "f32").output(0)


def _noise_db(moments: NDArray[np.float64]) -> float:
    """Of float64 [2, 2, channels]: mean and mean square, each of the noise and of the signal."""
    noise, signal = np.maximum(moments[1] - moments[0] ** 2, 0)
    floor = QUIET * float(signal.mean()) + 1e-30
    return decibels(float((noise / (signal + floor)).mean()))


def decibels(ratio: float) -> float:
    """Of noise over signal, within LOWEST_DB and HIGHEST_DB."""
    return float(np.clip(10 * np.log10(max(ratio, 1e-30)), LOWEST_DB, HIGHEST_DB)) if ratio < np.inf else HIGHEST_DB

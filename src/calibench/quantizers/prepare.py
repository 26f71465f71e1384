"""What is settled once for all recipes: unusable layers, the weight of every channel, smoothing, poor layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import openvino as ov

from calibench.errors import ModelError
from calibench.models.graph import FloatArray, TensorKey, constant_value, operations
from calibench.quantizers.integers import LARGEST_RANGE, Grid, make_grid
from calibench.quantizers.placement import drop_layers
from calibench.quantizers.ranges import extremes
from calibench.quantizers.sites import Placement
from calibench.quantizers.smoothing import choose_factors, estimate, relative_error, scale_channels, scale_rows
from calibench.quantizers.weights import as_matrix, input_importance
from calibench.statistics.statistics import Statistics, TensorStatistics

POOREST = 3.0
"""dB; a layer whose predicted output is noisier than this is left in float."""
SURELY_FINE = 12.0
"""dB; above this rough estimate the exact prediction is not needed."""

SIGNAL_ROWS = 64
"""Rows from which the signal is taken for that estimate."""

NOTHING_USABLE = (
    "The activations are NaN, infinite or larger than 1e5 in front of every layer that could be quantized. "
    "Check the input settings (mean, scale) and the weights."
)

Measured = Mapping[TensorKey, TensorStatistics]


@dataclass(frozen=True)
class Prepared:
    """Where quantizers go after a look at the values.

    Attributes:
        measured: statistics by tensor, after smoothing, with the importance of every channel.
        factors: float32 [C] by which the channels of a tensor are divided, by tensor.
    """

    placement: Placement
    measured: Measured
    factors: Mapping[TensorKey, FloatArray]


def prepare(
    placement: Placement, graph: ov.Model, statistics: Statistics, *, smoothing: bool, asymmetric: bool
) -> Prepared:
    """Drop what cannot run in INT8, weigh the channels, smooth what gains by it, leave what stays poor in float.

    Args:
        graph: the normalised graph in which the points were placed; not changed.
        smoothing: try it.
        asymmetric: activations may have a zero point.

    Raises:
        ModelError: a layer reads NaN or infinity on every sample.
    """
    measured: Measured = {name: statistics.tensor(i) for i, name in enumerate(statistics.layout.tensors)}
    placement = _without_unusable(placement, graph, statistics, measured)
    weights = _weights(placement, graph)
    measured = _weighed(placement, graph, measured, weights)
    matrices = _matrices(placement, graph, weights)
    factors = _smooth(placement, measured, matrices, asymmetric) if smoothing else {}
    measured = {**measured, **{name: scale_channels(measured[name], f) for name, f in factors.items()}}
    poor = _poor_layers(placement, measured, matrices, factors, asymmetric)
    placement = drop_layers(placement, graph, poor, frozenset(factors)) if poor or factors else placement
    kept = {point.tensor for point in placement.points}
    return Prepared(placement, measured, {name: f for name, f in factors.items() if name in kept})


def check_weights(placement: Placement, graph: ov.Model) -> None:
    """Refuse a model whose weights are broken.

    Raises:
        ModelError: a weight is NaN or infinite; names the layer.
    """
    for name, weights in _weights(placement, graph).items():
        if not np.isfinite(weights).all():
            raise ModelError(f"Layer {name} has weights that are NaN or infinite. Export the model again.")


def _without_unusable(placement: Placement, graph: ov.Model, statistics: Statistics, measured: Measured) -> Placement:
    """Without layers that read NaN, infinity or values too large for 8 bits (masks)."""
    dropped: dict[str, str] = {}
    not_finite = dict(zip(statistics.layout.tensors, statistics.not_finite.tolist(), strict=True))
    for point in placement.points:
        broken = not_finite[point.tensor]
        if broken == statistics.count:
            raise ModelError(
                f"The values that {point.consumers[0].operation} reads are NaN or infinite on every sample. "
                "Check the input settings (mean, scale) and the weights."
            )
        largest = float(np.max(np.abs((measured[point.tensor].low, measured[point.tensor].high))))
        reason = f"its input is NaN or infinite on {broken} of {statistics.count} samples" if broken else ""
        if not reason and largest >= LARGEST_RANGE:
            reason = f"its input reaches {largest:.3g}: too large for 8 bits"
        if reason:
            dropped |= {consumer.operation: reason for consumer in point.consumers}
    return drop_layers(placement, graph, dropped) if dropped else placement


def _weights(placement: Placement, graph: ov.Model) -> dict[str, FloatArray]:
    """float32 weights by name of the layer."""
    index = operations(graph)
    found = {}
    for layer in placement.layers:
        if layer.weight_port is not None:
            value = constant_value(index[layer.name].input_value(layer.weight_port))
            if value is not None:
                found[layer.name] = value.astype(np.float32, copy=False)
    return found


def _weighed(
    placement: Placement, graph: ov.Model, measured: Measured, weights: Mapping[str, FloatArray]
) -> dict[TensorKey, TensorStatistics]:
    """The statistics with the importance of every channel, from the weights of the layers that read it."""
    index = operations(graph)
    layers = {layer.name: layer for layer in placement.layers}
    weighed = dict(measured)
    for point in placement.points:
        seen = measured[point.tensor]
        variance = seen.rows.var(0) if len(seen.rows) > 1 else np.ones(seen.low.size, np.float32)
        total = np.zeros(seen.low.size, np.float32)
        for name in (consumer.operation for consumer in point.aligned):
            if name in weights:
                total += input_importance(index[name], layers[name], weights[name], variance)
        if total.any():
            weighed[point.tensor] = replace(seen, importance=total)
    return weighed


def _matrices(placement: Placement, graph: ov.Model, weights: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Weights [C, outputs] of the layers that are plain products of rows, by name."""
    index: dict[str, Any] = operations(graph)
    layers = [layer for layer in placement.layers if layer.name in weights]
    found = {layer.name: as_matrix(index[layer.name], layer, weights[layer.name]) for layer in layers}
    return {name: matrix for name, matrix in found.items() if matrix is not None}


def _smooth(
    placement: Placement, measured: Measured, matrices: Mapping[str, FloatArray], asymmetric: bool
) -> dict[TensorKey, FloatArray]:
    """Factors for the tensors that only MatMuls read and where smoothing is predicted to help.

    Tensors [N, C] are left alone: the CPU plugin may merge the division into the quantizer, whose ranges per channel
    it then applies wrongly when N > 1 (docs/decisions, "no smoothing of two-dimensional tensors").
    """
    products = {layer.name for layer in placement.layers if layer.type == "MatMul"} & matrices.keys()
    factors = {}
    for point in placement.points:
        if point.dims < 3 or point.aligned != point.consumers:
            continue
        if any(consumer.operation not in products for consumer in point.consumers):
            continue
        readers = [matrices[consumer.operation] for consumer in point.consumers]
        chosen = choose_factors(measured[point.tensor], readers, partial(_whole_grid, asymmetric=asymmetric))
        if chosen is not None:
            factors[point.tensor] = chosen
    return factors


def _poor_layers(
    placement: Placement,
    measured: Measured,
    matrices: Mapping[str, FloatArray],
    factors: Mapping[TensorKey, FloatArray],
    asymmetric: bool,
) -> dict[str, str]:
    """Layers whose own output, predicted on the sampled rows, would drown in noise; with the reason."""
    poor = {}
    for point in placement.points:
        seen = measured[point.tensor]
        for name in (consumer.operation for consumer in point.aligned):
            if name not in matrices or len(seen.rows) < 2:
                continue
            matrix = matrices[name]
            scaled = scale_rows([matrix], factors[point.tensor]) if point.tensor in factors else [matrix]
            grid = _whole_grid(seen, asymmetric)
            signal = float((seen.rows[:SIGNAL_ROWS] @ scaled[0]).var(0).sum())
            if _decibel(estimate(seen, scaled, grid) / max(signal, 1e-30)) > SURELY_FINE:
                continue
            predicted = _decibel(relative_error(seen, scaled, grid))
            if predicted < POOREST:
                poor[name] = f"its output in INT8 would be poor (predicted {predicted:.1f} dB)"
    return poor


def _decibel(noise_over_signal: float) -> float:
    return float(-10 * np.log10(max(noise_over_signal, 1e-30)))


def _whole_grid(statistics: TensorStatistics, asymmetric: bool) -> Grid:
    found = extremes(statistics, asymmetric)
    return make_grid(found.low, found.high, asymmetric=asymmetric)

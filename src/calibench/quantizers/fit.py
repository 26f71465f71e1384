"""From statistics to quantizers: ranges, smoothing factors and the layers whose output would be poor in INT8."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import openvino as ov

from calibench.models.graph import FloatArray, TensorKey, constant_value, operations
from calibench.quantizers.integers import LARGEST_RANGE, Grid, make_grid
from calibench.quantizers.placement import drop_layers
from calibench.quantizers.ranges import RULES, Range, needs_per_channel, per_channel
from calibench.quantizers.sites import Placement, Site
from calibench.quantizers.smoothing import choose_factors, relative_error, scale_channels
from calibench.quantizers.weights import as_matrix, input_importance
from calibench.settings import Switch
from calibench.statistics.statistics import Statistics, TensorStatistics

POOREST = 3.0
"""dB; a layer whose predicted output is noisier than this is left in float."""


@dataclass(frozen=True)
class Recipe:
    """One way to turn statistics into quantizers."""

    name: str
    range_rule: str
    asymmetric: bool
    per_channel: Switch = "auto"
    smoothing: bool = True
    bias_correction: bool = True


@dataclass(frozen=True)
class Quantizer:
    """One activation quantizer, ready to be inserted; `channel_axis` is None when one grid holds all channels."""

    site: Site
    grid: Grid
    channel_axis: int | None


@dataclass(frozen=True)
class Quantization:
    """Everything that turns the FP32 graph into the INT8 one.

    Attributes:
        factors: float32 [C] by which the channels of a tensor are divided, by tensor.
        means: float32 [C], mean of every measured tensor, as the layers read it (after smoothing).
        shifts: float32 [C], by how much quantizing the tensor moves that mean.
    """

    recipe: Recipe
    placement: Placement
    quantizers: tuple[Quantizer, ...]
    factors: dict[TensorKey, FloatArray]
    means: dict[TensorKey, FloatArray]
    shifts: dict[TensorKey, FloatArray]


def usable(placement: Placement, graph: ov.Model, statistics: Statistics) -> Placement:
    """The placement without layers that read NaN, infinity or values too large for 8 bits (masks)."""
    dropped: dict[str, str] = {}
    for number, point in enumerate(placement.points):
        seen = statistics.tensor(number)
        largest = float(np.max(np.abs((seen.low, seen.high, seen.mean))))
        if not largest < LARGEST_RANGE:
            reason = f"its input reaches {largest:.3g}: not finite, or too large for 8 bits"
            dropped |= {consumer.operation: reason for consumer in point.consumers}
    return drop_layers(placement, graph, dropped) if dropped else placement


def fit(
    placement: Placement, graph: ov.Model, measured: Mapping[TensorKey, TensorStatistics], recipe: Recipe
) -> Quantization:
    """Choose every quantizer.

    Args:
        graph: the normalised graph in which the points were placed; not changed.
        measured: statistics by tensor.
    """
    index = operations(graph)
    matrices = _matrices(placement, index)
    factors = _smooth(placement, measured, matrices, recipe) if recipe.smoothing else {}
    measured = {**measured, **{name: scale_channels(measured[name], f) for name, f in factors.items()}}
    poor = _poor_layers(placement, measured, matrices, factors, recipe)
    placement = drop_layers(placement, graph, poor, frozenset(factors))
    kept = {point.tensor for point in placement.points}
    quantizers = _quantizers(placement, measured, recipe)
    grids = {name: quantizer.grid for quantizer in quantizers for name in quantizer.site.points}
    return Quantization(
        recipe,
        placement,
        quantizers,
        {name: f for name, f in factors.items() if name in kept},
        {name: measured[name].mean for name in kept},
        {name: _shift(measured[name], grids[name]) for name in kept},
    )


def _shift(statistics: TensorStatistics, grid: Grid) -> FloatArray:
    """float32 [C]: mean error of quantizing, on the sampled rows.

    Flat regions of a picture hold one value over and over; its rounding error has one sign there and adds up in
    what follows like a wrong bias.
    """
    rows = statistics.rows
    return np.asarray((grid.apply(rows) - rows).mean(0) if len(rows) else np.zeros_like(statistics.mean))


def weigh(
    placement: Placement, graph: ov.Model, measured: Mapping[TensorKey, TensorStatistics]
) -> dict[TensorKey, TensorStatistics]:
    """The statistics with the importance of every channel, from the weights of the layers that read it."""
    index = operations(graph)
    layers = {layer.name: layer for layer in placement.layers}
    weighed = dict(measured)
    for point in placement.points:
        seen = measured[point.tensor]
        variance = seen.rows.var(0) if len(seen.rows) > 1 else np.ones(seen.low.size, np.float32)
        total = np.zeros(seen.low.size, np.float32)
        for consumer in point.consumers:
            layer = layers.get(consumer.operation)
            if layer is None or layer.weight_port is None:
                continue
            weights = constant_value(index[layer.name].input_value(layer.weight_port))
            if weights is not None:
                total += input_importance(index[layer.name], layer, weights, variance)
        if total.any():
            weighed[point.tensor] = replace(seen, importance=total)
    return weighed


def _matrices(placement: Placement, index: dict[str, Any]) -> dict[str, FloatArray]:
    """Weights [C, outputs] of the layers that are plain products of rows, by name."""
    found = {}
    for layer in placement.layers:
        if layer.weight_port is None:
            continue
        op = index[layer.name]
        weights = constant_value(op.input_value(layer.weight_port))
        matrix = None if weights is None else as_matrix(op, layer, weights)
        if matrix is not None:
            found[layer.name] = matrix.astype(np.float32, copy=False)
    return found


def _smooth(
    placement: Placement,
    measured: Mapping[TensorKey, TensorStatistics],
    matrices: Mapping[str, FloatArray],
    recipe: Recipe,
) -> dict[TensorKey, FloatArray]:
    """Factors for the tensors that only MatMuls read and where smoothing is predicted to help.

    Tensors [N, C] are left alone: the CPU plugin may merge the division into the quantizer, whose ranges per channel
    it then applies wrongly when N > 1 (docs/decisions, "no smoothing of two-dimensional tensors").
    """
    products = {layer.name for layer in placement.layers if layer.type == "MatMul"} & matrices.keys()
    factors = {}
    for point in placement.points:
        if point.dims < 3 or any(consumer.operation not in products for consumer in point.consumers):
            continue
        readers = [matrices[consumer.operation] for consumer in point.consumers]
        chosen = choose_factors(measured[point.tensor], readers, partial(_grid, recipe=recipe))
        if chosen is not None:
            factors[point.tensor] = chosen
    return factors


def _poor_layers(
    placement: Placement,
    measured: Mapping[TensorKey, TensorStatistics],
    matrices: Mapping[str, FloatArray],
    factors: Mapping[TensorKey, FloatArray],
    recipe: Recipe,
) -> dict[str, str]:
    """Layers whose own output, predicted on the sampled rows, would drown in noise; with the reason."""
    poor = {}
    for point in placement.points:
        seen = measured[point.tensor]
        if seen.rows.shape[0] == 0:
            continue
        grid = _grid(seen, recipe)
        for consumer in point.consumers:
            matrix = matrices.get(consumer.operation)
            if matrix is None:
                continue
            scaled = matrix * factors[point.tensor][:, None] if point.tensor in factors else matrix
            decibel = -10 * np.log10(max(relative_error(seen, [scaled], grid), 1e-30))
            if decibel < POOREST:
                poor[consumer.operation] = f"its output in INT8 would be poor (predicted {decibel:.1f} dB)"
    return poor


def _grid(statistics: TensorStatistics, recipe: Recipe) -> Grid:
    found = RULES[recipe.range_rule](statistics, recipe.asymmetric)
    return make_grid(found.low, found.high, asymmetric=recipe.asymmetric)


def _quantizers(
    placement: Placement, measured: Mapping[TensorKey, TensorStatistics], recipe: Recipe
) -> tuple[Quantizer, ...]:
    rule = RULES[recipe.range_rule]
    ranges = {point.tensor: rule(measured[point.tensor], recipe.asymmetric) for point in placement.points}
    shared: dict[int, Range] = {}
    members: dict[int, int] = {}
    for site in placement.sites:
        members[site.group] = members.get(site.group, 0) + 1
        for name in site.points:
            shared[site.group] = shared[site.group].join(ranges[name]) if site.group in shared else ranges[name]
    points = {point.tensor: point for point in placement.points}
    depthwise = {layer.name for layer in placement.layers if layer.is_depthwise}
    found = []
    for site in placement.sites:
        chosen = shared[site.group]
        grid = make_grid(chosen.low, chosen.high, asymmetric=recipe.asymmetric)
        point = points.get(site.tensor)
        alone = point is not None and site.points == (site.tensor,) and members[site.group] == 1
        axis = None
        if point is not None and alone and all(port.operation in depthwise for port in site.ports):
            seen = measured[point.tensor]
            if recipe.per_channel == "on" or (recipe.per_channel == "auto" and needs_per_channel(seen, grid)):
                own, axis = per_channel(seen, chosen), point.channel_axis
                grid = make_grid(own.low, own.high, asymmetric=recipe.asymmetric)
        found.append(Quantizer(site, grid, axis))
    return tuple(found)

"""From what was prepared to quantizers: a range rule, shared ranges, ranges per channel where they are needed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibench.models.graph import FloatArray, TensorKey
from calibench.quantizers.integers import Grid, make_grid
from calibench.quantizers.prepare import Measured, Prepared
from calibench.quantizers.ranges import RULES, Range, extremes, per_channel, weak_channels
from calibench.quantizers.sites import Placement, Point, Site
from calibench.settings import Switch
from calibench.statistics.statistics import TensorStatistics

ROWS = 128
"""Sampled rows from which the noise of an input is predicted for the report."""
DROWNED = 17.0
"""dB; where the weaker channels stand lower above the noise of a common step, each gets a range of its own.

Ranges per channel overfit on few samples, so that they are not used where they are not needed."""


@dataclass(frozen=True)
class Recipe:
    """One way to turn statistics into quantizers."""

    name: str
    range_rule: str
    asymmetric: bool
    per_channel: Switch = "auto"
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
        input_db: by tensor, signal over noise that quantizing it leaves in the layers that read it, predicted, in dB.
    """

    recipe: Recipe
    placement: Placement
    quantizers: tuple[Quantizer, ...]
    factors: Mapping[TensorKey, FloatArray]
    means: Mapping[TensorKey, FloatArray]
    shifts: Mapping[TensorKey, FloatArray]
    input_db: Mapping[TensorKey, float]


def fit(prepared: Prepared, recipe: Recipe) -> Quantization:
    """Choose the grid of every quantizer."""
    return with_quantizers(prepared, recipe, _quantizers(prepared.placement, prepared.measured, recipe))


def with_quantizers(prepared: Prepared, recipe: Recipe, quantizers: tuple[Quantizer, ...]) -> Quantization:
    """A quantization whose grids are chosen already: one for every site of the placement."""
    measured = prepared.measured
    grids = {name: quantizer.grid for quantizer in quantizers for name in quantizer.site.points}
    return Quantization(
        recipe,
        prepared.placement,
        quantizers,
        prepared.factors,
        {name: measured[name].mean for name in grids},
        {name: _shift(measured[name], grid) for name, grid in grids.items()},
        {name: _input_db(measured[name], grid) for name, grid in grids.items()},
    )


def _quantizers(placement: Placement, measured: Measured, recipe: Recipe) -> tuple[Quantizer, ...]:
    ranges = _shared_ranges(placement, measured, recipe)
    sizes: dict[int, int] = {}
    for site in placement.sites:
        sizes[site.group] = sizes.get(site.group, 0) + 1
    points = {point.tensor: point for point in placement.points}
    depthwise = {layer.name for layer in placement.layers if layer.is_depthwise}
    found = []
    for site in placement.sites:
        shared = ranges[site.group]
        grid = make_grid(shared.low, shared.high, asymmetric=recipe.asymmetric)
        point = points.get(site.tensor)
        stands_alone = site.points == (site.tensor,) and sizes[site.group] == 1
        if point and stands_alone and all(port.operation in depthwise for port in site.ports):
            found.append(_depthwise_quantizer(site, point, measured[point.tensor], shared, grid, recipe))
        else:
            found.append(Quantizer(site, grid, None))
    return tuple(found)


def _shared_ranges(placement: Placement, measured: Measured, recipe: Recipe) -> dict[int, Range]:
    """The range of every group of sites: it holds the ranges of all tensors that the group serves.

    What enters the model is never cut off: a bright picture is no outlier.
    """
    rule = RULES[recipe.range_rule]
    own = {
        point.tensor: (extremes if point.is_input else rule)(measured[point.tensor], recipe.asymmetric)
        for point in placement.points
    }
    shared: dict[int, Range] = {}
    for site in placement.sites:
        for name in site.points:
            shared[site.group] = shared[site.group].join(own[name]) if site.group in shared else own[name]
    return shared


def _depthwise_quantizer(
    site: Site, point: Point, seen: TensorStatistics, whole: Range, grid: Grid, recipe: Recipe
) -> Quantizer:
    """Channels of a depthwise input never mix, so that each may have a range of its own."""
    is_fine = recipe.per_channel == "auto" and weak_channels(seen, grid) > DROWNED
    if recipe.per_channel == "off" or is_fine:
        return Quantizer(site, grid, None)
    own = per_channel(seen, whole)
    return Quantizer(site, make_grid(own.low, own.high, asymmetric=recipe.asymmetric), point.channel_axis)


def _input_db(statistics: TensorStatistics, grid: Grid) -> float:
    """Predicted on the sampled rows, every channel weighted by its importance; inf where nothing moves."""
    rows = statistics.rows[:ROWS]
    if len(rows) < 2:
        return float("inf")
    noise = ((grid.apply(rows) - rows).astype(np.float64) ** 2).mean(0)
    signal = rows.astype(np.float64).var(0) @ statistics.importance
    return float(10 * np.log10(max(signal, 1e-30) / max(float(noise @ statistics.importance), 1e-30)))


def _shift(statistics: TensorStatistics, grid: Grid) -> FloatArray:
    """float32 [C]: mean error of quantizing, on the sampled rows.

    Flat regions of a picture hold one value over and over; its rounding error has one sign there and adds up in
    what follows like a wrong bias.
    """
    rows = statistics.rows
    return np.asarray((grid.apply(rows) - rows).mean(0) if len(rows) else np.zeros_like(statistics.mean))

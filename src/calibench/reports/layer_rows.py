"""The rows of the report, one a layer: what was decided, what its quantizers saw, what rounding did to its weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.caffe.scales import OUTPUT_BYTES, LayerScales
from calibench.models.graph import FloatArray, Port, TensorKey, WeightedLayer, operations
from calibench.quantizers.fit import Quantization, Quantizer
from calibench.quantizers.insert import WeightOptions, round_weights, tensors_read
from calibench.quantizers.integers import ACTIVATION_LEVELS
from calibench.quantizers.observed import Counts
from calibench.quantizers.placement import in_bodies
from calibench.reports.report import (
    SQNR_CAP_DB,
    CaffeScales,
    Histogram,
    LayerRow,
    QuantizerRange,
    WeightChannels,
    capped,
)

MOST_CHANNELS = 1024
"""Output channels whose weights are listed: more cannot be told apart on a screen."""
DIGITS = 5
"""Significant digits of what is listed per channel: a pixel of a chart is coarser."""


def layer_rows(
    graph: ov.Model, quantization: Quantization, histograms: Mapping[TensorKey, Counts], options: WeightOptions
) -> tuple[LayerRow, ...]:
    """Every layer of the graph that could be quantized, in its order.

    Args:
        graph: the normalised FP32 graph.
        histograms: by tensor; may be empty.
        options: how the weights were rounded.
    """
    placement = quantization.placement
    by_tensor = {name: quantizer for quantizer in quantization.quantizers for name in quantizer.site.points}
    inputs: dict[str, list[QuantizerRange]] = {}
    worst: dict[str, float] = {}
    for point in placement.points:
        for port in point.consumers:
            seen = histograms.get(point.tensor)
            inputs.setdefault(port.operation, []).append(quantizer_range(port, by_tensor[point.tensor], seen))
            left = quantization.input_db[point.tensor]
            worst[port.operation] = min(left, worst.get(port.operation, left))
    in_float = {layer.name: layer for layer in placement.left_float}
    weights = weight_channels(graph, quantization, options)
    rows = []
    for op in graph.get_ordered_ops():
        name, kind = op.get_friendly_name(), op.get_type_name()
        if name in inputs:
            rows.append(
                LayerRow(
                    name=name,
                    type=kind,
                    precision="int8",
                    input_db=round(worst[name], 2) if np.isfinite(worst[name]) else None,
                    quantizers=tuple(inputs[name]),
                    weights=weights.get(name),
                )
            )
        for each in (in_float.get(name), *in_bodies(op)):
            if each is not None and each.name in in_float:
                rows.append(LayerRow(name=each.name, type=each.type, precision="float", reason=each.reason))
    return tuple(rows)


def with_scales(rows: tuple[LayerRow, ...], scales: Mapping[str, LayerScales]) -> tuple[LayerRow, ...]:
    """The rows with what a prototxt says of each layer."""
    return tuple(
        row.model_copy(update={"scales": caffe_scales(scales[row.name])}) if row.name in scales else row for row in rows
    )


def caffe_scales(scales: LayerScales) -> CaffeScales:
    """Of one layer."""
    params = scales.scale_params
    return CaffeScales(
        input="s8" if scales.is_signed_in else "u8",
        scale_in=scales.scale_in,
        scale_out=scales.scale_out,
        out_bits=8 if scales.out_bits == OUTPUT_BYTES else 32,
        scale_params=(float(params.min()), float(params.max())),
        channels=params.size,
    )


def quantizer_range(port: Port, quantizer: Quantizer, seen: Counts | None) -> QuantizerRange:
    """One quantizer as the layer behind `port` sees it."""
    grid = quantizer.grid
    low, high, step = (tuple(float(value) for value in bound) for bound in (grid.low, grid.high, grid.scale))
    values = Histogram(low=seen.low, high=seen.high, counts=seen.counts) if seen else None
    return QuantizerRange(input=port.index, low=low, high=high, levels=ACTIVATION_LEVELS, step=step, values=values)


def weight_channels(graph: ov.Model, quantization: Quantization, options: WeightOptions) -> dict[str, WeightChannels]:
    """Per output channel, by name of the layer: what the weights are and what rounding leaves of them."""
    index: dict[str, Any] = operations(graph)
    inputs = tensors_read(quantization)
    found = {}
    for layer in quantization.placement.layers:
        if layer.weight_port is not None:
            read = inputs.get(Port(layer.name, layer.activation_ports[0]))
            rounded = round_weights(index[layer.name], layer, quantization, read, options)
            stored = np.asarray(rounded.integers * rounded.scale, np.float32)
            found[layer.name] = describe_channels(layer, rounded.exact, stored, rounded.scale)
    return found


def describe_channels(
    layer: WeightedLayer, exact: FloatArray, stored: FloatArray, scale: FloatArray | None = None
) -> WeightChannels:
    """At most MOST_CHANNELS output channels, evenly chosen, in the unit of the weights.

    Args:
        exact: float32, weights of the layer before rounding.
        stored: float32, of the same shape; what INT8 computes with.
        scale: float32, size of one step, with the `weight_axes` of the layer of length 1; None where it is not known.
    """
    kept = [axis for axis in range(exact.ndim) if axis not in layer.weight_axes]
    channels = int(np.prod([exact.shape[axis] for axis in kept], dtype=np.int64))
    chosen = np.unique(np.linspace(0, channels - 1, min(channels, MOST_CHANNELS)).round().astype(np.int64))

    def rows(values: FloatArray) -> NDArray[np.float64]:
        """float64 [chosen channels, values each]; the whole is not copied in float64."""
        by_channel = values.transpose(*kept, *layer.weight_axes).reshape(channels, -1)
        return np.asarray(by_channel[chosen], np.float64)

    before = rows(exact)
    signal, noise = np.square(before).sum(1), np.square(before - rows(stored)).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error_db = np.where(noise == 0, SQNR_CAP_DB, 10 * (np.log10(signal) - np.log10(noise)))
    steps = np.zeros(0) if scale is None else scale.reshape(-1)
    return WeightChannels(
        channels=channels,
        largest=_short(np.abs(before).max(1)),
        rms=_short(np.sqrt(signal / before.shape[1])),
        step=_short(steps[chosen] if steps.size == channels else steps),
        error_db=tuple(round(capped(float(value)), 2) for value in error_db),
    )


def _short(values: Any) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)

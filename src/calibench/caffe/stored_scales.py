"""Reads the scales out of a prototxt that has them: Intel's `_quantized.prototxt` files, and our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibench.caffe.layers.convolution import DEPTHWISE
from calibench.caffe.net import Layer, Net
from calibench.caffe.scales import OUTPUT_BYTES, OUTPUT_FLOAT, FloatArray, LayerScales
from calibench.errors import ModelError

OUTPUTS = {
    **dict.fromkeys(("Convolution", *DEPTHWISE), "convolution_param"),
    "InnerProduct": "inner_product_param",
}
"""The types of layers that can have scales, and the field that tells their number of outputs."""
WIDTHS = (OUTPUT_BYTES, OUTPUT_FLOAT)
FIXED_POINT = ("fl_layer_in", "fl_layer_out", "fl_params")
"""Places of the binary point, as Ristretto wrote them; the INT8 layers of Intel Caffe go by scales alone."""


@dataclass(frozen=True)
class StoredScales:
    """What a prototxt says about INT8.

    Attributes:
        layers: scales by name of a layer that runs in INT8.
        notes: what was left aside and why, a sentence each.
    """

    layers: dict[str, LayerScales]
    notes: tuple[str, ...]


def stored_scales(net: Net) -> StoredScales:
    """The scales of all layers, and what was left aside.

    A layer runs in INT8 where `bw_params` and `bw_layer_in` are 8; one with 32 runs in float. Layers that have no
    INT8 kernel in Intel Caffe (all but convolutions and inner products) run in float, with a note.

    Raises:
        ModelError: a scale is missing, is none, or there are too many or too few; with file, line and layer.
    """
    layers: dict[str, LayerScales] = {}
    notes: list[str] = []
    for layer in net.layers:
        if not layer.params.HasField("quantization_param"):
            continue
        rule = layer.params.quantization_param
        for field in ("bw_layer_in", "bw_layer_out", "bw_params"):
            if getattr(rule, field) not in WIDTHS:
                raise _wrong(net, layer, f"{field} is {getattr(rule, field)}, but 8 (INT8) or 32 (float) is possible.")
        if rule.bw_params == OUTPUT_FLOAT or rule.bw_layer_in == OUTPUT_FLOAT:
            notes += _note_of_float(layer)
        elif layer.type not in OUTPUTS:
            notes.append(f"{_place(layer)}: its scales are left aside: a layer of type {layer.type} runs in float.")
        else:
            layers[layer.name] = _scales(net, layer)
            notes += _note_of_fixed_point(layer)
    return StoredScales(layers, tuple(notes))


def _scales(net: Net, layer: Layer) -> LayerScales:
    rule = layer.params.quantization_param
    outputs = getattr(layer.params, OUTPUTS[layer.type]).num_output
    is_bytes = rule.bw_layer_out == OUTPUT_BYTES
    return LayerScales(
        scale_in=_one(net, layer, "scale_in"),
        is_signed_in=rule.is_negative_input and not rule.force_u8_input,
        scale_params=_of_channels(net, layer, outputs),
        scale_out=_one(net, layer, "scale_out") if is_bytes else 1.0,
        out_bits=rule.bw_layer_out,
        force_u8_input=rule.force_u8_input,
    )


def _one(net: Net, layer: Layer, field: str) -> float:
    values = _values(net, layer, field, 1)
    if values[0] == 0:
        raise _wrong(net, layer, f"{field} is 0, but a scale is 255 or 127 divided by the largest value.")
    return float(values[0])


def _of_channels(net: Net, layer: Layer, outputs: int) -> FloatArray:
    return _values(net, layer, "scale_params", 1 if len(layer.params.quantization_param.scale_params) == 1 else outputs)


def _values(net: Net, layer: Layer, field: str, length: int) -> FloatArray:
    """float32 [length], finite and not negative."""
    values = np.asarray(getattr(layer.params.quantization_param, field), np.float32)
    if not values.size:
        raise _wrong(net, layer, f"quantization_param has no {field}.{_instead(layer.params.quantization_param)}")
    if values.size != length:
        needed = "one" if field != "scale_params" else f"{length}, one for each output channel, or one for all"
        raise _wrong(net, layer, f"{field} has {values.size} values, but the layer needs {needed}.")
    bad = values[~(np.isfinite(values) & (values >= 0))]
    if bad.size:
        raise _wrong(net, layer, f"{field} holds {bad[0]}, but a scale is a finite number that is not negative.")
    return values


def _instead(rule: Any) -> str:
    found = _fixed_point(rule)
    return f" Its {' and '.join(found)} are fixed point of Ristretto, which is not read." if found else ""


def _fixed_point(rule: Any) -> Sequence[str]:
    return [field for field in FIXED_POINT if len(getattr(rule, field))]


def _note_of_fixed_point(layer: Layer) -> list[str]:
    found = _fixed_point(layer.params.quantization_param)
    return [f"{_place(layer)}: {', '.join(found)} left aside: the scales say it all."] if found else []


def _note_of_float(layer: Layer) -> list[str]:
    """A note where the layer has scales all the same."""
    rule = layer.params.quantization_param
    if not (len(rule.scale_in) or len(rule.scale_params)):
        return []
    field = "bw_params" if rule.bw_params == OUTPUT_FLOAT else "bw_layer_in"
    return [f"{_place(layer)}: its scales are left aside: {field} is 32, so that it runs in float."]


def _place(layer: Layer) -> str:
    return f"line {layer.line}, layer {layer.name}"


def _wrong(net: Net, layer: Layer, what: str) -> ModelError:
    return ModelError(f"{net.path}: {_place(layer)}: {what}")

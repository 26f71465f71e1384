"""The prototxt of option -fu: scale, mean and border of the data layer, and the first convolution's fields."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from calibench.caffe.first_convolution import PICTURES, FirstConvolution
from calibench.caffe.input_shapes import input_shapes
from calibench.caffe.net import FloatArray, Net
from calibench.caffe.prototxt import LayerText, Prototxt
from calibench.caffe.scale_text import float_text, scale_field
from calibench.caffe.scales import LayerScales
from calibench.caffe.stripping import stripped
from calibench.caffe.text_splices import (
    Block,
    NewField,
    Splice,
    add_field,
    block_of,
    replace_field,
    set_field,
    spliced,
)
from calibench.caffe.weights_file import read_mean
from calibench.caffe.written_paths import origin
from calibench.errors import ModelError

ZERO = 128.0
"""The byte that stands for 0."""

Values = dict[str, list[str]]
"""Field -> its values as text; none: the field goes."""


def forced_text(
    prototxt: Prototxt, net: Net, first: FirstConvolution, scales: LayerScales, has_new_bias: bool
) -> tuple[str, dict[str, FloatArray]]:
    """The text, and the moved mean images by the name of their file.

    All data layers that give the blob are changed, those of other phases too.

    Raises:
        ModelError: a mean file is missing or damaged, or the size of the image that PriorBox needs is not known.
    """
    text, means = prototxt.text, dict[str, FloatArray]()
    splices: list[Splice] = []
    for layer in prototxt.layers:
        params = prototxt.message.layer[layer.number]
        if layer.type in PICTURES and first.blob in params.top[:1]:
            values = _preparation(prototxt.path, params.transform_param, scales.scale_in, means)
            values |= {"pad": [str(first.pad)]} if first.pad else {}
            splices += _set_in(text, layer, "transform_param", values)
        elif layer.name == first.layer.name:
            splices += _convolution(text, layer, first.pad, has_new_bias)
            splices.append(_scales(text, layer, scales))
        elif layer.name in first.priors and first.pad:
            splices += _set_in(text, layer, "prior_box_param", _image_size(net, first, params.prior_box_param))
    return spliced(text, splices), means


def _preparation(path: Path, rule: Any, scale_in: float, means: dict[str, FloatArray]) -> Values:
    """Scale and mean such that 128 + scale_in * (what was there) comes out."""
    scale = np.float32(rule.scale * scale_in)
    step = ZERO / float(scale)
    values = {"scale": [float_text(scale)]}
    if rule.mean_file:
        name = f"{Path(rule.mean_file).stem}_force_u8.binaryproto"
        means[name] = np.asarray(_mean(path, rule.mean_file) - step, np.float32)
        return values | {"mean_file": [f'"{name}"']}
    old = list(rule.mean_value) or [0.0]
    return values | {"mean_value": [float_text(value - step) for value in old]}


def _mean(path: Path, written: str) -> FloatArray:
    """The mean image of a prototxt."""
    found = origin().find(written, path, is_it=Path.is_file)
    if found is None:
        raise ModelError(f"{path}: -fu has to move the mean image, but there is no {written}. Put it in its place.")
    return read_mean(found)


def _convolution(text: str, layer: LayerText, pad: int, has_new_bias: bool) -> Iterator[Splice]:
    values: Values = {"pad": ["0"], "pad_h": [], "pad_w": []} if pad else {}
    values |= {"bias_term": ["true"]} if has_new_bias else {}
    yield from _set_in(text, layer, "convolution_param", values)


def _scales(text: str, layer: LayerText, scales: LayerScales) -> Splice:
    old = layer.field("quantization_param")
    field = scale_field(scales)
    return replace_field(text, old, field) if old else add_field(text, block_of(layer), field)


def _image_size(net: Net, first: FirstConvolution, rule: Any) -> Values:
    """The size that the image had before the border, where the layer does not say one itself."""
    if rule.img_size or rule.img_h or rule.img_w:
        return {}
    _, _, height, width = input_shapes(stripped(net))[first.blob]
    return {"img_h": [str(height)], "img_w": [str(width)]}


def _set_in(text: str, layer: LayerText, message: str, values: Values) -> list[Splice]:
    """Give fields of a message in a layer new values; a layer without the message gets it."""
    old = layer.field(message)
    if old is None:
        fields = tuple(NewField(name, value) for name, all_of in values.items() for value in all_of)
        return [add_field(text, block_of(layer), NewField(message, fields=fields))] if fields else []
    block: Block = block_of(old.values[0])
    return [splice for name, all_of in values.items() for splice in set_field(text, block, name, all_of)]

"""BatchNorm, Scale, Bias and linear Power behind a convolution or inner product become part of its weights and bias.

Intel's compiled nets do so, and the scales of their files are those of the folded weights.
"""

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from calibench.caffe.affine import Affine, DoubleArray, affine_of
from calibench.caffe.flow import Value, readers, sources
from calibench.caffe.layers.convolution import DEPTHWISE
from calibench.caffe.net import FloatArray, Layer, Net
from calibench.caffe.stripping import stripped
from calibench.errors import ModelError

CONVOLUTIONS = ("Convolution", *DEPTHWISE)
FOLDABLE = ("BatchNorm", "BN", "Scale", "Bias", "Power")


@dataclass(frozen=True, eq=False)
class Folded:
    """What became part of a convolution or inner product.

    Attributes:
        layers: names of the layers, in order; they stand in the net no longer.
        gain: float64 [output channels]; by what the weights were multiplied. A change of the folded bias divided by it
            is the change of the layer's own bias.
    """

    layers: tuple[str, ...]
    gain: DoubleArray


def fold(net: Net, kept: Collection[str] = ()) -> tuple[Net, dict[str, Folded]]:
    """The net with its affine layers folded, and by the layer's name what was folded into it.

    A layer is folded if it alone reads what the layer in front makes. Layers into which nothing is folded are the very
    same, their blobs not copied.

    Args:
        net: of `stripped`: a loss or a score counts as a reader.
        kept: blobs that have to stay, since they are outputs.

    Raises:
        ModelError: a layer reads what is not there.
    """
    chains = _chains(net, kept)
    gone = {index for chain in chains.values() for index in chain}
    layers, folded = [], {}
    for index, layer in enumerate(net.layers):
        if index in chains:
            layer, folded[layer.name] = _merge(layer, [net.layers[each] for each in chains[index]])
        if index not in gone:
            layers.append(layer)
    return replace(net, layers=tuple(layers)), folded


def folds_of(net: Net) -> Mapping[str, Folded]:
    """What `to_openvino` folds, by the name of the convolution or inner product.

    Raises:
        ModelError: as `to_openvino` does.
    """
    rest = stripped(net)
    return fold(rest.net, rest.outputs)[1]


def _chains(net: Net, kept: Collection[str]) -> dict[int, list[int]]:
    """Index of a layer -> indices of those that are folded into it, in order."""
    read = readers(sources(net))
    chains = {}
    for index, layer in enumerate(net.layers):
        chain = _chain(net, index, read, kept) if _is_target(layer) else []
        if chain:
            chains[index] = chain
    return chains


def _chain(net: Net, index: int, read: Mapping[Value, list[int]], kept: Collection[str]) -> list[int]:
    chain: list[int] = []
    channels = _channels(net.layers[index])
    while True:
        end = chain[-1] if chain else index
        next_ones = read.get((end, 0), [])
        if len(next_ones) != 1 or not _is_affine(net.layers[next_ones[0]], channels):
            return chain
        if (name := net.layers[end].tops[0]) in kept and net.layers[next_ones[0]].tops != (name,):
            return chain
        chain.append(next_ones[0])


def _is_target(layer: Layer) -> bool:
    """Whether weights and bias are there and fit; what does not fit is said by the handler."""
    rule, channels = layer.params, _channels(layer)
    if len(layer.tops) != 1 or not layer.blobs:
        return False
    if layer.type in CONVOLUTIONS:
        own, outputs = rule.convolution_param, layer.blobs[0].shape[0]
    elif layer.type == "InnerProduct" and rule.inner_product_param.axis == 1 and layer.blobs[0].ndim > 1:
        own = rule.inner_product_param
        outputs = layer.blobs[0].shape[-1 if own.transpose else -2]
    else:
        return False
    has_bias = len(layer.blobs) > 1 and layer.blobs[1].size == channels
    return not own.relu and outputs == channels and (has_bias or not own.bias_term)


def _channels(layer: Layer) -> int:
    rule = layer.params
    return int((rule.inner_product_param if layer.type == "InnerProduct" else rule.convolution_param).num_output)


def _is_affine(layer: Layer, channels: int) -> bool:
    return (
        layer.type in FOLDABLE and bool(layer.blobs or layer.type == "Power") and _affine(layer, channels) is not None
    )


def _affine(layer: Layer, channels: int) -> Affine | None:
    try:
        return affine_of(layer, channels)
    except ModelError:
        return None  # stays in the net, where its handler says what is wrong


def _merge(layer: Layer, chain: list[Layer]) -> tuple[Layer, Folded]:
    channels = _channels(layer)
    whole = Affine(np.ones(channels), np.zeros(channels))
    for each in chain:
        step = _affine(each, channels)
        assert step is not None
        whole = whole.then(step)
    weights, bias = layer.blobs[0], _bias(layer, channels)
    scaled = np.empty_like(weights)
    gain = whole.gain.reshape(_outputs_first(layer, weights))
    # in float64, rounded once; without a copy of all weights in it
    np.multiply(weights, gain, out=scaled, dtype=np.float64, casting="same_kind")
    shifted = (bias * whole.gain + whole.shift).astype(np.float32)
    made = replace(layer, tops=chain[-1].tops, blobs=(scaled, shifted), params=_with_bias(layer))
    return made, Folded(tuple(each.name for each in chain), whole.gain)


def _bias(layer: Layer, channels: int) -> DoubleArray:
    own = layer.params.inner_product_param if layer.type == "InnerProduct" else layer.params.convolution_param
    return layer.blobs[1].reshape(-1).astype(np.float64) if own.bias_term else np.zeros(channels)


def _outputs_first(layer: Layer, weights: FloatArray) -> tuple[int, ...]:
    """The shape in which one number for each output channel multiplies the weights."""
    if layer.type != "InnerProduct":
        return (-1, *[1] * (weights.ndim - 1))
    if layer.params.inner_product_param.transpose:
        return (*[1] * (weights.ndim - 1), -1)
    return (*[1] * (weights.ndim - 2), -1, 1)


def _with_bias(layer: Layer) -> object:
    params = copy.deepcopy(layer.params)
    (params.inner_product_param if layer.type == "InnerProduct" else params.convolution_param).bias_term = True
    return params

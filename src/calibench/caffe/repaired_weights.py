"""A constant added to a layer's output, put where the weights file holds it: a bias, or the mean of a BatchNorm.

The graph has one bias, of the convolution with all that is folded into it; the file has the parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from calibench.caffe.affine import DoubleArray, affine_of
from calibench.caffe.folding import Folded
from calibench.caffe.net import FloatArray, Layer, Net
from calibench.caffe.stored_scales import OUTPUTS
from calibench.errors import ModelError

BIAS = 1
"""Number of the blob in a convolution, inner product, Scale or BN."""
MEAN, FACTOR, GAIN, SHIFT = 0, 2, 3, 4
"""Blobs of a BatchNorm; the last two are Intel's."""


@dataclass(frozen=True, eq=False)
class Part:
    """A blob that moves the output.

    Attributes:
        effect: float64 [channels]; by how much the output moves if the blob grows by 1.
    """

    layer: Layer
    blob: int
    effect: DoubleArray


def shifted_weights(
    net: Net, folded: Mapping[str, Folded], shifts: Mapping[str, FloatArray]
) -> dict[str, dict[int, FloatArray]]:
    """The changes of a weights file that add a constant to the output of layers, for `write_weights`.

    The last blob of the chain convolution, BatchNorm, Scale ... that can do it for all channels is changed. A layer
    without any gets a bias of its own, blob 1: its prototxt needs `bias_term` then (see `new_biases`).

    Args:
        net: as read, with its blobs.
        folded: of `folds_of(net)`.
        shifts: float32 [output channels] by name of a convolution or inner product; added to what leaves the chain.

    Raises:
        ModelError: no change of a blob has the effect, since a gain behind it is 0.
    """
    changes: dict[str, dict[int, FloatArray]] = {}
    for name, shift in shifts.items():
        chain = [net.layer(each) for each in folded[name].layers] if name in folded else []
        part = _part(net.layer(name), chain, shift)
        changes.setdefault(part.layer.name, {})[part.blob] = _moved(part, shift)
    return changes


def new_biases(net: Net, changes: Mapping[str, Mapping[int, FloatArray]]) -> tuple[str, ...]:
    """The layers that get a bias which they did not have: their prototxt needs `bias_term: true`."""
    return tuple(name for name in changes if net.layer(name).type in OUTPUTS and not has_bias(net.layer(name)))


def has_bias(layer: Layer) -> bool:
    """Whether a convolution or inner product adds its blob 1."""
    return bool(getattr(layer.params, OUTPUTS[layer.type]).bias_term) and len(layer.blobs) > BIAS


def _part(layer: Layer, chain: list[Layer], shift: FloatArray) -> Part:
    parts = list(_parts(layer, chain, shift.size))
    for part in parts:
        if np.isfinite(part.effect).all() and not (shift[part.effect == 0]).any():
            return part
    raise ModelError(
        f"layer {layer.name}: its output cannot be shifted by a change of the weights file, since "
        f"{'what follows it' if chain else 'it'} multiplies a channel by 0."
    )


def _parts(layer: Layer, chain: list[Layer], channels: int) -> Iterator[Part]:
    """What could be changed, the last first."""
    behind = np.ones(channels)
    for each in reversed(chain):
        found = _additive(each, channels)
        if found is not None:
            yield Part(each, found[0], found[1] * behind)
        affine = affine_of(each, channels)
        assert affine is not None
        behind = behind * affine.gain
    yield Part(layer, BIAS, behind)


def _additive(layer: Layer, channels: int) -> tuple[int, DoubleArray] | None:
    """The blob of a folded layer that is added for each channel, and its effect on the layer's own output."""
    blobs, ones = layer.blobs, np.ones(channels)
    sizes = [blob.size for blob in blobs]
    if layer.type == "BatchNorm":
        if len(sizes) > SHIFT:
            return SHIFT, ones
        affine, factor = affine_of(layer, channels), float(blobs[FACTOR].reshape(-1)[0])
        assert affine is not None
        return (MEAN, -affine.gain / factor) if factor else None
    place = {"Scale": BIAS, "BN": BIAS, "Bias": 0}.get(layer.type)
    if place is None or len(sizes) <= place or sizes[place] != channels:
        return None
    return None if layer.type == "Scale" and not layer.params.scale_param.bias_term else (place, ones)


def _moved(part: Part, shift: FloatArray) -> FloatArray:
    layer = part.layer
    is_new = layer.type in OUTPUTS and not has_bias(layer)
    old = np.zeros(shift.shape, np.float32) if is_new else layer.blobs[part.blob]
    step = np.divide(shift, part.effect, out=np.zeros(shift.size), where=part.effect != 0)
    return np.asarray(old + step.reshape(old.shape), np.float32)

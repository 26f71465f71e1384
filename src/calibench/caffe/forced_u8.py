"""Option -fu: the data layer hands the first convolution its bytes, so that the image is not rounded once more.

The first convolution of a quantized prototxt reads signed bytes. Moved by 128 they are 0..255, which scale and mean of
`transform_param` can give; what the move adds to the output is taken out of the bias, and the border of the convolution
becomes one of the image, filled with 128.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibench.caffe.first_convolution import first_convolution
from calibench.caffe.flow import where
from calibench.caffe.folding import fold
from calibench.caffe.forced_text import forced_text
from calibench.caffe.int8_graph import integer_weights
from calibench.caffe.net import FloatArray, Net
from calibench.caffe.prototxt import Prototxt, encode_text
from calibench.caffe.repaired_weights import new_biases, shifted_weights
from calibench.caffe.scales import LayerScales
from calibench.caffe.schema import message
from calibench.caffe.stripping import stripped
from calibench.caffe.weights_file import Changes, write_weights
from calibench.errors import JobError, ModelError

ZERO = 128
"""The byte that stands for 0."""


@dataclass(frozen=True, eq=False)
class Forced:
    """What has to be written.

    Attributes:
        layer: name of the first convolution.
        scales: its new ones.
        text: of the prototxt.
        changes: of the weights file.
        means: name of a file beside the prototxt -> the moved mean image, float32 [C, H, W], for `mean_file`.
    """

    layer: str
    scales: LayerScales
    text: str
    changes: Changes
    means: dict[str, FloatArray]


def forced_u8(prototxt: Prototxt, net: Net, scales: Mapping[str, LayerScales], is_halved: bool) -> Forced:
    """The files for bytes 0..255 as input of the first convolution; its INT8 results stay the same.

    The bias is corrected by the rounded weights, not by the exact ones as Intel's tool did: so the result is the same
    with any number of bits.

    Args:
        prototxt: with the scales already, in the present layout.
        net: as read from it, with its blobs.
        is_halved: the layer's weights get 7 bits, for CPUs without VNNI (without -clx). Not needed where the scales
            were made for such a CPU already.

    Raises:
        ModelError: the first convolution does not read a data layer with `transform_param` alone, has no scales of
            signed bytes, or its border is not the same on all sides; the mean file is missing.

    Source: Intel Caffe 1.1.6, -fu; its faults at the border are not taken over.
    """
    first = first_convolution(net)
    old = scales.get(first.layer.name)
    if old is None:
        raise ModelError(
            f"{where(net, first.layer)}: -fu needs the first convolution in INT8, but it has no scales. Use -1st too."
        )
    if not old.is_signed_in or old.force_u8_input:
        raise ModelError(
            f"{where(net, first.layer)}: -fu makes signed input unsigned, but the input is unsigned already."
        )
    params = old.scale_params * np.float32(0.5) if is_halved else old.scale_params
    new = replace(old, is_signed_in=False, force_u8_input=True, scale_params=params)
    rest = stripped(net)
    folded, folds = fold(rest.net, rest.outputs)
    shift = _shift(folded.layer(first.layer.name).blobs[0], new)
    changes = shifted_weights(net, folds, {first.layer.name: shift})
    text, means = forced_text(prototxt, net, first, new, bool(new_biases(net, changes)))
    return Forced(first.layer.name, new, text, changes, means)


def write_forced(forced: Forced, weights: Path, prototxt_out: Path, weights_out: Path) -> None:
    """Write the new prototxt, the new caffemodel and, beside the prototxt, moved mean images.

    Args:
        weights: the file that the changes are of.

    Raises:
        JobError: a file cannot be written.
        ModelError: the changes do not fit the weights file.
    """
    write_weights(weights, weights_out, forced.changes)
    try:
        for name, mean in forced.means.items():
            (prototxt_out.parent / name).write_bytes(mean_bytes(mean))
        prototxt_out.write_bytes(encode_text(forced.text))
    except OSError as error:
        raise JobError(f"{prototxt_out}: cannot be written: {error.strerror or error}.") from None


def mean_bytes(mean: FloatArray) -> bytes:
    """A binaryproto of float32 [C, H, W]."""
    channels, height, width = mean.shape
    made = message("BlobProto")(num=1, channels=channels, height=height, width=width)
    made.data.extend(mean.reshape(-1).tolist())
    return bytes(made.SerializeToString())


def _shift(weights: FloatArray, scales: LayerScales) -> FloatArray:
    """float32 [output channels]: what the output has too much if all inputs are 128 steps higher, with its sign."""
    sums = integer_weights(weights, scales.scale_params).reshape(weights.shape[0], -1).sum(1, np.int64)
    params = np.broadcast_to(scales.scale_params, sums.shape).astype(np.float64)
    real = np.divide(sums, params, out=np.zeros(sums.shape), where=params != 0)
    return np.asarray(-ZERO / scales.scale_in * real, np.float32)

"""Weights files of all layouts, written with protobuf."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calibench.caffe.net import FloatArray
from calibench.caffe.schema import message

Weights = Mapping[str, Sequence[FloatArray]]


def blob(values: FloatArray, legacy: bool = False, double: bool = False) -> Any:
    """A BlobProto; `legacy`: with num, channels, height and width, ones in front."""
    made = message("BlobProto")()
    if legacy:
        sizes = (1,) * (4 - values.ndim) + values.shape
        made.num, made.channels, made.height, made.width = sizes
    else:
        made.shape.dim.extend(values.shape)
    (made.double_data if double else made.data).extend(values.reshape(-1).tolist())
    return made


def save(path: Path, weights: Weights, layout: str = "layer", **how: bool) -> Path:
    """A caffemodel; `layout` is "layer", "V1" or "V0"."""
    net = message("NetParameter")(name="saved")
    for name, blobs in weights.items():
        if layout == "layer":
            layer = net.layer.add(name=name, type="Convolution")
        elif layout == "V1":
            layer = net.layers.add(name=name, type=4)
        else:
            layer = net.layers.add(bottom=["data"]).layer
            layer.name, layer.type = name, "conv"
        layer.blobs.extend(blob(np.asarray(values), **how) for values in blobs)
    path.write_bytes(net.SerializeToString())
    return path

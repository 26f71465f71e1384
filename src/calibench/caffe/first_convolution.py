"""Finds the convolution that reads the images, for option -fu, and whether nothing else depends on them."""

from dataclasses import dataclass

from calibench.caffe.flow import OUTSIDE, readers, sources, where
from calibench.caffe.layers.convolution import DEPTHWISE, window
from calibench.caffe.net import Layer, Net
from calibench.caffe.stripping import stripped
from calibench.errors import ModelError

PICTURES = ("Data", "ImageData", "AnnotatedData")
"""Data layers that prepare pictures by `transform_param`."""
SPATIAL = 2


@dataclass(frozen=True, eq=False)
class FirstConvolution:
    """The convolution and what stands in front of it.

    Attributes:
        data: the layer that gives the images; `blob` is its top.
        pad: rows and columns that the convolution adds on each side.
        priors: names of the PriorBox layers that take the size of the image from the blob.
    """

    layer: Layer
    data: Layer
    blob: str
    pad: int
    priors: tuple[str, ...]


def first_convolution(net: Net) -> FirstConvolution:
    """The first convolution in the order of the file.

    Raises:
        ModelError: there is none; it does not read a data layer; others read that too; its border differs by side.
    """
    kept = {layer.name for layer in stripped(net).net.layers}
    flow = sources(net)
    found = [
        i for i, layer in enumerate(net.layers) if layer.type in ("Convolution", *DEPTHWISE) and layer.name in kept
    ]
    if not found:
        raise ModelError(f"{net.path.name}: -fu needs a convolution, but the net has none.")
    layer, value = net.layers[found[0]], flow[found[0]][0]
    if value[0] == OUTSIDE or net.layers[value[0]].type not in PICTURES:
        kind = "an input" if value[0] == OUTSIDE else f"a layer of type {net.layers[value[0]].type}"
        raise ModelError(
            f"{where(net, layer)}: -fu changes the transform_param of the data layer that the first convolution reads, "
            f"but it reads {kind}. Put a layer of type {', '.join(PICTURES[:-1])} or {PICTURES[-1]} there."
        )
    data = net.layers[value[0]]
    if data.params.transform_param.pad:
        raise ModelError(f"{where(net, data)}: its transform_param has a pad already, so -fu cannot use it.")
    pad = _pad(net, layer)
    others = [net.layers[index] for index in readers(flow)[value] if net.layers[index].name in kept]
    return FirstConvolution(layer, data, layer.bottoms[0], pad, _priors(net, layer, others))


def _pad(net: Net, layer: Layer) -> int:
    pads = set(window(layer.params.convolution_param, SPATIAL).pad)
    if len(pads) > 1:
        raise ModelError(
            f"{where(net, layer)}: pads rows and columns differently, but transform_param has one pad for both, so "
            "-fu cannot be done. Leave it out."
        )
    return pads.pop()


def _priors(net: Net, first: Layer, others: list[Layer]) -> tuple[str, ...]:
    for other in others:
        if other.name != first.name and other.type != "PriorBox":
            raise ModelError(
                f"{where(net, other)}: reads the images too, which -fu changes for layer '{first.name}' only. Leave "
                "-fu out."
            )
    return tuple(other.name for other in others if other.type == "PriorBox")

"""Take off what does not belong to the graph: data layers, labels, losses, scores."""

from dataclasses import dataclass, replace

from calibench.caffe.flow import OUTSIDE, Value, readers, sources
from calibench.caffe.net import Layer, Net
from calibench.errors import ModelError

LABELLED = ("Data", "ImageData", "AnnotatedData", "MemoryData", "WindowData", "VideoData")
"""Data layers whose first top is the data, and all others annotations."""
DATA = (*LABELLED, "Input", "HDF5Data", "DummyData")
SCORES = ("Accuracy", "DetectionEvaluate", "EvalDetection")
"""Layers that compare an output with annotations."""
SINKS = ("Silence", "HDF5Output")
LEARNED = ("Convolution", "Deconvolution", "InnerProduct", "ConvolutionDepthwise", "DepthwiseConvolution", "Embed")


@dataclass(frozen=True, eq=False)
class Stripped:
    """A net without its data layers, losses and scores.

    Attributes:
        net: the layers that its outputs need; `inputs` names what is left of the data, the shape () where a data layer
            makes it.
        inputs: blob -> the data layer that makes it; None where it is an input of the net itself.
        outputs: blobs, in the order of the file.
        scores: the layers that were taken off and compare outputs with annotations.
    """

    net: Net
    inputs: dict[str, Layer | None]
    outputs: tuple[str, ...]
    scores: tuple[Layer, ...]


def stripped(net: Net) -> Stripped:
    """The part of a net that computes its outputs.

    Outputs are the blobs that nobody reads, and those that are scored.

    Raises:
        ModelError: a layer reads what is not there, or no layer is left.
    """
    flow = sources(net)
    ends = _ends(net, flow)
    needed = _needed(flow, ends)
    layers = [index for index in sorted({index for index, _ in needed}) if index != OUTSIDE]
    kept = tuple(net.layers[index] for index in layers if net.layers[index].type not in DATA)
    if not kept:
        raise ModelError(f"{net.path}: no layer is left without data layers, losses and scores. Correct the file.")
    inputs = {name: None for number, name in enumerate(net.inputs) if (OUTSIDE, number) in needed}
    made = {
        net.layers[index].tops[number]: net.layers[index]
        for index, number in sorted(needed)
        if index != OUTSIDE and net.layers[index].type in DATA
    }
    return Stripped(
        net=replace(net, layers=kept, inputs={name: net.inputs.get(name, ()) for name in (*inputs, *made)}),
        inputs={**inputs, **made},
        outputs=tuple(dict.fromkeys(_name(net, value) for value in sorted(ends))),
        scores=tuple(layer for layer in net.layers if layer.type in SCORES),
    )


def is_loss(layer: Layer) -> bool:
    """Whether a layer measures a loss: SoftmaxWithLoss, EuclideanLoss, MultiBoxLoss and others."""
    return "Loss" in layer.type


def is_taken_off(layer: Layer) -> bool:
    """Whether a layer is a loss or a score, or ends a blob without any effect."""
    return layer.type in SCORES or layer.type in SINKS or is_loss(layer)


def _ends(net: Net, flow: tuple[tuple[Value, ...], ...]) -> set[Value]:
    """The values that leave the net."""
    read = readers(flow)
    annotations = _annotations(net, flow)
    ends = {
        (index, number)
        for index, layer in enumerate(net.layers)
        if layer.type not in DATA and not is_taken_off(layer)
        for number in range(len(layer.tops))
        if (index, number) not in read and (index, number) not in annotations
    }
    learned = _learned(net, flow)
    for index, layer in enumerate(net.layers):
        if layer.type in SCORES:
            ends.add(flow[index][0])
        elif is_loss(layer) or layer.type == "HDF5Output":
            compared = [value for value in flow[index] if value in learned] or flow[index][:1]
            ends |= {value for value in compared if all(is_taken_off(net.layers[reader]) for reader in read[value])}
    return _made_by_layers(net, ends) or _made_by_layers(net, _silenced(net, flow))


def _made_by_layers(net: Net, ends: set[Value]) -> set[Value]:
    return {(index, number) for index, number in ends if index != OUTSIDE and net.layers[index].type not in DATA}


def _silenced(net: Net, flow: tuple[tuple[Value, ...], ...]) -> set[Value]:
    """What ends in Silence: all that is left of a net whose last layer draws or saves what it found."""
    return {value for index, layer in enumerate(net.layers) if layer.type == "Silence" for value in flow[index]}


def _annotations(net: Net, flow: tuple[tuple[Value, ...], ...]) -> set[Value]:
    """What data layers give as annotations, and what is computed of nothing else."""
    found: set[Value] = set()
    for index, layer in enumerate(net.layers):
        for number, top in enumerate(layer.tops):
            is_label = number > 0 if layer.type in LABELLED else layer.type in DATA and top.startswith("label")
            if is_label or (flow[index] and found.issuperset(flow[index])):
                found.add((index, number))
    return found


def _learned(net: Net, flow: tuple[tuple[Value, ...], ...]) -> set[Value]:
    """What depends on weights: predictions, as against targets made of the data."""
    found: set[Value] = set()
    for index, layer in enumerate(net.layers):
        if layer.type in LEARNED or not found.isdisjoint(flow[index]):
            found |= {(index, number) for number in range(len(layer.tops))}
    return found


def _needed(flow: tuple[tuple[Value, ...], ...], ends: set[Value]) -> set[Value]:
    needed: set[Value] = set()
    ahead = list(ends)
    while ahead:
        value = ahead.pop()
        if value not in needed:
            needed.add(value)
            ahead += flow[value[0]] if value[0] != OUTSIDE else ()
    return needed


def _name(net: Net, value: Value) -> str:
    return net.layers[value[0]].tops[value[1]]

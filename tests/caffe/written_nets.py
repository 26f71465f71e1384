"""Write a Caffe network: a prototxt that a test spells out, and a caffemodel with blobs that are given or drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import openvino.opset13 as ops
from benchmarks.zoo.caffe.written import write_caffemodel

from calibench.caffe.handler import Context, dims
from calibench.caffe.layers.handlers import HANDLERS
from calibench.caffe.net import FloatArray, Net
from calibench.caffe.read_net import read_net

Blobs = Mapping[str, Sequence[FloatArray]]


def write_net(
    folder: Path,
    text: str,
    blobs: Blobs | None = None,
    seed: int = 0,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
) -> tuple[Path, Path]:
    """net.prototxt and net.caffemodel in a folder.

    Args:
        text: of the prototxt.
        blobs: layer -> its blobs; None: drawn by `draw_blobs`.
        inputs: of data layers that do not say it: blob -> shape.
    """
    prototxt, weights = folder / "net.prototxt", folder / "net.caffemodel"
    prototxt.write_text(text)
    net = read_net(prototxt, None)
    given = draw_blobs(net, seed, inputs) if blobs is None else blobs
    types = {layer.name: layer.type for layer in net.layers}
    # layers without blobs are in it too, as Caffe writes them
    names = dict.fromkeys((*types, *given))
    write_caffemodel(weights, net.name, {name: (types.get(name, ""), given.get(name, ())) for name in names})
    return prototxt, weights


def draw_blobs(
    net: Net, seed: int = 0, inputs: Mapping[str, tuple[int, ...]] | None = None
) -> dict[str, list[FloatArray]]:
    """Random blobs of the right shapes for each layer that learns; values stay of the order of 1 through the net.

    Args:
        inputs: blob -> shape, where data layers do not say it.
    """
    random = np.random.default_rng(seed)
    shapes = {**stated_shapes(net), **(inputs or {})}
    table: dict[str, ov.Output] = {name: ops.parameter(shape).output(0) for name, shape in shapes.items()}
    drawn: dict[str, list[FloatArray]] = {}
    for layer in net.layers:
        if not layer.bottoms or any(bottom not in table for bottom in layer.bottoms) or layer.type not in HANDLERS:
            continue
        values = [table[bottom] for bottom in layer.bottoms]
        if layer.type in RULES:
            drawn[layer.name] = RULES[layer.type](layer.params, dims(values[0]), random)
            layer = replace(layer, blobs=tuple(drawn[layer.name]))
        table.update(zip(layer.tops, HANDLERS[layer.type](layer, values, Context(net, 1)), strict=False))
    return drawn


def outputs_of(graph: ov.Model, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Outputs by blob, of the CPU in exact float32."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(dict(inputs))
    return {port.any_name: np.array(found[port]) for port in compiled.outputs}


def opencv_outputs(
    prototxt: Path, weights: Path, inputs: Mapping[str, FloatArray], blobs: Sequence[str]
) -> dict[str, FloatArray]:
    """What OpenCV's own importer makes of the same files, by blob."""
    # OpenCV asks for a value by the layer that makes it, here the last of those in place
    makers = {
        top: f"{layer.name}.{number}" if number else layer.name
        for layer in read_net(prototxt, None).layers
        for number, top in enumerate(layer.tops)
    }
    net = cv2.dnn.readNetFromCaffe(str(prototxt), str(weights))
    net.enableFusion(False)
    for name, values in inputs.items():
        net.setInput(values, name)
    found = net.forward([makers[blob] for blob in blobs])
    return dict(zip(blobs, (np.array(values) for values in found), strict=True))


def stated_shapes(net: Net) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs that the file itself gives."""
    found = dict(net.inputs)
    for layer in net.layers:
        if layer.type == "Input":
            shapes = [tuple(shape.dim) for shape in layer.params.input_param.shape]
            found.update(zip(layer.tops, shapes * len(layer.tops), strict=False))
    return found


Rule = Callable[[Any, list[int], np.random.Generator], list[FloatArray]]


def _normal(random: np.random.Generator, shape: Sequence[int], spread: float) -> FloatArray:
    return random.normal(0, spread, shape).astype(np.float32)


def _convolution(
    params: Any, bottom: list[int], random: np.random.Generator, is_transposed: bool = False
) -> list[FloatArray]:
    rule = params.convolution_param
    kernel = [rule.kernel_h, rule.kernel_w] if rule.HasField("kernel_h") else list(rule.kernel_size)
    kernel = kernel * (len(bottom) - 2) if len(kernel) == 1 else kernel
    ends = [bottom[1], rule.num_output] if is_transposed else [rule.num_output, bottom[1]]
    shape = [ends[0], ends[1] // rule.group, *kernel]
    weights = _normal(random, shape, 1.4 / np.sqrt(np.prod(shape[1:])))
    return [weights, _normal(random, [rule.num_output], 0.2)][: 1 + rule.bias_term]


def _depthwise(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    rule = params.convolution_param
    shape = [rule.num_output, 1, *[rule.kernel_size[0]] * 2]
    return [_normal(random, shape, 0.4), _normal(random, [rule.num_output], 0.2)][: 1 + rule.bias_term]


def _inner_product(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    rule = params.inner_product_param
    length = int(np.prod(bottom[rule.axis :]))
    shape = [length, rule.num_output] if rule.transpose else [rule.num_output, length]
    return [_normal(random, shape, 1 / np.sqrt(length)), _normal(random, [rule.num_output], 0.2)][: 1 + rule.bias_term]


def _batch_norm(_params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    factor = np.float32(999.98)
    mean, variance = _normal(random, bottom[1:2], 0.5), random.uniform(0.3, 2, bottom[1]).astype(np.float32)
    return [mean * factor, variance * factor, np.array([factor])]


def _scale(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    rule = params.scale_param
    shape = bottom[rule.axis : rule.axis + rule.num_axes if rule.num_axes >= 0 else None]
    return [random.uniform(0.3, 1.7, shape).astype(np.float32), _normal(random, shape, 0.3)][: 1 + rule.bias_term]


def _bias(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    rule = params.bias_param
    return [_normal(random, bottom[rule.axis : rule.axis + rule.num_axes], 0.3)]


def _slopes(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    shape = [1] if params.prelu_param.channel_shared else bottom[1:2]
    return [random.uniform(0.05, 0.5, shape).astype(np.float32)]


def _norm(params: Any, bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    return [random.uniform(1, 5, [1] if params.norm_param.channel_shared else bottom[1:2]).astype(np.float32)]


def _embed(params: Any, _bottom: list[int], random: np.random.Generator) -> list[FloatArray]:
    rule = params.embed_param
    return [_normal(random, [rule.input_dim, rule.num_output], 1), _normal(random, [rule.num_output], 1)][
        : 1 + rule.bias_term
    ]


RULES: dict[str, Rule] = {
    "Convolution": _convolution,
    "Deconvolution": lambda params, bottom, random: _convolution(params, bottom, random, True),
    "ConvolutionDepthwise": _depthwise,
    "DepthwiseConvolution": _depthwise,
    "InnerProduct": _inner_product,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "Bias": _bias,
    "PReLU": _slopes,
    "Normalize": _norm,
    "Embed": _embed,
}
"""Type of a layer -> its blobs, by its parameters and the shape of its first bottom."""

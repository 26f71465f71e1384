"""A small ONNX network of ours as layers of Caffe: the same function, with BatchNorm and Scale as trainers write it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from benchmarks.zoo.caffe.written import Word, block, layer
from benchmarks.zoo.network import Array

SEED = 5
EPS = 1e-5  # of BatchNorm, Caffe's default
FACTOR = 999.98  # what the sums of BatchNorm are divided by, as after long training
Weights = dict[str, tuple[str, list[Array]]]
Uneven = Callable[[str, Array, Array], tuple[Array, Array]]
"""Name of a convolution, its weights and bias -> those with which the network computes the same."""


@dataclass
class _Writing:
    """What has been written, and which top each ONNX tensor is."""

    constants: Mapping[str, Array]
    tops: dict[str, str]
    text: list[str]
    weights: Weights
    random: np.random.Generator
    counts: dict[str, int]

    def add(self, kind: str, bottoms: list[str], *parameters: str, blobs: tuple[Array, ...] = (), top: str = "") -> str:
        """Write a layer; gives its top, which is new or, for an in-place layer, the one given."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        name = f"{SHORT.get(kind, kind.lower())}{self.counts[kind]}"
        self.text.append(layer(name, kind, bottoms, top or name, *parameters))
        if blobs:
            self.weights[name] = (kind, list(blobs))
        return top or name


SHORT = {"Convolution": "conv", "InnerProduct": "fc", "Pooling": "pool", "Eltwise": "sum", "BatchNorm": "bn"}


def layers_of(path: Path, uneven: Uneven = lambda name, weights, bias: (weights, bias)) -> tuple[str, Weights, str]:
    """The layers between `data` and the scores: as text, with their weights, and the top with the scores.

    Args:
        path: an ONNX file with the operations of `WRITERS`, a picture as its only input.
        uneven: see `Uneven`; is given the name of the ONNX tensor that a convolution makes.
    """
    graph = onnx.load(path).graph
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    random = np.random.default_rng(SEED)
    writing = _Writing(constants, {graph.input[0].name: "data"}, [], {}, random, {})
    for node in graph.node:
        values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        writing.tops[node.output[0]] = WRITERS[node.op_type](writing, node, values, uneven)
    return "".join(writing.text), writing.weights, writing.tops[graph.output[0].name]


def _convolution(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    weights, bias = uneven(node.output[0], *(writing.constants[name] for name in node.input[1:3]))
    (size, _), (stride, _), pad = values["kernel_shape"], values["strides"], values["pads"][0]
    shape = {"num_output": len(weights), "kernel_size": size, "stride": stride, "pad": pad, "group": values["group"]}
    bottom = writing.tops[node.input[0]]
    if "/f.2/" in node.output[0]:  # of squeeze and excitation: trained with a bias and no BatchNorm
        return writing.add("Convolution", [bottom], block("convolution_param", **shape), blobs=(weights, bias))
    mean, gamma = writing.random.normal(0, 0.1, len(weights)), writing.random.uniform(0.5, 1.5, len(weights))
    variance = writing.random.uniform(0.5, 2, len(weights))
    shrink = np.sqrt(variance + EPS) / gamma
    made = (weights * shrink[:, None, None, None]).astype(np.float32)
    top = writing.add("Convolution", [bottom], block("convolution_param", **shape, bias_term=False), blobs=(made,))
    sums = (mean * FACTOR, variance * FACTOR, np.array([FACTOR]))
    writing.add("BatchNorm", [top], block("batch_norm_param", use_global_stats=True), blobs=sums, top=top)
    scale = (gamma, bias + gamma * mean / np.sqrt(variance + EPS))
    return writing.add("Scale", [top], block("scale_param", bias_term=True), blobs=scale, top=top)


def _sigmoid(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    return writing.add("Sigmoid", [writing.tops[node.input[0]]])


def _relu(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    top = writing.tops[node.input[0]]
    return writing.add("ReLU", [top], top=top)


def _hard_sigmoid(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    """clip(x / 6 + 0.5, 0, 1) is ReLU6(x + 3) / 6."""
    top = writing.tops[node.input[0]]
    writing.add("Power", [top], block("power_param", shift=3.0), top=top)
    writing.add("ReLU6", [top], top=top)
    return writing.add("Power", [top], block("power_param", scale=1 / 6), top=top)


def _pool(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    bottom = writing.tops[node.input[0]]
    return writing.add("Pooling", [bottom], block("pooling_param", pool=Word("AVE"), global_pooling=True))


def _product(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    """By a tensor of the same shape, or by one gate for each channel."""
    one, other = (writing.tops[name] for name in node.input[:2])
    if not other.startswith("conv"):
        return writing.add("Eltwise", [one, other], block("eltwise_param", operation=Word("PROD")))
    gates = writing.add("Flatten", [other])
    return writing.add("Scale", [one, gates], block("scale_param", axis=0))


def _sum(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    bottoms = [writing.tops[name] for name in node.input[:2]]
    return writing.add("Eltwise", bottoms, block("eltwise_param", operation=Word("SUM")))


def _inner_product(writing: _Writing, node: Any, values: Mapping[str, Any], uneven: Uneven) -> str:
    weights, bias = (writing.constants[name] for name in node.input[1:3])
    shape = block("inner_product_param", num_output=len(bias))
    return writing.add("InnerProduct", [writing.tops[node.input[0]]], shape, blobs=(weights, bias))


WRITERS: dict[str, Callable[[_Writing, Any, Mapping[str, Any], Uneven], str]] = {
    "Conv": _convolution,
    "Sigmoid": _sigmoid,
    "Relu": _relu,
    "HardSigmoid": _hard_sigmoid,
    "GlobalAveragePool": _pool,
    "Mul": _product,
    "Add": _sum,
    "Flatten": lambda writing, node, values, uneven: writing.tops[node.input[0]],  # InnerProduct flattens
    "Gemm": _inner_product,
}


def linear_scales(path: Path, spread: float) -> Uneven:
    """Uneven channels where no activation stands between two convolutions: grown by one, shrunk by the next.

    Args:
        path: of an ONNX network with linear bottlenecks.
        spread: channels are multiplied by 2 to the power of -spread .. spread.
    """
    graph = onnx.load(path).graph
    convolutions = {node.output[0]: node for node in graph.node if node.op_type == "Conv"}
    widths = {each.name: numpy_helper.to_array(each).shape[0] for each in graph.initializer}
    factors: dict[str, Array] = {}
    for node in graph.node:  # a sum must be of channels grown alike
        parts = [name for name in node.input[:2] if name in convolutions or name in factors]
        if node.op_type == "Add":
            shared = next(factors[name] for name in parts if name in factors)
            factors.update(dict.fromkeys([*parts, node.output[0]], shared))
        elif node.op_type == "Conv" and _is_linear(node.output[0], graph):
            width = widths[node.input[1]]
            grown = np.random.default_rng([SEED, width]).uniform(-spread, spread, width)
            factors[node.output[0]] = np.exp2(grown)

    def uneven(name: str, weights: Array, bias: Array) -> tuple[Array, Array]:
        shrunk = factors.get(convolutions[name].input[0], np.ones(weights.shape[1]))
        grown = factors.get(name, np.ones(len(weights)))
        return weights * grown[:, None, None, None] / shrunk[None, :, None, None], bias * grown

    return uneven


def _is_linear(name: str, graph: Any) -> bool:
    """Whether only convolutions and sums read a tensor."""
    return {node.op_type for node in graph.node if name in node.input} <= {"Conv", "Add"}

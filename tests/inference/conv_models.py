"""Networks of a few layers, made by opset."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops


def conv_relu(batch: int = 1, dynamic: bool = False) -> ov.Model:
    """[batch, 3, 8, 8] -> Convolution -> ReLU."""
    shape = ov.PartialShape([-1, 3, -1, -1]) if dynamic else ov.PartialShape([batch, 3, 8, 8])
    data = ops.parameter(shape, np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    conv = _conv(data, 3, "conv")
    return ov.Model([ops.result(ops.relu(conv, name="relu"))], [data], "conv_relu")


def quantized_conv_relu() -> ov.Model:
    """Two Convolution + ReLU with quantizers at activations and weights."""
    data = ops.parameter([1, 3, 16, 16], np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    first = ops.relu(_conv(_quantizer(data, -1, 1), 3, "first", quantized=True), name="relu")
    second = _conv(_quantizer(first, 0, 10), 16, "second", quantized=True)
    return ov.Model([ops.result(second)], [data], "quantized")


def fixed_batch() -> ov.Model:
    """[1, 4] -> Reshape to a constant shape -> ReLU: cannot run at batch 2."""
    data = ops.parameter([1, 4], np.float32, name="data")
    flat = ops.reshape(data, np.array([4, 1]), False)
    fixed = ops.broadcast(flat, np.array([4, 5]))
    return ov.Model([ops.result(ops.relu(ops.matmul(data, fixed, False, False)))], [data], "fixed")


def _quantizer(node: ov.Node, low: float, high: float, levels: int = 256) -> ov.Node:
    low_, high_ = np.float32(low), np.float32(high)
    return ops.fake_quantize(node, low_, high_, low_, high_, levels)


def _conv(node: ov.Node, channels: int, name: str, quantized: bool = False) -> ov.Node:
    weights = np.random.default_rng(0).normal(size=(16, channels, 3, 3)).astype(np.float32)
    largest = float(np.abs(weights).max())
    constant = ops.constant(weights)
    kernel = _quantizer(constant, -largest, largest, 255) if quantized else constant
    return ops.convolution(node, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name=name)

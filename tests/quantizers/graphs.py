"""Small networks by opset: each function adds one layer and returns its node."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops


def data(*shape, name="data", dtype=np.float32):
    node = ops.parameter(ov.PartialShape(list(shape)), dtype, name=name)
    node.output(0).tensor.set_names({name})
    return node


def weights(*shape, seed=0):
    """Constant of the size that keeps a layer's output near that of its input."""
    fan_in = max(1, int(np.prod(shape[1:])))
    values = np.random.default_rng(seed).normal(size=shape) / np.sqrt(fan_in)
    return ops.constant(values.astype(np.float32))


def conv(node, kernel, name="conv", strides=1):
    """Convolution over any number of spatial axes, same size out for odd kernels; `kernel` a node or a shape."""
    kernel = weights(*kernel) if isinstance(kernel, (tuple, list)) else kernel
    sizes = list(kernel.output(0).get_shape())[2:]
    pads, ones = [size // 2 for size in sizes], [1] * len(sizes)
    return ops.convolution(node, kernel, [strides] * len(sizes), pads, pads, ones, name=name)


def group_conv(node, kernel, name="group"):
    kernel = weights(*kernel) if isinstance(kernel, (tuple, list)) else kernel
    sizes = list(kernel.output(0).get_shape())[3:]
    pads, ones = [size // 2 for size in sizes], [1] * len(sizes)
    return ops.group_convolution(node, kernel, ones, pads, pads, ones, name=name)


def deconv(node, kernel, name="deconv", strides=2):
    kernel = weights(*kernel) if isinstance(kernel, (tuple, list)) else kernel
    return ops.convolution_backprop_data(
        node, kernel, [strides, strides], pads_begin=[0, 0], pads_end=[0, 0], dilations=[1, 1], name=name
    )


def group_deconv(node, kernel, name="group_deconv", strides=2):
    kernel = weights(*kernel) if isinstance(kernel, (tuple, list)) else kernel
    return ops.group_convolution_backprop_data(
        node, kernel, [strides, strides], pads_begin=[0, 0], pads_end=[0, 0], dilations=[1, 1], name=name
    )


def matmul(node, matrix, name="matmul", transpose_a=False, transpose_b=False):
    matrix = weights(*matrix) if isinstance(matrix, (tuple, list)) else matrix
    return ops.matmul(node, matrix, transpose_a, transpose_b, name=name)


def relu(node, name="relu"):
    return ops.relu(node, name=name)


def model(outputs, *inputs):
    """Outputs are named by their layers."""
    outputs = outputs if isinstance(outputs, list) else [outputs]
    results = []
    for node in outputs:
        node.output(0).tensor.set_names({node.get_friendly_name()})
        results.append(ops.result(node, name=f"{node.get_friendly_name()}/result"))
    return ov.Model(results, list(inputs), "small")

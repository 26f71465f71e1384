"""Networks as `to_openvino` makes them: a layer's operation has its name, its bias `<layer>/bias`."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.progress import silent
from calibench.quantizers.quantize import quantize
from calibench.settings import CaffeSettings, Settings


def drawn(*shape):
    """Weights that keep a layer's output near its input in size."""
    values = np.random.default_rng(0).normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))
    return values.astype(np.float32)


def image(*shape):
    """The input `data`."""
    node = ops.parameter(list(shape), np.float32, name="data")
    node.output(0).tensor.set_names({"data"})
    return node


def network(output, node):
    output.output(0).tensor.set_names({output.get_friendly_name()})
    return ov.Model([ops.result(output)], [node], "small")


def biased(node, seed=9):
    """The bias that a convolution has in Caffe."""
    channels = node.get_output_partial_shape(0)[1].get_length()
    values = np.random.default_rng(seed).normal(size=(1, channels, 1, 1)) * 0.1
    return ops.add(node, values.astype(np.float32), name=f"{node.get_friendly_name()}/bias")


def layer(node, kernel, name):
    """Convolution and bias."""
    pads = [kernel[2] // 2, kernel[3] // 2]
    return biased(ops.convolution(node, drawn(*kernel), [1, 1], pads, pads, [1, 1], name=name))


def rectified(node, kernel, name):
    """Convolution, bias and ReLU."""
    return ops.relu(layer(node, kernel, name), name=f"{name}/relu")


def max_pool(node, name):
    return ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], name=name).output(0)


def residual():
    """stem, pool; two convolutions that meet in `sum`; `sum2` with a skip; a Concat; average; inner product."""
    x = image(1, 3, 16, 16)
    pooled = max_pool(rectified(x, (8, 3, 3, 3), "stem"), "pool")
    first = rectified(pooled, (8, 8, 3, 3), "first")
    short = layer(first, (8, 8, 1, 1), "short")
    long = layer(rectified(first, (8, 8, 3, 3), "long1"), (8, 8, 3, 3), "long2")
    added = ops.relu(ops.add(short, long, name="sum"), name="sum/relu")
    branch = layer(rectified(added, (8, 8, 3, 3), "next1"), (8, 8, 3, 3), "next2")
    again = ops.relu(ops.add(added, branch, name="sum2"), name="sum2/relu")
    joined = ops.concat(
        [rectified(again, (4, 8, 1, 1), "left"), rectified(again, (4, 8, 3, 3), "right")], 1, name="joined"
    )
    last = rectified(joined, (8, 8, 3, 3), "last")
    mean = ops.avg_pool(last, [8, 8], [0, 0], [0, 0], [8, 8], False, name="mean")
    flat = ops.reshape(mean, np.array([0, -1]), True, name="flat")
    return network(ops.matmul(flat, drawn(5, 8), False, True, name="classes"), x)


def depthwise():
    """stem; depthwise and pointwise in turn, ReLU6 behind each."""
    x = image(1, 3, 12, 12)
    node = ops.clamp(layer(x, (8, 3, 3, 3), "stem"), 0, 6, name="stem/relu6")
    for i in range(2):
        node = ops.clamp(biased(_depthwise(node, f"dw{i}")), 0, 6, name=f"dw{i}/relu6")
        node = ops.clamp(layer(node, (8, 8, 1, 1), f"pw{i}"), 0, 6, name=f"pw{i}/relu6")
    return network(node, x)


def _depthwise(node, name):
    return ops.group_convolution(node, drawn(8, 1, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], name=name)


def by_scales(graph, samples, threads=1, caffe=None, **settings):
    """Calibrate by the rules of the Caffe calibrator; `caffe`: fields of CaffeSettings."""
    made = Settings(caffe=CaffeSettings(**(caffe or {})), **settings)
    return quantize(graph, Arrays(samples), made, plan_inputs(graph, made, images=False), threads, silent)

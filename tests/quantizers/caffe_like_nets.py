"""Networks as `to_openvino` makes them: a layer's operation has its name, its bias `<layer>/bias`."""

import numpy as np
from graphs import conv, data, group_conv, matmul, model, relu
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.progress import silent
from calibench.quantizers.quantize import quantize
from calibench.settings import CaffeSettings, Settings


def biased(node, seed=9):
    """The bias that a convolution has in Caffe."""
    channels = node.get_output_partial_shape(0)[1].get_length()
    values = np.random.default_rng(seed).normal(size=(1, channels, 1, 1)) * 0.1
    return ops.add(node, values.astype(np.float32), name=f"{node.get_friendly_name()}/bias")


def layer(node, kernel, name):
    """Convolution and bias."""
    return biased(conv(node, kernel, name))


def rectified(node, kernel, name):
    """Convolution, bias and ReLU."""
    return relu(layer(node, kernel, name), f"{name}/relu")


def max_pool(node, name):
    return ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], name=name).output(0)


def residual():
    """stem, pool; two convolutions that meet in `sum`; `sum2` with a skip; a Concat; average; inner product."""
    x = data(1, 3, 16, 16)
    pooled = max_pool(rectified(x, (8, 3, 3, 3), "stem"), "pool")
    first = rectified(pooled, (8, 8, 3, 3), "first")
    short = layer(first, (8, 8, 1, 1), "short")
    long = layer(rectified(first, (8, 8, 3, 3), "long1"), (8, 8, 3, 3), "long2")
    added = relu(ops.add(short, long, name="sum"), "sum/relu")
    branch = layer(rectified(added, (8, 8, 3, 3), "next1"), (8, 8, 3, 3), "next2")
    again = relu(ops.add(added, branch, name="sum2"), "sum2/relu")
    joined = ops.concat(
        [rectified(again, (4, 8, 1, 1), "left"), rectified(again, (4, 8, 3, 3), "right")], 1, name="joined"
    )
    last = rectified(joined, (8, 8, 3, 3), "last")
    mean = ops.avg_pool(last, [8, 8], [0, 0], [0, 0], [8, 8], False, name="mean")
    flat = ops.reshape(mean, np.array([0, -1]), True, name="flat")
    return model(matmul(flat, (5, 8), "classes", transpose_b=True), x)


def depthwise():
    """stem; depthwise and pointwise in turn, ReLU6 behind each."""
    x = data(1, 3, 12, 12)
    node = ops.clamp(layer(x, (8, 3, 3, 3), "stem"), 0, 6, name="stem/relu6")
    for i in range(2):
        node = ops.clamp(biased(group_conv(node, (8, 1, 1, 3, 3), f"dw{i}")), 0, 6, name=f"dw{i}/relu6")
        node = ops.clamp(layer(node, (8, 8, 1, 1), f"pw{i}"), 0, 6, name=f"pw{i}/relu6")
    return model(node, x)


def by_scales(graph, samples, threads=1, caffe=None, **settings):
    """Calibrate by the rules of the Caffe calibrator; `caffe`: fields of CaffeSettings."""
    made = Settings(caffe=CaffeSettings(**(caffe or {})), **settings)
    return quantize(graph, Arrays(samples), made, plan_inputs(graph, made, images=False), threads, silent)

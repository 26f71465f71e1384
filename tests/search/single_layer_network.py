"""A small network with one layer of every quantized kind, and how it is calibrated and run."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import InputPlan, TensorInput
from calibench.models.normalise import normalise
from calibench.progress import silent
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.quantize import quantize
from calibench.quantizers.run import Run
from calibench.settings import make_settings

SHAPE = (1, 4, 8, 8)
LAYERS = ("first", "second", "sum", "pool", "last", "head")


def kernel(*shape, seed):
    values = np.random.default_rng(seed).normal(size=shape) / np.sqrt(np.prod(shape[1:]))
    return values.astype(np.float32)


def conv(node, values, name):
    pads = [values.shape[2] // 2] * 2
    convolved = ops.convolution(node, values, [1, 1], pads, pads, [1, 1], name=name)
    bias = np.full((1, values.shape[0], 1, 1), 0.1, np.float32)
    bias[0, 0] = -0.1
    return ops.add(convolved, bias, name=f"{name}/bias")


def network(change=None, softmax=False):
    """first -> second -> sum (with first) -> pool -> last -> head; `change`: layer -> function of its weights."""
    change = change or {}
    values = {
        "first": kernel(6, 4, 3, 3, seed=1),
        "second": kernel(6, 6, 3, 3, seed=2),
        "last": kernel(8, 6, 1, 1, seed=3),
        "head": kernel(8, 5, seed=4),
    }
    values |= {name: function(values[name]) for name, function in change.items()}
    data = ops.parameter(list(SHAPE), np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    first = ops.relu(conv(data, values["first"], "first"), name="first/relu")
    second = conv(first, values["second"], "second")
    added = ops.add(second, first, name="sum")
    pooled = ops.avg_pool(added, [2, 2], [0, 0], [0, 0], [2, 2], True, name="pool")
    last = ops.relu(conv(pooled, values["last"], "last"), name="last/relu")
    mean = ops.reduce_mean(last, np.array([2, 3]), False, name="mean")
    head = ops.matmul(mean, values["head"], False, False, name="head")
    return ov.Model([ops.result(ops.softmax(head, 1) if softmax else head, name="out")], [data], "small")


def draw(count=24, seed=0):
    """Samples uniform in [-1, 1]."""
    values = np.random.default_rng(seed)
    return [{"data": values.uniform(-1, 1, SHAPE).astype(np.float32)} for _ in range(count)]


def make_run(threads=1, shapes=None):
    plan = InputPlan((TensorInput("data", SHAPE, "float32"),))
    return Run("CPU", threads, plan, {"data": SHAPE} if shapes is None else shapes)


def calibrated(model, samples):
    """The normalised graph, its quantization, and how weights are rounded."""
    graph, settings = normalise(model), make_settings({})
    made = quantize(graph, Arrays(samples), settings, make_run().plan, 1, silent)
    return graph, made.quantization, WeightOptions(guard=True)

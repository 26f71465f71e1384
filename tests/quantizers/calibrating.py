"""Calibrate a small network as the pipeline does, and look at the result."""

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Arrays
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import has_vnni
from calibench.models.normalise import normalise
from calibench.models.ports import port_name
from calibench.progress import silent
from calibench.quantizers.fit import Recipe, fit
from calibench.quantizers.insert import WeightOptions, insert
from calibench.quantizers.placement import place
from calibench.quantizers.prepare import prepare
from calibench.settings import Ignored
from calibench.statistics.collect import collect
from calibench.statistics.probe import add_probe

SYMMETRIC = Recipe("symmetric", "extremes", asymmetric=False)
ASYMMETRIC = Recipe("asymmetric", "extremes", asymmetric=True)


WEIGHTED = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")
"""What the runtime calls them."""


def random_samples(model, count=24, seed=0, low=-1.0, size=10):
    """Uniform in [low, 1]; `size` stands in for dynamic axes, 1 for the batch."""
    values = np.random.default_rng(seed)
    shapes = {}
    for port in model.inputs:
        axes = list(port.partial_shape)
        shapes[port_name(port)] = [d.get_length() if d.is_static else 1 if i == 0 else size for i, d in enumerate(axes)]
    return [{n: values.uniform(low, 1, s).astype(np.float32) for n, s in shapes.items()} for _ in range(count)]


def prepared(model, samples, smoothing=True, asymmetric=False):
    """The normalised graph, and what is settled before a recipe is taken."""
    graph = normalise(model)
    placement = place(graph, Ignored())
    probed = graph.clone()
    layout = add_probe(probed, placement.points)
    found = collect(compile_for_samples(probed, "CPU", 1), layout, Arrays(samples), exact=True, progress=silent)
    return graph, prepare(placement, graph, found.statistics, smoothing=smoothing, asymmetric=asymmetric)


def quantize(model, samples, recipe=SYMMETRIC, options=None, smoothing=True):
    """The INT8 model and the quantization that it was made from."""
    graph, ready = prepared(model, samples, smoothing, recipe.asymmetric)
    quantization = fit(ready, recipe)
    return insert(graph, quantization, options or WeightOptions(guard=not has_vnni())), quantization


def run(model, samples):
    """Outputs of all samples, one list an output."""
    compiled = compile_for_samples(model, "CPU", 1)
    return [
        np.concatenate([o.reshape(1, -1) for o in outs]) for outs in zip(*infer_all(compiled, samples), strict=True)
    ]


def sqnr(exact, noisy):
    """dB, over all values."""
    exact, noisy = exact.astype(np.float64), noisy.astype(np.float64)
    return float(10 * np.log10((exact**2).sum() / max(((exact - noisy) ** 2).sum(), 1e-30)))


def decibels(model, int8, samples):
    """The worst output's SQNR."""
    return min(sqnr(a, b) for a, b in zip(run(model, samples), run(int8, samples), strict=True))


def runtime_precisions(model):
    """Type and precision of the weighted layers that ran, in their order."""
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    info = [op.get_rt_info() for op in compiled.get_runtime_model().get_ordered_ops()]
    ran = [(str(i["layerType"].astype(str)), str(i["runtimePrecision"].astype(str))) for i in info]
    return [(kind, precision) for kind, precision in ran if kind in WEIGHTED]

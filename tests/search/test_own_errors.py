"""The error of a layer by itself is what numpy finds from the exact tensors that it reads."""

from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from single_layer_network import LAYERS, calibrated, draw, make_run, network

from calibench.datasets.dataset import Arrays
from calibench.models.graph import operations
from calibench.quantizers.integers import quantize_weights
from calibench.quantizers.restrict import quantizable
from calibench.search import own_errors as module
from calibench.search.own_errors import own_errors

SAMPLES = draw(6)


@pytest.fixture(scope="module")
def plain():
    return calibrated(network(), draw())


def tensors(graph, names):
    """The exact outputs of layers for all samples, stacked."""
    copy = graph.clone()
    index = operations(copy)
    exposed = ov.Model([index[name].output(0) for name in names], copy.get_parameters())
    compiled = ov.Core().compile_model(exposed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [compiled(sample) for sample in SAMPLES]
    return [np.concatenate([each[i] for each in found]) for i in range(len(names))]


def ratio_db(noise, exact, axes):
    """The mean over the channels of the ratio of variances."""
    signal = exact.var(axes)
    return 10 * np.log10((noise.var(axes) / (signal + 1e-3 * signal.mean())).mean())


def grid_of(quantization, name):
    return next(
        each.grid for each in quantization.quantizers if any(port.operation == name for port in each.site.ports)
    )


def test_a_convolutions_error_is_that_of_its_rounded_input_and_weights(plain):
    graph, quantization, options = plain
    before, exact = tensors(graph, ["pool", "last"])
    weights = operations(graph)["last"].input_value(1).get_node().data
    integers, scale = quantize_weights(weights, (1, 2, 3), 63 if options.guard else 127)
    rounded = np.einsum("nihw,oi->nohw", grid_of(quantization, "last").apply(before), (integers * scale)[:, :, 0, 0])
    expected = ratio_db(rounded - exact, exact, (0, 2, 3))
    assert own_errors(graph, quantization, options, Arrays(SAMPLES), make_run())["last"] == pytest.approx(
        expected, abs=0.1
    )


def test_a_matmuls_error_is_that_of_its_rounded_input_and_weights(plain):
    graph, quantization, options = plain
    before, exact = tensors(graph, ["mean", "head"])
    head = operations(graph)["head"]
    stored = head.input_value(1).get_node().data
    weights = stored.T if head.get_attributes()["transpose_b"] else stored
    integers, scale = quantize_weights(weights, (0,), 63 if options.guard else 127)
    rounded = grid_of(quantization, "head").apply(before) @ (integers * scale)
    assert own_errors(graph, quantization, options, Arrays(SAMPLES), make_run())["head"] == pytest.approx(
        ratio_db(rounded - exact, exact, 0), abs=0.1
    )


def test_an_additions_error_is_that_of_its_quantized_branch_alone(plain):
    graph, quantization, options = plain
    skip, exact = tensors(graph, ["first/relu", "sum"])
    noise = grid_of(quantization, "sum").apply(skip) - skip
    assert own_errors(graph, quantization, options, Arrays(SAMPLES), make_run())["sum"] == pytest.approx(
        ratio_db(noise, exact, (0, 2, 3)), abs=0.1
    )


def test_every_quantized_layer_has_one_in_the_order_of_the_graph(plain):
    found = own_errors(*plain, Arrays(SAMPLES), make_run())
    assert tuple(found) == quantizable(plain[1])
    assert set(found) == set(LAYERS)


def test_a_network_measured_in_several_goes_has_the_same_errors(plain, monkeypatch):
    whole = own_errors(*plain, Arrays(SAMPLES), make_run())
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    assert own_errors(*plain, Arrays(SAMPLES), make_run()) == pytest.approx(whole, abs=1e-3)


def test_one_compiled_model_serves_all_layers(plain, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        module.Run, "compile", lambda run, *rest, _own=module.Run.compile: compiled.append(1) or _own(run, *rest)
    )
    own_errors(*plain, Arrays(SAMPLES), make_run())
    assert len(compiled) == 1


def test_free_shapes_give_the_errors_of_fixed_ones(plain):
    fixed, free = (own_errors(*plain, Arrays(SAMPLES), make_run(shapes=shapes)) for shapes in (None, {}))
    assert free == pytest.approx(fixed, abs=1e-3)


def test_the_graph_is_not_changed(plain):
    graph = plain[0]
    before = [op.get_friendly_name() for op in graph.get_ordered_ops()]
    own_errors(*plain, Arrays(SAMPLES), make_run())
    assert [op.get_friendly_name() for op in graph.get_ordered_ops()] == before


def test_a_quiet_channel_counts_as_much_as_a_loud_one(plain):
    """With one scale for all weights the quiet channels of `last` drown; the sum over channels would not hear it."""
    values = {"last": lambda weights: weights * np.array([30, *[1] * 7], np.float32).reshape(-1, 1, 1, 1)}
    graph, quantization, options = calibrated(network(values), draw())
    loud = own_errors(graph, quantization, replace(options, per_channel=False), Arrays(SAMPLES), make_run())
    assert loud["last"] > own_errors(*plain, Arrays(SAMPLES), make_run())["last"] + 10


def test_a_layer_that_gives_zeros_alone_has_the_lowest_error():
    graph, quantization, options = calibrated(network({"last": np.zeros_like}), draw())
    assert own_errors(graph, quantization, options, Arrays(SAMPLES), make_run())["last"] == module.LOWEST_DB

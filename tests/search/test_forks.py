"""One forked model gives the errors that one model a layer gives; what has no batch is refused and measured singly."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from single_layer_network import SHAPE, calibrated, conv, draw, kernel, make_run, network

from calibench.datasets.dataset import Arrays
from calibench.search import fork_errors as module
from calibench.search.fork_errors import fork_errors
from calibench.search.forks import NoBatchError
from calibench.search.sensitivity import rank
from calibench.search.single_layers import single_errors
from calibench.search.twins import twins

SAMPLES = Arrays(draw(4))


def parameter():
    data = ops.parameter(list(SHAPE), np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    return data


def made(data, *outputs):
    return ov.Model([ops.result(output) for output in outputs], [data], "small")


def branches():
    """Two branches that meet in a Concat, and one that skips both."""
    data = parameter()
    stem = ops.relu(conv(data, kernel(4, 4, 3, 3, seed=1), "stem"))
    left = conv(stem, kernel(4, 4, 1, 1, seed=2), "left")
    right = ops.relu(conv(conv(stem, kernel(4, 4, 3, 3, seed=3), "right"), kernel(4, 4, 3, 3, seed=4), "right2"))
    joined = ops.concat([left, ops.sigmoid(data), right, stem], 1)
    return made(data, conv(joined, kernel(3, 16, 1, 1, seed=5), "end"))


def two_outputs():
    """A layer of the one output does nothing to the other."""
    data = parameter()
    stem = ops.relu(conv(data, kernel(4, 4, 3, 3, seed=1), "stem"))
    return made(data, conv(stem, kernel(4, 4, 1, 1, seed=2), "left"), conv(stem, kernel(4, 4, 3, 3, seed=3), "right"))


def batch_moves():
    """Attention as some exporters write it: the batch wanders to the second axis, and is named in a Reshape."""
    data = parameter()
    rows = ops.transpose(ops.reshape(data, np.array([1, 4, 64]), False), np.array([0, 2, 1]))
    all_three = ops.matmul(rows, kernel(4, 24, seed=1), False, False, name="qkv")
    heads = ops.transpose(ops.reshape(all_three, np.array([1, 64, 3, 2, 4]), False), np.array([2, 0, 3, 1, 4]))
    query, key, value = (ops.gather(heads, np.int64(i), np.int64(0)) for i in range(3))
    weights = ops.softmax(ops.matmul(query, key, False, True, name="scores"), -1)
    mixed = ops.transpose(ops.matmul(weights, value, False, False, name="mixed"), np.array([0, 2, 1, 3]))
    out = ops.matmul(ops.reshape(mixed, np.array([1, 64, 8]), False), kernel(8, 5, seed=2), False, False, name="out")
    return made(data, out)


def boxes():
    """A selection at the end, of a length that differs from sample to sample."""
    data = parameter()
    stem = ops.relu(conv(data, kernel(4, 4, 3, 3, seed=1), "stem"))
    raw = conv(stem, kernel(4, 4, 1, 1, seed=2), "raw")
    return made(data, ops.non_zero(ops.greater(raw, np.float32(0.2)), "i64"))


def mixes_early():
    """The batch becomes a part of the channels in front of the last layer."""
    data = parameter()
    stem = ops.relu(conv(data, kernel(4, 4, 3, 3, seed=1), "stem"))
    flat = ops.reshape(stem, np.array([4, 64]), False)
    return made(data, ops.matmul(flat, kernel(64, 5, seed=2), False, False, name="end"))


def sums_over_batch():
    """Shapes tell nothing of what a cumulated sum along the batch does."""
    data = parameter()
    stem = ops.relu(conv(data, kernel(4, 4, 3, 3, seed=1), "stem"))
    summed = ops.cum_sum(stem, np.int64(0), reverse=True)
    return made(data, conv(summed, kernel(4, 4, 1, 1, seed=2), "end"))


def both(model):
    """The errors by one forked model, and by one model a layer."""
    graph, quantization, options = calibrated(model, draw())
    rounded = twins(graph, quantization, options)
    forked = fork_errors(graph, rounded, rounded.names, SAMPLES, make_run())
    return forked, single_errors(graph, quantization, options, rounded.names, SAMPLES, make_run())


@pytest.mark.parametrize(
    "model", [network(), network(softmax=True), branches(), two_outputs(), batch_moves()], ids=lambda model: ""
)
def test_a_forked_model_gives_the_errors_of_one_model_a_layer(model):
    forked, single = both(model)
    assert len(forked) >= 2
    assert forked == pytest.approx(single, abs=0.02)


def test_a_layer_that_one_output_follows_counts_by_that_output():
    forked, _ = both(two_outputs())
    assert forked["left"] > -60
    assert forked["right"] > -60


def test_behind_a_selection_of_boxes_the_tensor_that_it_reads_is_compared():
    graph, quantization, options = calibrated(boxes(), draw())
    rounded = twins(graph, quantization, options)
    found = fork_errors(graph, rounded, rounded.names, SAMPLES, make_run())
    assert set(found) == {"stem", "raw"}
    assert all(-60 < error < -20 for error in found.values())


@pytest.mark.parametrize("model", [mixes_early, sums_over_batch])
def test_a_network_that_mixes_its_batch_is_measured_one_layer_at_a_time(model):
    graph, quantization, options = calibrated(model(), draw())
    rounded = twins(graph, quantization, options)
    with pytest.raises(NoBatchError):
        fork_errors(graph, rounded, rounded.names, SAMPLES, make_run())
    found = {each.name: each.error_db for each in rank(graph, quantization, options, SAMPLES, make_run())}
    assert found == single_errors(graph, quantization, options, rounded.names, SAMPLES, make_run())


def test_samples_of_different_shapes_are_measured_one_layer_at_a_time():
    graph, quantization, options = calibrated(network(), draw())
    free = {each.name: each.error_db for each in rank(graph, quantization, options, SAMPLES, make_run(shapes={}))}
    fixed = {each.name: each.error_db for each in rank(graph, quantization, options, SAMPLES, make_run())}
    assert free == pytest.approx(fixed, abs=0.02)


def test_layers_measured_in_several_goes_have_the_same_errors(monkeypatch):
    graph, quantization, options = calibrated(network(), draw())
    rounded = twins(graph, quantization, options)
    whole = fork_errors(graph, rounded, rounded.names, SAMPLES, make_run())
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    assert fork_errors(graph, rounded, rounded.names, SAMPLES, make_run()) == pytest.approx(whole, abs=0.02)


def test_any_number_of_layers_needs_one_forked_model(monkeypatch):
    graph, quantization, options = calibrated(network(), draw())
    rounded = twins(graph, quantization, options)
    compiled = []
    own = module.Run.compile
    monkeypatch.setattr(module.Run, "compile", lambda run, *rest: compiled.append(1) or own(run, *rest))
    fork_errors(graph, rounded, rounded.names, SAMPLES, make_run())
    assert len(compiled) == 2  # and the exact network, once, to compare with

"""After the repair every layer has FP32's mean on the samples, as far as these agree; in networks of any form."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from calibrating import SYMMETRIC, decibels, prepared, random_samples
from graphs import conv, data, deconv, group_conv, matmul, model, relu, weights
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.evaluation.layer_errors import after_bias
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.models.graph import operations
from calibench.quantizers import sequential_bias
from calibench.quantizers.fit import fit
from calibench.quantizers.insert import WeightOptions, insert
from calibench.quantizers.run import Run, common_shapes
from calibench.quantizers.sequential_bias import correct_biases, credible
from calibench.settings import Settings

OPTIONS = WeightOptions(guard=True)  # the same weights on every CPU
NETWORKS = Path(__file__).parent.parent / "data" / "networks"


def biased(node, channels, name, axis=1, dims=4):
    shape = [channels if i == axis else 1 for i in range(dims)]
    return ops.add(node, ops.constant(np.random.default_rng(7).normal(size=shape).astype(np.float32)), name=name)


def chain():
    x = data(1, 3, 12, 12)
    first = relu(biased(conv(x, (8, 3, 3, 3), "first"), 8, "first_bias"), "first_relu")
    middle = relu(conv(first, (8, 8, 3, 3), "second"), "second_relu")
    return model(conv(middle, (4, 8, 1, 1), "third"), x)


def depthwise():
    x = data(1, 4, 10, 10)
    first = relu(conv(x, (8, 4, 1, 1), "first"), "first_relu")
    middle = relu(group_conv(first, (8, 1, 1, 3, 3), "depthwise"), "middle_relu")
    return model(conv(middle, (4, 8, 1, 1), "third"), x)


def residual():
    x = data(1, 8, 10, 10)
    first = relu(conv(x, (8, 8, 3, 3), "first"), "first_relu")
    second = relu(conv(first, weights(8, 8, 3, 3, seed=3), "second"), "second_relu")
    third = conv(second, weights(8, 8, 3, 3, seed=5), "third")
    return model(conv(relu(ops.add(third, first, name="add"), "relu"), (8, 8, 1, 1), "fourth"), x)


def branches():
    x = data(1, 4, 10, 10)
    short = relu(conv(x, (4, 4, 1, 1), "short"), "short_relu")
    long = relu(conv(relu(conv(x, (6, 4, 3, 3), "long1"), "long1_relu"), (6, 6, 3, 3), "long2"), "long2_relu")
    return model(conv(ops.concat([short, long], 1, name="concat"), (8, 10, 1, 1), "last"), x)


def upwards():
    x = data(1, 8, 6, 6)
    return model(conv(relu(deconv(x, (8, 4, 2, 2))), (4, 4, 1, 1), "second"), x)


def attention():
    x = data(1, 6, 16)
    q, k = (biased(matmul(x, weights(16, 16, seed=i), f"project{i}"), 16, f"bias{i}", 2, 3) for i in range(2))
    scores = ops.softmax(matmul(q, k, "scores", transpose_b=True), -1)
    return model(matmul(matmul(scores, x, "mixed"), (16, 4), "last"), x)


def free():
    x = data(-1, 3, -1, -1)
    first = relu(conv(x, (8, 3, 3, 3), "first"), "first_relu")
    pooled = ops.reduce_mean(relu(conv(first, (8, 8, 3, 3), "second")), np.array([2, 3]), False)
    return model(matmul(pooled, (8, 5), "head"), x)


def two_inputs():
    x, y = data(1, 3, 10, 10), data(1, 3, 10, 10, name="other")
    first, second = (relu(conv(n, weights(4, 3, 3, 3, seed=i), f"conv{i}"), f"relu{i}") for i, n in enumerate((x, y)))
    return model(conv(ops.concat([first, second], 1, name="concat"), (4, 8, 3, 3), "last"), x, y)


def two_outputs_of_a_split():
    x = data(1, 3, 10, 10)
    first = relu(conv(x, (8, 3, 3, 3), "first"), "first_relu")
    parts = ops.split(first, np.int64(1), 2, name="split")
    left = relu(conv(parts.output(0), (4, 4, 3, 3), "left"), "left_relu")
    joined = ops.concat([left.output(0), parts.output(1)], 1, name="concat")
    return model(conv(joined, (4, 8, 1, 1), "last"), x)


BUILDERS = [chain, depthwise, residual, branches, upwards, attention, free, two_inputs, two_outputs_of_a_split]


def calibrated(fp32, count=24, samples=None):
    samples = samples or random_samples(fp32, count, low=-0.3)
    graph, ready = prepared(fp32, samples)
    plan = plan_inputs(fp32, Settings(), images=False)
    run = Run("CPU", 1, plan, common_shapes(Arrays(samples), plan))
    return graph, fit(ready, SYMMETRIC), samples, run


def means(model, names, samples):
    """float64 [layers][channels]: means of the biased outputs over all samples."""
    clone = model.clone()
    index = operations(clone)
    outputs = [after_bias(index[name]) for name in names]
    is_product = [index[name].get_type_name() == "MatMul" for name in names]
    shown = ov.Model([ops.result(output) for output in outputs], clone.get_parameters(), "shown")
    found = [[] for _ in names]
    for values in infer_all(compile_for_samples(shown, "CPU", 1), samples):
        for each, value, last in zip(found, values, is_product, strict=True):
            axis = value.ndim - 1 if last else 1
            each.append(value.astype(np.float64).mean(tuple(i for i in range(value.ndim) if i != axis)))
    return [np.mean(each, 0) for each in found]


def distances(graph, quantization, shifts, samples):
    """By layer: the largest error of a channel's mean, as a share of the layer's largest mean."""
    names = [layer.name for layer in quantization.placement.layers if layer.weight_port == 1]
    exact = means(graph, names, samples)
    noisy = means(insert(graph, quantization, OPTIONS, shifts), names, samples)
    return {n: np.abs(a - b).max() / np.abs(a).max() for n, a, b in zip(names, exact, noisy, strict=True)}


def alike(samples):
    """One sample three times: then there is no doubt about a mean."""
    return samples[:1] * 3


@pytest.mark.parametrize("build", BUILDERS)
def test_every_layer_has_the_mean_of_fp32_afterwards_where_the_samples_agree(build):
    graph, quantization, samples, run = calibrated(build())
    samples = alike(samples)
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    names = [layer.name for layer in quantization.placement.layers if layer.weight_port is not None]
    assert sorted(shifts) == sorted(names)
    before = distances(graph, quantization, {}, samples)
    after = distances(graph, quantization, shifts, samples)
    assert max(after.values()) < 2e-3
    assert max(after.values()) < 0.3 * max(before.values())


@pytest.mark.parametrize("build", BUILDERS)
def test_no_layer_is_further_from_the_mean_of_fp32_than_its_samples_leave_in_doubt(build):
    graph, quantization, samples, run = calibrated(build())
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    before = distances(graph, quantization, {}, samples)
    after = distances(graph, quantization, shifts, samples)
    assert max(after.values()) <= max(before.values())


def test_a_later_layer_is_corrected_for_what_is_left_after_the_earlier_ones():
    graph, quantization, samples, run = calibrated(chain())
    samples = alike(samples)
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    names = list(shifts)
    exact, noisy = (means(m, names, samples) for m in (graph, insert(graph, quantization, OPTIONS)))
    alone = {name: (a - b).astype(np.float32) for name, a, b in zip(names, exact, noisy, strict=True)}
    np.testing.assert_allclose(shifts["first"], alone["first"], atol=1e-4)
    assert np.abs(shifts["third"] - alone["third"]).max() > 10 * np.abs(shifts["first"] - alone["first"]).max()
    at_once = distances(graph, quantization, alone, samples)
    in_order = distances(graph, quantization, shifts, samples)
    assert in_order["third"] < at_once["third"] / 2


def test_the_graph_is_not_changed():
    graph, quantization, samples, run = calibrated(residual())
    before = [(op.get_type_name(), op.get_friendly_name()) for op in graph.get_ordered_ops()]
    correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    assert [(op.get_type_name(), op.get_friendly_name()) for op in graph.get_ordered_ops()] == before


def test_the_same_bytes_come_out_whatever_the_number_of_threads():
    graph, quantization, samples, run = calibrated(branches())
    first, again, wide = (
        correct_biases(graph, quantization, OPTIONS, Arrays(samples), Run("CPU", threads, run.plan, run.shapes))
        for threads in (1, 1, 2)
    )
    assert {n: s.tobytes() for n, s in first.items()} == {n: s.tobytes() for n, s in again.items()}
    assert {n: s.tobytes() for n, s in first.items()} == {n: s.tobytes() for n, s in wide.items()}


def test_samples_of_different_shapes_count_alike():
    fp32 = free()
    samples = random_samples(fp32, 6, low=-0.3, size=10) + random_samples(fp32, 6, seed=1, low=-0.3, size=16)
    graph, quantization, samples, run = calibrated(fp32, samples=samples)
    run = Run("CPU", 1, run.plan, {})
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    exact, noisy = (means(m, ["first"], samples) for m in (graph, insert(graph, quantization, OPTIONS)))
    share = shifts["first"] / (exact[0] - noisy[0])
    assert 0.5 < share[0] < 1
    np.testing.assert_allclose(share, share[0], rtol=1e-2)


def test_fewer_samples_are_taken_where_activations_are_large(monkeypatch):
    graph, quantization, samples, run = calibrated(chain())
    monkeypatch.setattr(sequential_bias, "MOST_BYTES", 3 * (8 + 8) * 12 * 12 * 4)
    few = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    monkeypatch.undo()
    three = correct_biases(graph, quantization, OPTIONS, Arrays(samples[:3]), run)
    assert few.keys() == three.keys()
    assert all((few[name] == three[name]).all() for name in few)


def test_a_network_stored_in_half_precision_is_corrected_too():
    x = data(1, 3, 10, 10)
    half = ops.convert(x, "f16")
    kernels = [ops.constant(weights(*s).data.astype(np.float16)) for s in ((8, 3, 3, 3), (4, 8, 3, 3))]
    node = conv(relu(conv(half, kernels[0], "first"), "relu"), kernels[1], "second")
    graph, quantization, samples, run = calibrated(model(ops.convert(node, "f32", name="out"), x))
    samples = alike(samples)
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    before = distances(graph, quantization, {}, samples)
    after = distances(graph, quantization, shifts, samples)
    assert sorted(shifts) == ["first", "second"]
    assert after["second"] < before["second"] / 2


def test_a_state_begins_every_sample_anew():
    x = data(1, 4, 8, 8)
    memory = ops.read_value(ops.constant(np.full((1, 4, 8, 8), 0.5, np.float32)), "memory", ov.Type.f32, [1, 4, 8, 8])
    node = conv(ops.add(memory, x, name="sum"), (4, 4, 3, 3), "first")
    kept = ops.assign(node, "memory")
    last = conv(relu(node, "relu"), (4, 4, 1, 1), "second")
    fp32 = ov.Model([ops.result(last)], [kept], [x], "stateful")
    graph, quantization, samples, run = calibrated(fp32)
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    assert sorted(shifts) == ["first", "second"]


def test_layers_around_an_if_are_corrected():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"), "first_relu")
    a, b = data(1, 4, 8, 8, name="a"), data(1, 4, 8, 8, name="b")
    is_bright = ops.greater(ops.reduce_mean(x, np.array([0, 1, 2, 3]), False), np.float32(0))
    choice = ops.if_op(is_bright.output(0))
    then, otherwise = (
        ov.Model([ops.result(n)], [p], "body") for n, p in ((ops.multiply(a, np.float32(2)), a), (relu(b), b))
    )
    choice.set_then_body(then)
    choice.set_else_body(otherwise)
    choice.set_input(first.output(0), a, b)
    out = choice.set_output(then.results[0], otherwise.results[0])
    graph, quantization, samples, run = calibrated(model(conv(out.get_node(), (4, 4, 3, 3), "second"), x))
    samples = alike(samples)
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)
    assert sorted(shifts) == ["first", "second"]
    assert max(distances(graph, quantization, shifts, samples).values()) < 2e-3


def test_a_layer_of_which_nothing_can_be_said_is_left_out():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"), "relu")
    root = ops.sqrt(ops.add(ops.reduce_mean(x, np.array([1, 2, 3]), True), np.float32(1)))
    graph, quantization, samples, run = calibrated(model(conv(ops.multiply(first, root), (4, 4, 1, 1), "second"), x))
    dark = [{"data": np.full((1, 4, 8, 8), -5, np.float32)}]  # the root of a negative number
    assert sorted(correct_biases(graph, quantization, OPTIONS, Arrays(samples), run)) == ["first", "second"]
    assert sorted(correct_biases(graph, quantization, OPTIONS, Arrays(dark), run)) == ["first"]


def test_what_all_samples_lack_is_credible():
    missing = np.array([[1, -2], [1, -2], [1, -2]], np.float32)
    np.testing.assert_array_equal(credible(missing), [1, -2])


def test_what_the_samples_contradict_one_another_about_is_not_corrected():
    np.testing.assert_array_equal(credible(np.array([[1, -3], [-1, 3.5]], np.float32)), [0, 0])


def test_the_share_that_is_kept_is_one_less_the_variance_of_the_mean_over_its_square():
    # Means 2 and 0; variances 2 and 0, of the mean half of that each; so 1 - 1 / 4.
    np.testing.assert_allclose(credible(np.array([[1, 0], [3, 0]], np.float32)), [1.5, 0])


def test_one_sample_alone_is_believed():
    np.testing.assert_array_equal(credible(np.array([[1, -2]], np.float32)), [1, -2])


def test_shrinking_comes_closer_to_the_truth_than_the_plain_mean():
    draw = np.random.default_rng(0)
    truth = draw.normal(0, 0.2, 64)
    missing = [(truth + draw.normal(0, 1, (24, 64))).astype(np.float32) for _ in range(50)]
    shrunk, plain = (np.mean([((f(m) - truth) ** 2).sum() for m in missing]) for f in (credible, lambda m: m.mean(0)))
    assert shrunk < 0.8 * plain


def test_no_samples_give_no_shifts():
    graph, quantization, _, run = calibrated(chain())
    assert correct_biases(graph, quantization, OPTIONS, Arrays([]), run) == {}


@pytest.mark.models
def test_a_trained_network_with_next_to_nothing_to_mend_stays_as_near_to_fp32():
    fp32 = ov.Core().read_model(NETWORKS / "fashion-mbv3.onnx")
    values = np.random.default_rng(0)
    samples = [{"input": values.uniform(0, 1, (1, 1, 28, 28)).astype(np.float32)} for _ in range(48)]
    graph, quantization, _, run = calibrated(fp32, samples=samples[:24])
    shifts = correct_biases(graph, quantization, OPTIONS, Arrays(samples[:24]), run)
    before, after = (decibels(fp32, insert(graph, quantization, OPTIONS, each), samples[24:]) for each in ({}, shifts))
    assert len(shifts) == sum(layer.weight_port is not None for layer in quantization.placement.layers)
    assert after > before - 1.0  # dB; both are far above what a network needs

"""From statistics to quantizers, and the layers that are better left in float."""

from dataclasses import replace

import numpy as np
import pytest
from calibrating import ASYMMETRIC, SYMMETRIC, decibels, prepared, quantize, random_samples, run, sqnr
from graphs import conv, data, group_conv, matmul, model, relu, weights
from openvino import opset13 as ops

from calibench.models.normalise import normalise
from calibench.quantizers.fit import fit
from calibench.quantizers.placement import place
from calibench.quantizers.prepare import prepare
from calibench.settings import Ignored
from calibench.statistics.statistics import Layout, Statistics


def fitted(fp32, recipe=SYMMETRIC, samples=None):
    return fit(prepared(fp32, samples or random_samples(fp32), asymmetric=recipe.asymmetric)[1], recipe)


def by_tensor(quantization):
    return {quantizer.site.tensor[0]: quantizer for quantizer in quantization.quantizers}


def left_float(quantization):
    return {layer.name: layer.reason for layer in quantization.placement.left_float}


def mixed_network():
    """Convolutions, a depthwise one, a Concat and a MatMul."""
    x = data(1, 4, 10, 10)
    parts = [relu(conv(x, weights(4, 4, 3, 3, seed=i), f"part{i}"), f"relu{i}") for i in range(2)]
    joined = conv(ops.concat(parts, 1, name="concat"), (8, 8, 1, 1), "joined")
    middle = relu(group_conv(joined, (8, 1, 1, 3, 3), "depthwise"), "middle")
    flat = ops.reshape(ops.reduce_mean(middle, np.array([2, 3]), True), np.array([1, 8]), False, name="flat")
    return model(matmul(flat, (8, 5), "classes"), x)


@pytest.mark.parametrize("rule", ["extremes", "typical", "mse", "percentile"])
def test_every_zero_point_of_a_symmetric_recipe_is_0(rule):
    found = fitted(mixed_network(), replace(SYMMETRIC, range_rule=rule, per_channel="on"))
    assert found.quantizers
    assert all(quantizer.grid.is_symmetric for quantizer in found.quantizers)


def test_what_is_never_negative_is_unsigned_and_the_rest_signed():
    found = by_tensor(fitted(mixed_network()))
    assert found["relu0"].grid.zero_point == 0
    assert found["data"].grid.zero_point == 128


def test_inputs_of_a_concat_have_the_same_grid_that_holds_both():
    found = fitted(mixed_network())
    grids = [by_tensor(found)[name].grid for name in ("relu0", "relu1")]
    assert grids[0] == grids[1]
    _, ready = prepared(mixed_network(), random_samples(mixed_network()))
    sites = [site for site in ready.placement.sites if "relu" in site.tensor[0]]
    largest = max(ready.measured[name].high.max() for site in sites for name in site.points)
    assert grids[0].high >= 0.99 * largest


@pytest.mark.parametrize(("switch", "axis"), [("on", 1), ("off", None)])
def test_own_ranges_per_channel_are_for_depthwise_inputs_alone(switch, axis):
    found = by_tensor(fitted(mixed_network(), replace(SYMMETRIC, per_channel=switch)))
    assert found["joined"].channel_axis == axis
    assert found["joined"].grid.low.size == (8 if axis else 1)
    assert all(q.channel_axis is None for name, q in found.items() if name != "joined")


def test_a_model_with_ranges_per_channel_is_close_to_fp32():
    fp32 = mixed_network()
    int8, _ = quantize(fp32, random_samples(fp32), replace(SYMMETRIC, per_channel="on"))
    assert decibels(fp32, int8, random_samples(fp32, seed=1)) > 25


def test_means_are_known_of_every_measured_tensor():
    found = fitted(mixed_network())
    assert set(found.means) == {point.tensor for point in found.placement.points}


def test_a_layer_of_a_dead_channel_with_a_huge_weight_stays_in_float_with_its_reason():
    """The weight takes the whole scale, and all others of the output round to 0."""
    x = data(1, 16)
    alive = np.ones(16, np.float32)
    alive[2] = 0
    matrix = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    matrix[2] = 1e5
    fp32 = model(matmul(ops.multiply(x, ops.constant(alive), name="alive"), ops.constant(matrix), "dead"), x)
    found = fitted(fp32)
    assert "poor" in left_float(found)["dead"]
    assert "dead" not in [layer.name for layer in found.placement.layers]
    assert "alive" not in by_tensor(found)


def test_a_layer_whose_large_inputs_cancel_stays_in_float():
    x = data(1, 16)
    mixing = np.eye(16, dtype=np.float32)
    mixing[0, :2], mixing[1, :2] = 1e4, 0  # channels 0 and 1 are the same large value
    matrix = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    matrix[1] = -matrix[0]
    fp32 = model(matmul(matmul(x, ops.constant(mixing), "wide"), ops.constant(matrix), "cancels"), x)
    assert "poor" in left_float(fitted(fp32)).get("cancels", "")


def test_constant_data_is_no_reason_to_leave_a_layer_in_float():
    x = data(1, 64)
    fp32 = model(matmul(x, (64, 48), "product"), x)
    sample = random_samples(fp32, 1)[0]
    assert "product" not in left_float(fitted(fp32, samples=[sample] * 40))


# --- Tensors that hold no usable values


def two_layers():
    x = data(1, 4, 6, 6)
    return model(conv(relu(conv(x, (4, 4, 3, 3), "first")), (4, 4, 3, 3), "last"), x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e6])
def test_a_layer_that_reads_what_is_not_finite_or_huge_stays_in_float(value):
    fp32 = two_layers()
    samples = random_samples(fp32)
    samples[3]["data"][0, 1, 2, 3] = value
    placement = prepared(fp32, samples)[1].placement
    reasons = {layer.name: layer.reason for layer in placement.left_float}
    assert "too large for 8 bits" in reasons["first"] or "NaN or infinite on 1 of" in reasons["first"]
    assert "first" not in [layer.name for layer in placement.layers]


def one_sample(layout, number, mean=0.0):
    size = int(layout.starts[-1])
    extremes = np.concatenate((-np.ones(size), np.ones(size), np.full(size, mean))).astype(np.float32)
    return Statistics.of_sample(layout, number, extremes, np.zeros(layout.row_starts[-1], np.float32))


def test_one_nan_among_a_thousand_samples_is_noticed():
    graph = normalise(two_layers())
    placement = place(graph, Ignored())
    layout = Layout(tuple(p.tensor for p in placement.points), (4, 4), (1, 1))
    # the runtime's minimum and maximum pass over NaN; the mean alone shows it
    whole = one_sample(layout, 0, mean=np.nan)
    for number in range(1, 1000):
        whole = whole.merge(one_sample(layout, number))
    assert prepare(placement, graph, whole, smoothing=False, asymmetric=False).placement.layers == ()


# --- Tensors that are read along two axes


def test_a_tensor_read_along_two_axes_can_be_calibrated():
    x = data(1, 6, 8)
    fp32 = model([matmul(x, (8, 5), "rows"), matmul(x, (6, 5), "columns", transpose_a=True)], x)
    samples = random_samples(fp32, 40)
    int8, _ = quantize(fp32, samples)
    assert decibels(fp32, int8, samples) > 25


def test_no_reader_of_a_square_tensor_is_corrected_by_means_along_another_axis():
    kernel = np.full((8, 5), 3.4 / 127, np.float32)
    kernel[0] = 1
    x = data(1, 8, 8)
    uneven = ops.multiply(x, ops.constant(np.linspace(-1, 1, 8, dtype=np.float32)), name="uneven")
    fp32 = model([matmul(uneven, ops.constant(kernel), f"product{a}", transpose_a=a) for a in (False, True)], x)
    samples = random_samples(fp32, 40, low=0.5)
    corrected, _ = quantize(fp32, samples, smoothing=False)
    plain, _ = quantize(fp32, samples, replace(SYMMETRIC, bias_correction=False), smoothing=False)
    exact = run(fp32, samples)
    for i in (0, 1):
        assert sqnr(exact[i], run(corrected, samples)[i]) > sqnr(exact[i], run(plain, samples)[i]) - 0.5


def test_a_tensor_read_by_a_convolution_and_a_matmul_can_be_calibrated():
    x = data(1, 4, 6, 8)
    fp32 = model([conv(x, (5, 4, 1, 1)), matmul(x, (8, 5))], x)
    samples = random_samples(fp32, 40)
    int8, _ = quantize(fp32, samples)
    assert decibels(fp32, int8, samples) > 25


@pytest.mark.parametrize("recipe", [SYMMETRIC, ASYMMETRIC], ids=lambda recipe: recipe.name)
def test_an_input_whose_channels_are_not_known_before_the_run_can_be_calibrated(recipe):
    x = data(1, -1, -1)
    fp32 = model(matmul(x, (10, 5)), x)
    samples = random_samples(fp32, 40, size=10)
    int8, _ = quantize(fp32, samples, recipe)
    assert decibels(fp32, int8, samples) > 25


def test_a_convolution_of_unknown_channels_can_be_calibrated():
    x = data(-1, -1, -1, -1)
    fp32 = model(conv(relu(conv(x, (4, 10, 1, 1), "first")), (4, 4, 1, 1), "last"), x)
    samples = random_samples(fp32, 40, size=10)
    int8, _ = quantize(fp32, samples)
    assert decibels(fp32, int8, samples) > 25


def test_layers_that_compute_in_fp16_can_be_calibrated():
    x = data(1, 16, dtype=np.float16)
    kernel = ops.constant(np.random.default_rng(0).normal(size=(16, 8)).astype(np.float16))
    fp32 = model(ops.convert(matmul(x, kernel), "f32", name="answer"), x)
    samples = [{"data": s["data"].astype(np.float16)} for s in random_samples(fp32, 40)]
    int8, _ = quantize(fp32, samples)
    assert decibels(fp32, int8, samples) > 25


def test_a_tensor_of_zero_values_everywhere_can_be_calibrated():
    fp32 = two_layers()
    samples = [{"data": np.zeros((1, 4, 6, 6), np.float32)}] * 8
    int8, _ = quantize(fp32, samples)
    assert all(np.isfinite(op.get_data()).all() for op in int8.get_ops() if op.get_type_name() == "Constant")

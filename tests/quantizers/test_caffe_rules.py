"""INT8 as scales of a prototxt can say it: the same model whether inserted or made of scales, and Intel's numbers."""

import numpy as np
import pytest
from calibrating import decibels, random_samples, run, runtime_precisions
from graphs import conv, data, deconv, group_conv, matmul, model, relu
from openvino import opset13 as ops

from caffe_like_nets import by_scales, depthwise, layer, max_pool, rectified, residual
from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.scales import OUTPUT_BYTES, OUTPUT_FLOAT
from calibench.errors import ModelError
from calibench.quantizers.caffe_placement import DECONVOLUTION, FIRST, INNER_PRODUCT
from calibench.quantizers.caffe_rules import with_shifts
from calibench.quantizers.insert import insert
from calibench.quantizers.layer_scales import (
    UNSAID,
    expressible,
    grid_of,
    is_signed,
    scale_in_grid,
    scale_of,
    scales_of,
)
from calibench.quantizers.restrict import quantizable, without

ALL = {"first_convolution": True, "inner_product": True}


def scales(graph, found):
    return scales_of(graph, found.quantization, found.options)


def reasons(found):
    return {each.name: each.reason for each in found.quantization.placement.left_float}


@pytest.mark.parametrize("net", [residual, depthwise])
@pytest.mark.parametrize("caffe", [{}, ALL])
def test_scales_make_the_model_that_the_quantizers_make(net, caffe):
    graph = net()
    samples = random_samples(graph)
    found = by_scales(graph, samples, caffe=caffe)
    inserted = insert(graph, found.quantization, found.options)
    (exact,), (given,), (wanted,) = run(graph, samples), run(found.graph, samples), run(inserted, samples)
    step = np.abs(exact).max() / 255
    assert np.abs(given - wanted).max() < 0.02 * step
    assert decibels(graph, found.graph, samples) > 25


def test_all_layers_run_in_int8_where_that_is_asked():
    graph = residual()
    found = by_scales(graph, random_samples(graph), caffe=ALL)
    assert len(scales(graph, found)) == 11
    assert {precision for _, precision in runtime_precisions(found.graph)} <= {"u8", "i8"}


def test_the_first_convolution_and_inner_products_stay_in_float_as_in_the_original():
    graph = residual()
    found = by_scales(graph, random_samples(graph))
    assert not {"stem", "classes"} & scales(graph, found).keys()
    assert reasons(found)["stem"] == FIRST
    assert reasons(found)["classes"] == INNER_PRODUCT


def test_deconvolutions_stay_in_float():
    x = data(1, 3, 8, 8)
    node = relu(deconv(rectified(x, (4, 3, 3, 3), "a"), (4, 4, 2, 2), "up"), "up/relu")
    graph = model(layer(node, (3, 4, 3, 3), "b"), x)
    found = by_scales(graph, random_samples(graph))
    assert list(scales(graph, found)) == ["b"]
    assert reasons(found)["up"] == DECONVOLUTION


def test_a_net_with_nothing_but_its_first_convolution_is_refused():
    x = data(1, 3, 8, 8)
    graph = model(layer(x, (4, 3, 3, 3), "only"), x)
    with pytest.raises(ModelError, match="-1st"):
        by_scales(graph, random_samples(graph))


def test_a_scale_makes_the_largest_value_255_or_127():
    x = data(1, 2, 4, 4)
    graph = model(layer(x, (3, 2, 1, 1), "only"), x)
    samples = random_samples(graph, low=0.0)
    largest = max(float(each["data"].max()) for each in samples)
    (found,) = scales(graph, by_scales(graph, samples, caffe=ALL)).values()
    assert not found.is_signed_in
    assert found.scale_in == pytest.approx(255 / largest, rel=1e-6)
    assert (found.out_bits, found.scale_out) == (OUTPUT_FLOAT, 1.0)
    samples = random_samples(graph, low=-2.0)
    largest = max(float(np.abs(each["data"]).max()) for each in samples)
    (found,) = scales(graph, by_scales(graph, samples, caffe=ALL)).values()
    assert found.is_signed_in
    assert found.scale_in == pytest.approx(127 / largest, rel=1e-6)


def test_the_numbers_of_the_published_resnet_50():
    """Facts of the file that Intel published: conv1 reads 1.1797 at most and hands out 7.02."""
    assert scale_of(151 / 128, signed=True) == pytest.approx(107.6556, rel=1e-5)
    assert scale_of(255 / 36.312, signed=False) == pytest.approx(36.312, rel=1e-6)


@pytest.mark.parametrize("signed", [False, True])
def test_a_grid_gives_its_scale_back_to_the_last_bit(signed):
    for largest in np.random.default_rng(0).lognormal(0, 4, 500):
        scale = scale_of(float(largest), signed)
        assert np.float32(scale) == scale
        assert scale_in_grid(grid_of(scale, signed)) == scale
        assert is_signed(grid_of(scale, signed)) == signed
    assert scale_of(0.0, signed) == 1.0


def test_weights_have_127_steps_an_output_channel_or_a_layer():
    x = data(1, 2, 4, 4)
    kernel = np.random.default_rng(0).normal(size=(3, 2, 1, 1)).astype(np.float32)
    kernel[1] = 0
    graph = model(conv(x, ops.constant(kernel), "only"), x)
    samples = random_samples(graph)
    largest = np.abs(kernel).max((1, 2, 3))
    found = scales(graph, by_scales(graph, samples, caffe=ALL, overflow_guard="off"))["only"]
    np.testing.assert_allclose(found.scale_params, [127 / largest[0], 0, 127 / largest[2]], rtol=1e-6)
    by_layer = by_scales(graph, samples, caffe=ALL, overflow_guard="off", per_channel_weights=False)
    np.testing.assert_allclose(scales(graph, by_layer)["only"].scale_params, [127 / largest.max()], rtol=1e-6)


def test_the_guard_is_in_the_scales_of_the_weights():
    graph = residual()
    samples = random_samples(graph)
    free = scales(graph, by_scales(graph, samples, overflow_guard="off"))
    kept = scales(graph, by_scales(graph, samples, overflow_guard="on"))
    shares = np.concatenate([kept[name].scale_params / free[name].scale_params for name in free])
    assert shares.min() >= 63 / 127 - 1e-6
    assert shares.max() < 1
    assert len(np.unique(np.round(shares * 127, 3))) > 1


def test_depthwise_layers_have_a_scale_for_each_channel():
    graph = depthwise()
    found = scales(graph, by_scales(graph, random_samples(graph)))
    assert {name: each.scale_params.shape for name, each in found.items()} == dict.fromkeys(
        ("dw0", "pw0", "dw1", "pw1"), (8,)
    )


def test_inputs_of_a_concat_share_one_scale():
    graph = residual()
    found = scales(graph, by_scales(graph, random_samples(graph)))
    assert found["left"].scale_out == found["right"].scale_out == found["last"].scale_in
    assert found["left"].out_bits == found["right"].out_bits == OUTPUT_BYTES


def test_bytes_leave_a_layer_only_where_all_take_them():
    """`a` is read by two layers; `b` by a float output too."""
    x = data(1, 3, 8, 8)
    a = rectified(x, (4, 3, 3, 3), "a")
    b = rectified(a, (4, 4, 3, 3), "b")
    c = layer(a, (4, 4, 3, 3), "c")
    graph = model([layer(b, (4, 4, 3, 3), "d"), ops.sigmoid(b, name="s"), relu(c, "c/relu")], x)
    found = scales(graph, by_scales(graph, random_samples(graph), caffe=ALL))
    bits = {name: each.out_bits for name, each in found.items()}
    assert bits == {"a": OUTPUT_BYTES, "b": OUTPUT_FLOAT, "c": OUTPUT_FLOAT, "d": OUTPUT_FLOAT}
    assert found["a"].scale_out == found["b"].scale_in == found["c"].scale_in


def test_the_earlier_of_two_convolutions_hands_out_the_bytes_that_are_added():
    """The addition names the later one first: `place` would round that, and no file could say it."""
    x = data(1, 3, 8, 8)
    stem = rectified(x, (4, 3, 3, 3), "stem")
    early = layer(stem, (4, 4, 1, 1), "early")
    late = layer(rectified(stem, (4, 4, 3, 3), "middle"), (4, 4, 3, 3), "late")
    graph = model(layer(relu(ops.add(late, early, name="sum"), "sum/relu"), (3, 4, 1, 1), "end"), x)
    graph.set_rt_info('["stem", "early", "middle", "late", "sum", "end"]', ["caffe", "order"])
    found = by_scales(graph, random_samples(graph), caffe=ALL)
    assert scales(graph, found)["early"].out_bits == OUTPUT_BYTES
    assert "sum" not in reasons(found)
    inserted = insert(graph, found.quantization, found.options)
    samples = random_samples(graph, seed=3)
    np.testing.assert_allclose(run(found.graph, samples)[0], run(inserted, samples)[0], atol=1e-5)


def test_a_skip_from_a_float_layer_stays_in_float_with_the_reason():
    """The stem is in float, so that no file can say that what it hands to the addition is INT8."""
    x = data(1, 3, 8, 8)
    pooled = max_pool(rectified(x, (4, 3, 3, 3), "stem"), "pool")
    branch = layer(rectified(pooled, (4, 4, 3, 3), "a"), (4, 4, 3, 3), "b")
    added = relu(ops.add(pooled, branch, name="sum"), "sum/relu")
    graph = model(layer(added, (3, 4, 1, 1), "end"), x)
    samples = random_samples(graph)
    found = by_scales(graph, samples)
    assert reasons(found)["sum"] == UNSAID
    inserted = insert(graph, found.quantization, found.options)
    np.testing.assert_allclose(run(found.graph, samples)[0], run(inserted, samples)[0], atol=1e-5)
    with_stem = by_scales(graph, samples, caffe=ALL)
    assert "sum" not in reasons(with_stem)
    assert scales(graph, with_stem)["stem"].out_bits == OUTPUT_BYTES


def test_a_layer_that_goes_back_to_float_takes_along_what_lived_on_its_bytes():
    graph = residual()
    samples = random_samples(graph)
    found = by_scales(graph, samples)
    assert "mean" in quantizable(found.quantization)
    left = expressible(graph, without(found.quantization, graph, {"last": "too noisy"}))
    assert not {"last", "mean"} & set(quantizable(left))
    told = {each.name: each.reason for each in left.placement.left_float}
    assert told["last"] == "too noisy"
    assert told["mean"] == UNSAID
    again = scales_of(graph, left, found.options)
    assert again.keys() == scales(graph, found).keys() - {"last"}
    assert again["left"].out_bits == OUTPUT_FLOAT
    built, inserted = found.build(graph, left, {}), insert(graph, left, found.options)
    np.testing.assert_allclose(run(built, samples)[0], run(inserted, samples)[0], atol=1e-5)


def test_structure_says_signed_behind_a_convolution_without_relu():
    x = data(1, 3, 8, 8)
    graph = model(layer(layer(rectified(x, (4, 3, 3, 3), "a"), (4, 4, 3, 3), "b"), (4, 4, 3, 3), "c"), x)
    found = scales(graph, by_scales(graph, random_samples(graph)))
    assert (found["b"].is_signed_in, found["c"].is_signed_in) == (False, True)
    assert found["b"].out_bits == OUTPUT_BYTES


def test_values_below_0_where_the_structure_says_unsigned_make_it_signed_with_a_warning():
    """A BatchNorm that is not folded counts as unsigned in the original, whatever it gives."""
    x = data(1, 3, 8, 8)
    a = rectified(x, (4, 3, 3, 3), "a")
    normed = ops.subtract(ops.sigmoid(a), np.float32(0.6), name="bn")
    graph = model(layer(normed, (4, 4, 3, 3), "b"), x)
    found = by_scales(graph, random_samples(graph))
    assert scales(graph, found)["b"].is_signed_in
    (warning,) = found.warnings
    assert warning.startswith("Layer b reads values down to -0.1, where the structure")
    shifted = model(layer(ops.add(ops.sigmoid(a), np.float32(0.1)), (4, 4, 3, 3), "b"), x)
    positive = by_scales(shifted, random_samples(shifted))
    assert not scales(shifted, positive)["b"].is_signed_in
    assert positive.warnings == ()


def test_a_picture_with_its_mean_taken_off_is_signed_and_no_surprise():
    """Nor where a layer in front of the first convolution takes it off."""
    x = data(1, 3, 8, 8)
    scaled = model(rectified(ops.multiply(x, np.float32(0.5), name="bn"), (4, 3, 3, 3), "stem"), x)
    for graph in (residual(), scaled):
        found = by_scales(graph, random_samples(graph), caffe=ALL)
        assert scales(graph, found)["stem"].is_signed_in
        assert found.warnings == ()


def test_shifts_go_into_the_float_biases():
    graph = residual()
    samples = random_samples(graph)
    found = by_scales(graph, samples, caffe=ALL)
    shift = np.arange(5, dtype=np.float32)
    built = found.build(graph, found.quantization, {"classes": shift})
    np.testing.assert_allclose(run(built, samples)[0], run(found.graph, samples)[0] + shift, atol=1e-5)
    assert with_shifts(graph, found.quantization, {}) is graph
    shifted = with_shifts(graph, found.quantization, {"first": np.ones(8, np.float32)})
    names = [op.get_friendly_name() for op in shifted.get_ops()]
    assert len(names) == len(set(names))


def test_groups_of_channels_have_scales_in_the_order_of_the_outputs():
    x = data(1, 4, 6, 6)
    kernel = np.random.default_rng(1).normal(size=(2, 3, 2, 3, 3)).astype(np.float32)
    graph = model(group_conv(x, ops.constant(kernel), "grouped"), x)
    found = by_scales(graph, random_samples(graph), caffe=ALL, overflow_guard="off")
    wanted = 127 / np.abs(kernel).max((2, 3, 4)).reshape(-1)
    np.testing.assert_allclose(scales(graph, found)["grouped"].scale_params, wanted, rtol=1e-6)


def test_an_inner_product_without_transposed_weights_is_scaled_by_output():
    x = data(1, 6)
    kernel = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    graph = model(matmul(x, ops.constant(kernel), "product"), x)
    found = by_scales(graph, random_samples(graph), caffe=ALL, overflow_guard="off")
    own = scales(graph, found)["product"]
    np.testing.assert_allclose(own.scale_params, 127 / np.abs(kernel).max(0), rtol=1e-6)
    guarded = scales(graph, by_scales(graph, random_samples(graph), caffe=ALL, overflow_guard="on"))
    assert decibels(graph, apply_scales(graph, guarded), random_samples(graph)) > 30


@pytest.mark.parametrize("statistic", ["direct", "ma", "maxp", "kl"])
def test_the_order_of_the_samples_and_the_number_of_threads_change_no_scale(statistic):
    graph = residual()
    samples = random_samples(graph, 20)
    seen = []
    for order, threads in ((samples, 1), (samples[::-1], 1), (samples, 2)):
        found = by_scales(graph, order, threads, caffe={"statistic": statistic}, exact_subset=True)
        assert found.used == 20
        seen.append({n: (s.scale_in, s.scale_out, s.is_signed_in) for n, s in scales(graph, found).items()})
    assert seen[0] == seen[1] == seen[2]


def test_only_direct_stops_early():
    graph = residual()
    samples = random_samples(graph, 40)
    assert by_scales(graph, samples).has_settled
    averaged = by_scales(graph, samples, caffe={"statistic": "ma"})
    assert (averaged.used, averaged.has_settled) == (40, False)


def test_statistics_that_cut_off_have_finer_steps_than_the_largest_value():
    graph = residual()
    samples = random_samples(graph, 20)
    found = {
        name: scales(graph, by_scales(graph, samples, caffe={"statistic": name}, exact_subset=True))
        for name in ("direct", "ma", "maxp", "kl")
    }
    for name in ("ma", "maxp", "kl"):
        assert all(found[name][each].scale_in >= found["direct"][each].scale_in * (1 - 1e-6) for each in found[name])
        assert any(found[name][each].scale_in > found["direct"][each].scale_in * 1.001 for each in found[name])
    assert all(found["maxp"][each].scale_in >= found["ma"][each].scale_in * (1 - 1e-6) for each in found["ma"])


def test_samples_of_different_sizes_can_be_measured():
    x = data(-1, 3, -1, -1)
    graph = model(layer(rectified(x, (4, 3, 3, 3), "a"), (4, 4, 3, 3), "b"), x)
    samples = [each for size in (8, 12) for each in random_samples(graph, 6, size=size)]
    for statistic in ("direct", "kl"):
        assert list(scales(graph, by_scales(graph, samples, caffe={"statistic": statistic}))) == ["b"]

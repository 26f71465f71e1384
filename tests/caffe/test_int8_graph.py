from dataclasses import replace
from pathlib import Path
from typing import Any

import intel_numerics as intel
import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given
from hypothesis import strategies as st
from int8_chains import conv, data, inner_product, kinds, max_pool, model, named, relu, run, scales, weights_of

from calibench.caffe.handler import Context
from calibench.caffe.int8_graph import apply_scales, integer_weights
from calibench.caffe.layers.regions import reorg
from calibench.caffe.net import Layer, Net
from calibench.caffe.schema import message
from calibench.errors import ModelError
from calibench.inference.profile import LayerTime, profile

IMAGE = np.random.default_rng(3).normal(0, 1, (1, 3, 12, 12)).astype(np.float32)


def bias_of(graph: ov.Model, name: str) -> Any:
    op = next(op for op in graph.get_ops() if op.get_friendly_name() == f"{name}/bias")
    return op.input_value(1).get_node().data.astype(np.float64)


def test_weights_are_rounded_and_clipped() -> None:
    weights = np.array([[1.0, -0.26, 0.24], [5.0, 0.1, 0.0], [0.0, 0.0, 0.0]], np.float32)
    integers = integer_weights(weights, np.array([100, 50, 0], np.float32))
    assert integers.tolist() == [[100, -26, 24], [127, 5, 0], [0, 0, 0]]
    assert integer_weights(weights, np.array([-1000], np.float32)).min() == -127


@given(st.integers(0, 2**32 - 1))
def test_rounded_weights_are_off_by_half_a_step_at_most(seed: int) -> None:
    weights = np.random.default_rng(seed).normal(0, 1, (3, 5)).astype(np.float32)
    params = (127 / np.abs(weights).max(1)).astype(np.float32)
    back = integer_weights(weights, params) / params[:, None]
    assert (np.abs(back - weights) <= 0.5001 / params[:, None]).all()


def first_chain() -> tuple[ov.Model, dict[str, Any]]:
    """Signed input, depthwise, a residual addition, an inner product that ends in float."""
    source = data(1, 3, 12, 12)
    a = relu(conv(source, "a", 8), "ra")
    d = relu(conv(a, "d", 8, depthwise=True), "rd")
    b = conv(d, "b", 8, kernel=1)
    s = relu(named(ops.add(a, b), "s", "s"), "rs")
    graph = model(inner_product(max_pool(s, "pool"), "fc", 5), source=source)
    ranges = {"a": (40.0, True, 60.0), "d": (60.0, False, 70.0), "b": (70.0, False, 50.0), "fc": (50.0, False)}
    return graph, {name: scales(graph, name, *values) for name, values in ranges.items()}


def first_chain_in_integers(graph: ov.Model, own: dict[str, Any], x: Any) -> Any:
    w = {name: intel.weights(weights_of(graph, name), own[name].scale_params) for name in own}
    bias = {name: bias_of(graph, name) for name in own}

    def real(name: str, sums: Any) -> Any:
        return intel.real(sums, own[name].scale_in, own[name].scale_params, bias[name])

    a = intel.to_bytes(real("a", intel.convolution(intel.to_bytes(x, own["a"].scale_in, True), w["a"])), 60, False)
    d = intel.to_bytes(real("d", intel.depthwise(a, w["d"])), 70, False)
    s = intel.to_bytes(real("b", intel.convolution(d, w["b"])) + a / 60, 50, False)
    pooled = s.reshape(1, 8, 6, 2, 6, 2).max((3, 5))
    return real("fc", pooled.reshape(1, -1) @ w["fc"].T), (a, s)


def test_the_graph_computes_what_the_integers_say() -> None:
    graph, own = first_chain()
    int8 = apply_scales(graph, own)
    expected, (a, s) = first_chain_in_integers(graph, own, IMAGE)
    tapped = int8.clone()
    index = {op.get_friendly_name(): op for op in tapped.get_ops()}
    tapped.add_outputs([index["ra.0/quantizer"].output(0), index["rs.0/quantizer"].output(0)])
    found, found_a, found_s = run(tapped, IMAGE)
    assert np.abs(found_a * 60 - a).max() <= 1.001 and (np.abs(found_a * 60 - a) < 0.01).mean() > 0.99
    assert np.abs(found_s * 50 - s).max() <= 1.001 and (np.abs(found_s * 50 - s) < 0.01).mean() > 0.98
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_the_reference_is_not_the_float_model() -> None:
    graph, own = first_chain()
    expected, _ = first_chain_in_integers(graph, own, IMAGE)
    exact = run(graph, IMAGE)[0]
    assert 0.001 < np.abs(exact - expected).max() / np.abs(exact).max() < 0.3


def test_the_float_graph_is_not_changed_and_no_layer_needs_scales() -> None:
    graph, own = first_chain()
    before = run(graph, IMAGE)[0]
    apply_scales(graph, own)
    assert np.array_equal(run(graph, IMAGE)[0], before)
    assert np.array_equal(run(apply_scales(graph, {}), IMAGE)[0], before)
    assert kinds(graph, "FakeQuantize") == []


def test_names_are_repeatable() -> None:
    graph, own = first_chain()
    names = [
        op.get_friendly_name() for op in apply_scales(graph, own).get_ops() if "quantizer" in op.get_friendly_name()
    ]
    again = apply_scales(graph.clone(), dict(reversed(own.items())))
    assert sorted(names) == sorted(
        op.get_friendly_name() for op in again.get_ops() if "quantizer" in op.get_friendly_name()
    )
    assert {"a/weights", "a/weights/convert", "a/weights/scale"} <= {op.get_friendly_name() for op in again.get_ops()}


def test_a_grid_stands_once_on_a_tensor_and_not_where_it_changes_nothing() -> None:
    graph, own = first_chain()
    assert kinds(apply_scales(graph, own), "FakeQuantize") == [
        "data.0/quantizer",
        "ra.0/quantizer",
        "rd.0/quantizer",
        "rs.0/quantizer",
    ]


def test_an_input_on_another_grid_is_rounded_again() -> None:
    graph, own = first_chain()
    own["d"] = replace(own["d"], scale_in=55.0)
    found = kinds(apply_scales(graph, own), "FakeQuantize")
    assert "ra.0/quantizer/2" in found


def branches(second_scale: float) -> ov.Model:
    """One pooled tensor, read by two convolutions with scales that may differ."""
    source = data(1, 4, 8, 8)
    pool = max_pool(relu(conv(source, "a", 4), "ra"), "pool")
    graph = model(conv(pool, "b", 4), conv(pool, "c", 4), source=source)
    own = {"b": scales(graph, "b", 20.0), "c": scales(graph, "c", second_scale)}
    return apply_scales(graph, own)


def test_one_grid_of_all_readers_moves_above_the_pooling() -> None:
    assert kinds(branches(20.0), "FakeQuantize") == ["ra.0/quantizer"]


def test_two_grids_stay_below_it() -> None:
    assert kinds(branches(30.0), "FakeQuantize") == ["pool.0/quantizer", "pool.0/quantizer/2"]


def test_moving_above_pooling_and_concatenation_changes_nothing() -> None:
    source = data(1, 3, 12, 12)
    joined = named(ops.concat([max_pool(relu(conv(source, n, 4), f"r{n}"), f"p{n}") for n in "ab"], 1), "cat", "cat")
    graph = model(conv(joined, "c", 4), source=source)
    own = {"c": scales(graph, "c", 50.0)}
    moved = apply_scales(graph, own)
    assert kinds(moved, "FakeQuantize") == ["ra.0/quantizer", "rb.0/quantizer"]
    held = graph.clone()
    held.add_outputs([next(op for op in held.get_ops() if op.get_friendly_name() == "cat").output(0)])
    cat = run(held, IMAGE)[1]
    weights = intel.weights(weights_of(graph, "c"), own["c"].scale_params)
    sums = intel.convolution(intel.to_bytes(cat, 50, False), weights)
    expected = intel.real(sums, 50.0, own["c"].scale_params, bias_of(graph, "c"))
    assert np.allclose(run(moved, IMAGE)[0], expected, atol=1e-4)


def flattened(average: bool) -> ov.Model:
    source = data(1, 3, 12, 12)
    last = relu(conv(source, "a", 4), "ra")
    mean = ops.reduce_mean(last, ops.constant(np.array([2, 3])), True)
    pool = named(mean, "pool", "pool") if average else max_pool(last, "pool")
    graph = model(inner_product(pool, "fc", 5), source=source)
    return apply_scales(graph, {"fc": scales(graph, "fc", 50.0)})


def test_a_grid_moves_above_the_flattening_of_a_picture_but_not_of_an_average() -> None:
    assert kinds(flattened(False), "FakeQuantize") == ["ra.0/quantizer"]
    assert kinds(flattened(True), "FakeQuantize") == ["fc/flatten.0/quantizer"]


def test_a_concatenation_of_bytes_on_the_grid_is_not_rounded_again() -> None:
    source = data(1, 3, 8, 8)
    both = [relu(conv(source, n, 4), f"r{n}") for n in "ab"]
    graph = model(conv(named(ops.concat(both, 1), "cat", "cat"), "c", 4), source=source)
    own = {n: scales(graph, n, 30.0, True, 50.0) for n in "ab"} | {"c": scales(graph, "c", 50.0)}
    assert kinds(apply_scales(graph, own), "FakeQuantize") == ["data.0/quantizer", "ra.0/quantizer", "rb.0/quantizer"]
    own["b"] = scales(graph, "b", 30.0, True)
    assert kinds(apply_scales(graph, own), "FakeQuantize") == ["data.0/quantizer", "ra.0/quantizer", "rb.0/quantizer"]


def test_scales_that_differ_by_rounding_of_their_text_are_one_grid() -> None:
    graph, own = first_chain()
    own["d"] = replace(own["d"], scale_in=60.0002)
    assert len(kinds(apply_scales(graph, own), "FakeQuantize")) == 4


def test_an_output_of_the_net_that_leaves_as_bytes_keeps_its_name() -> None:
    source = data(1, 3, 12, 12)
    graph = model(relu(conv(source, "a", 4), "ra"), source=source)
    int8 = apply_scales(graph, {"a": scales(graph, "a", 30.0, True, 50.0)})
    steps = run(int8, IMAGE)[0] * 50
    assert int8.outputs[0].get_names() == {"ra"}
    assert np.allclose(steps, np.rint(steps), atol=1e-3)


def test_a_channel_of_zeros_stays_zero() -> None:
    graph, own = first_chain()
    op = next(op for op in graph.get_ops() if op.get_friendly_name() == "a")
    weights = weights_of(graph, "a").copy()
    weights[2] = 0
    op.input(1).replace_source_output(ops.constant(weights).output(0))
    params = own["a"].scale_params.copy()
    params[2] = 0
    int8 = apply_scales(graph, own | {"a": replace(own["a"], scale_params=params)})
    assert np.isfinite(run(int8, IMAGE)[0]).all()
    assert not weights_of_constant(int8, "a/weights")[2].any()


def weights_of_constant(graph: ov.Model, name: str) -> Any:
    return next(op for op in graph.get_ops() if op.get_friendly_name() == name).data


def test_one_scale_for_all_channels() -> None:
    graph, own = first_chain()
    one = {n: replace(s, scale_params=s.scale_params.min(keepdims=True)) for n, s in own.items()}
    found, exact = run(apply_scales(graph, one), IMAGE)[0], run(graph, IMAGE)[0]
    assert np.abs(found - exact).max() < 0.3 * np.abs(exact).max()
    assert np.abs(weights_of_constant(apply_scales(graph, one), "d/weights")).max() == 63


def test_weights_of_a_matrix_product_that_is_not_transposed() -> None:
    source = named(ops.parameter([2, 6], np.float32), "data", "data")
    weights = np.random.default_rng(1).normal(0, 1, (6, 4)).astype(np.float32)
    op = named(ops.matmul(source, ops.constant(weights), False, False), "fc", "fc")
    graph = model(op, source=source)
    params = (63 / np.abs(weights).max(0)).astype(np.float32)
    own = replace(scales(graph, "fc", 40.0, True), scale_params=params)
    x = np.random.default_rng(2).normal(0, 1, (2, 6)).astype(np.float32)
    expected = intel.to_bytes(x, 40, True) @ np.rint(weights * params) / 40 / params
    assert np.allclose(run(apply_scales(graph, {"fc": own}), x)[0], expected, atol=1e-4)


def test_a_forced_input_holds_integers_already() -> None:
    source = data(1, 3, 12, 12)
    graph = model(conv(source, "a", 4, kernel=1), source=source)
    own = scales(graph, "a", 40.0, True)
    plain = run(apply_scales(graph, {"a": own}), IMAGE)[0]
    forced = replace(own, is_signed_in=False, force_u8_input=True)
    steps = np.clip(np.rint(IMAGE * 40), -128, 127) + 128
    found = run(apply_scales(graph, {"a": forced}), steps.astype(np.float32))[0]
    integers = integer_weights(weights_of(graph, "a"), own.scale_params).astype(np.float64)
    shift = 128 / 40 * (integers.sum((1, 2, 3)) / own.scale_params)
    assert np.allclose(found - shift.reshape(1, -1, 1, 1), plain, atol=1e-4)


def test_scales_of_a_layer_that_is_not_there() -> None:
    graph, own = first_chain()
    with pytest.raises(ModelError, match=r"Layer conv9: .* no such layer"):
        apply_scales(graph, {"conv9": own["a"]})


def test_scales_of_what_is_no_convolution() -> None:
    graph, own = first_chain()
    with pytest.raises(ModelError, match=r"Layer pool: .* no convolution or inner product"):
        apply_scales(graph, {"pool": own["a"]})


def test_scales_of_another_number_of_channels() -> None:
    graph, own = first_chain()
    with pytest.raises(ModelError, match="Layer a: scale_params has 3 values, but the layer has 8 output channels"):
        apply_scales(graph, {"a": replace(own["a"], scale_params=np.ones(3, np.float32))})


def wide_chain() -> tuple[ov.Model, dict[str, Any]]:
    """What must run in INT8: residual sums of both kinds, concatenation, pooling, depthwise, matrix product."""
    source = data(1, 16, 16, 16)
    pool = max_pool(relu(conv(source, "conv1", 32), "relu1"), "pool1")
    d = relu(conv(pool, "dw", 32, depthwise=True), "relu_dw")
    s = relu(named(ops.add(pool, conv(d, "conv2", 32)), "sum", "sum"), "relu_sum")
    inner = conv(relu(conv(s, "conv3", 32, 1), "relu3"), "conv4", 64)
    s2 = relu(named(ops.add(conv(s, "proj", 64, 1), inner), "sum2", "sum2"), "relu_sum2")
    both = [relu(conv(s2, "b1", 32, 1), "relu_b1"), relu(conv(s2, "b2", 32), "relu_b2")]
    last = relu(conv(named(ops.concat(both, 1), "cat", "cat"), "conv5", 64), "relu5")
    graph = model(inner_product(max_pool(last, "pool5"), "fc", 10), source=source)
    ranges: dict[str, tuple[Any, ...]] = {
        **{"conv1": (30.0, True, 12.0), "dw": (12.0, False, 10.0), "conv2": (10.0, False, 8.0)},
        **{"conv3": (8.0, False, 9.0), "conv4": (9.0, False, 4.0), "proj": (8.0, False, 7.0)},
        **{"b1": (4.0, False, 3.0), "b2": (4.0, False, 3.0), "conv5": (3.0, False, 2.0), "fc": (2.0, False)},
    }
    return graph, {name: scales(graph, name, *values) for name, values in ranges.items()}


def test_all_layers_run_in_int8() -> None:
    graph, own = wide_chain()
    image = np.random.default_rng(1).normal(0, 1, (1, 16, 16, 16)).astype(np.float32)
    times = profile(apply_scales(graph, own), {"data": image}, precision="f32", threads=1, runs=1)
    by_layer = {name: time for time in times for name in time.original_names}

    def is_int8(time: LayerTime) -> bool:
        return time.precision in ("U8", "I8") and time.exec_type.endswith("I8")

    for name in own:
        layer = by_layer.get(name) or by_layer[f"{name}/DequantizationMultiply"]
        assert is_int8(layer), layer
    for name in ("pool1", "pool5", "cat"):
        assert by_layer[name].output_precisions == "U8"
    assert by_layer["sum2"].name == "conv4", "the addition of two convolutions is part of the later"
    assert not [time for time in times if time.output_precisions == "F32" and time.type == "Pooling"]


def moved(movement: Any) -> tuple[ov.Model, dict[str, LayerTime]]:
    """Two layers with a movement of values between; what the second reads, and the times by layer."""
    source = data(1, 16, 12, 12)
    between = named(movement(relu(conv(source, "a", 16), "ra")), "moved", "moved")
    graph = model(conv(between, "b", 16), source=source)
    int8 = apply_scales(graph, {"a": scales(graph, "a", 30.0, True, 50.0), "b": scales(graph, "b", 50.0)})
    image = np.random.default_rng(1).normal(0, 1, (1, 16, 12, 12)).astype(np.float32)
    times = profile(int8, {"data": image}, precision="f32", threads=1, runs=1)
    return int8, {name: time for time in times for name in time.original_names}


def test_a_movement_that_runs_on_bytes_needs_no_second_quantizer() -> None:
    params = message("LayerParameter")()
    params.reorg_param.stride = 2
    layer, context = Layer("reorg", "Reorg", ("in",), ("out",), params), Context(Net("", (), {}, Path("net"), None))
    int8, times = moved(lambda value: reorg(layer, [value], context)[0].get_node())
    assert kinds(int8, "FakeQuantize") == ["data.0/quantizer", "ra.0/quantizer"]
    assert times["b"].exec_type.endswith("I8")
    assert all(time.output_precisions == "U8" for time in times.values() if time.type in ("Transpose", "Reshape"))


def test_behind_one_that_does_not_the_grid_stands_again() -> None:
    int8, times = moved(lambda value: ops.tile(value, ops.constant(np.array([1, 2, 1, 1]))))
    assert kinds(int8, "FakeQuantize") == ["data.0/quantizer", "moved.0/quantizer", "ra.0/quantizer"]
    assert times["b"].exec_type.endswith("I8")

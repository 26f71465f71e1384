"""The statistics reduced inside the graph are those of numpy."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.inference.runner import compile_for_samples
from calibench.quantizers.sites import Point
from calibench.statistics.probe import MOST_POSITIONS, add_probe
from calibench.statistics.statistics import Statistics

DYNAMIC = -1

SHAPES = {
    "picture": ((1, 5, 9, 7), None, 1),
    "sequence": ((1, 11, 6), None, 2),
    "sequence, channels in the middle": ((1, 6, 11), None, 1),
    "vector of a batch": ((1, 12), None, 1),
    "single vector": ((12,), None, 0),
    "picture with channels last": ((1, 9, 7, 5), None, 3),
    "volume": ((1, 4, 5, 6, 7), None, 1),
    "pooled picture": ((1, 8, 1, 1), None, 1),
    "six axes": ((1, 2, 3, 4, 5, 6), None, 5),
    "dynamic sides": ((1, 5, 9, 7), (1, 5, DYNAMIC, DYNAMIC), 1),
    "dynamic batch": ((2, 5, 9, 7), (DYNAMIC, 5, 9, 7), 1),
    "dynamic length": ((1, 11, 6), (DYNAMIC, DYNAMIC, 6), 2),
    "one position": ((1, 5, 1, 1), (1, 5, DYNAMIC, DYNAMIC), 1),
}


def measure(value, shape, axis, channels):
    """Statistics of one input tensor by a probe."""
    data = ops.parameter(ov.PartialShape(list(shape)), np.float32, name="data")
    model = ov.Model([ops.result(ops.relu(data))], [data])
    point = Point(("data", 0), len(shape), axis, channels, ())
    layout = add_probe(model, (point,))
    outputs = compile_for_samples(model, "CPU", 1)([value])
    return Statistics.of_sample(layout, 0, outputs[0][layout.apart], outputs[1]).tensor(0)


def random_values(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", SHAPES)
def test_extremes_and_means_of_channels_are_those_of_numpy(name):
    shape, declared, axis = SHAPES[name]
    value = random_values(shape)
    found = measure(value, declared or shape, axis, shape[axis])
    channels = np.moveaxis(value, axis, -1).reshape(-1, shape[axis])
    np.testing.assert_array_equal(found.low, channels.min(0))
    np.testing.assert_array_equal(found.high, channels.max(0))
    np.testing.assert_allclose(found.mean, channels.mean(0), atol=1e-6)
    assert (found.low_mean, found.high_mean) == (value.min(), value.max())


@pytest.mark.parametrize("name", SHAPES)
def test_rows_are_positions_of_the_tensor_with_all_channels_of_each(name):
    shape, declared, axis = SHAPES[name]
    value = random_values(shape)
    found = measure(value, declared or shape, axis, shape[axis])
    positions = {row.tobytes() for row in np.moveaxis(value, axis, -1).reshape(-1, shape[axis])}
    assert all(row.tobytes() in positions for row in found.rows)
    assert 1 <= len(found.rows) <= 2 * MOST_POSITIONS
    if declared is None:  # an axis of unknown length may be shorter than what is taken of it
        assert len({row.tobytes() for row in found.rows}) == len(found.rows)


def test_positions_are_spread_over_the_tensor():
    value = np.arange(64, dtype=np.float32).reshape(1, 64, 1)
    rows = measure(value, (1, 64, 1), 2, 1).rows
    assert len(rows) == MOST_POSITIONS
    assert rows.min() < 8
    assert rows.max() >= 56


def test_a_tensor_of_unknown_channels_is_one_channel():
    value = random_values((1, 5, 6))
    found = measure(value, (1, DYNAMIC, DYNAMIC), 2, 1)
    assert found.low == value.min()
    assert found.high == value.max()
    np.testing.assert_allclose(found.mean, value.mean(), atol=1e-6)
    assert found.rows.shape[1] == 1
    assert np.isin(found.rows, value).all()


def test_several_tensors_lie_one_behind_the_other():
    data = ops.parameter([1, 3, 4, 4], np.float32, name="data")
    doubled = ops.multiply(data, np.float32(2), name="doubled")
    flat = ops.reduce_mean(doubled, np.array([2, 3]), False, name="flat")
    model = ov.Model([ops.result(ops.relu(flat))], [data])
    points = tuple(Point((name, 0), dims, 1, 3, ()) for name, dims in (("data", 4), ("doubled", 4), ("flat", 2)))
    layout = add_probe(model, points)
    value = random_values((1, 3, 4, 4))
    outputs = compile_for_samples(model, "CPU", 1)([value])
    found = Statistics.of_sample(layout, 0, outputs[0][layout.apart], outputs[1])
    np.testing.assert_array_equal(found.tensor(1).low, 2 * found.tensor(0).low)
    np.testing.assert_array_equal(found.tensor(1).rows, 2 * found.tensor(0).rows)
    np.testing.assert_allclose(found.tensor(2).rows[0], value.mean((0, 2, 3)) * 2, rtol=1e-5)


def test_the_outputs_of_the_model_come_behind():
    data = ops.parameter([1, 3], np.float32, name="data")
    model = ov.Model([ops.result(ops.relu(data, name="relu"))], [data])
    add_probe(model, (Point(("data", 0), 2, 1, 3, ()),))
    assert len(model.outputs) == 3
    assert model.outputs[2].get_node().input_value(0).get_node().get_friendly_name() == "relu"


def test_nan_and_infinity_are_seen():
    value = random_values((1, 3, 4, 4))
    value[0, 0, 1, 1], value[0, 1, 2, 2] = np.nan, np.inf
    found = measure(value, (1, 3, 4, 4), 1, 3)
    for channel in (0, 1):
        assert not max(abs(found.low[channel]), abs(found.high[channel]), abs(found.mean[channel])) < 1e6
    assert abs(found.mean[2]) < 10


def test_the_lowest_value_of_what_cannot_be_negative_is_zero_or_more():
    data = ops.parameter([1, 3, 4, 4], np.float32, name="data")
    model = ov.Model([ops.result(ops.sigmoid(ops.relu(data, name="relu")))], [data])
    layout = add_probe(model, (Point(("relu", 0), 4, 1, 3, ()),))
    value = random_values((1, 3, 4, 4))
    outputs = compile_for_samples(model, "CPU", 1)([value])
    found = Statistics.of_sample(layout, 0, outputs[0][layout.apart], outputs[1]).tensor(0)
    assert (found.low >= 0).all()
    assert (found.low <= np.maximum(value, 0).min((0, 2, 3))).all()
    np.testing.assert_array_equal(found.high, value.max((0, 2, 3)))


def probed(activation, means):
    data = ops.parameter([1, 5, 9, 7], np.float32, name="data")
    node = activation(data)
    node.set_friendly_name("active")
    model = ov.Model([ops.result(node)], [data])
    layout = add_probe(model, (Point(("active", 0), 4, 1, 5, ()),), means=means)
    value = random_values((1, 5, 9, 7))
    value[0, 2, 4, 4] = np.nan
    outputs = compile_for_samples(model, "CPU", 1)([value])
    return Statistics.of_sample(layout, 0, outputs[0][layout.apart], outputs[1])


def test_means_that_nobody_asks_for_are_not_taken_behind_a_relu():
    asked, unasked = (probed(ops.relu, means) for means in (True, False))
    assert asked.tensor(0).mean.all() and not unasked.tensor(0).mean.any()
    np.testing.assert_array_equal(unasked.high, asked.high)
    assert asked.not_finite.sum() == unasked.not_finite.sum() == 0, "a ReLU makes 0 of NaN"


def test_elsewhere_they_are_taken_all_the_same_because_they_tell_of_nan():
    assert probed(lambda data: ops.elu(data, 1.0), False).not_finite.sum() == 1


def test_the_numbers_of_several_tensors_and_the_outputs_of_the_model_keep_apart():
    data = ops.parameter([1, 3, 4, 4], np.float32, name="data")
    active = ops.relu(data)
    active.set_friendly_name("active")
    wide = ops.concat([data, active], 1)
    wide.set_friendly_name("wide")
    result = ops.result(wide)
    result.output(0).set_names({"answer"})
    model = ov.Model([result], [data])
    layout = add_probe(model, tuple(Point((name, 0), 4, 1, size, ()) for name, size in (("active", 3), ("wide", 6))))
    value = random_values((1, 3, 4, 4))
    outputs = compile_for_samples(model, "CPU", 1)([value])
    both = np.concatenate([value, value.clip(0)], 1)
    np.testing.assert_array_equal(outputs["answer"], both)
    seen = Statistics.of_sample(layout, 0, outputs[0][layout.apart], outputs[1])
    for number, expected in enumerate((both[:, 3:], both)):
        found = seen.tensor(number)
        np.testing.assert_array_equal(found.low, expected.min((0, 2, 3)))
        np.testing.assert_array_equal(found.high, expected.max((0, 2, 3)))
        np.testing.assert_allclose(found.mean, expected.mean((0, 2, 3)), atol=1e-6)


def test_a_tensor_is_reduced_before_the_next_layer_runs():
    """Else all of them would have to stay in memory until the end."""
    data = ops.parameter([1, 8, 16, 16], np.float32, name="data")
    value, points = data, []
    for number in range(4):
        weights = np.full((8, 8, 3, 3), 0.01, np.float32)
        value = ops.relu(ops.convolution(value, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
        value.set_friendly_name(f"active{number}")
        points.append(Point((f"active{number}", 0), 4, 1, 8, ()))
    model = ov.Model([ops.result(value)], [data])
    add_probe(model, tuple(points))
    runtime = compile_for_samples(model, "CPU", 1).get_runtime_model().get_ops()
    order = {op.get_friendly_name(): int(op.get_rt_info()["execOrder"].value) for op in runtime}
    kinds = {op.get_friendly_name(): op.get_rt_info()["layerType"].value for op in runtime}
    ran = [kinds[name] for name in sorted(order, key=order.get) if kinds[name] in ("Convolution", "Reduce")]
    assert ran == ["Convolution", "Reduce", "Reduce"] * 4

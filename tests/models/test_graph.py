"""Facts read off a graph."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.models.graph import constant_value, dimension, input_channel_axis, is_constant, rank, weighted_layer


def parameter(*shape):
    return ops.parameter(ov.PartialShape(list(shape)), np.float32, name="data")


def test_axes_of_unknown_length_have_none():
    output = parameter(-1, 3).output(0)
    assert (rank(output), dimension(output, 0), dimension(output, 1)) == (2, None, 3)
    assert rank(ops.parameter(ov.PartialShape.dynamic(), np.float32).output(0)) is None


def test_what_is_computed_from_constants_is_constant():
    two = ops.constant(np.float32([[1, 2]]))
    assert is_constant(two.output(0))
    assert is_constant(ops.transpose(ops.multiply(two, two), np.array([1, 0])).output(0))
    assert not is_constant(ops.multiply(two, parameter(1, 2)).output(0))


def test_random_numbers_are_not_constant():
    shape, low, high = (ops.constant(np.asarray(v)) for v in (np.array([2]), np.float32(0), np.float32(1)))
    assert not is_constant(ops.random_uniform(shape, low, high, "f32").output(0))


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda c: c, [[1, 2], [3, 4]]),
        (lambda c: ops.convert(c, "f32"), [[1, 2], [3, 4]]),
        (lambda c: ops.transpose(c, np.array([1, 0])), [[1, 3], [2, 4]]),
        (lambda c: ops.reshape(ops.multiply(c, c), np.array([4]), False), [1, 4, 9, 16]),
    ],
)
def test_the_value_of_a_constant_expression(build, expected):
    found = constant_value(build(ops.constant(np.float16([[1, 2], [3, 4]]))).output(0))
    np.testing.assert_array_equal(found, expected)


def test_an_activation_has_no_constant_value():
    assert constant_value(ops.relu(parameter(1, 2)).output(0)) is None


@pytest.mark.parametrize(("shape", "axis"), [((1, 4), 1), ((1, 4, 5), 1), ((1, 4, 5, 6), 1), ((1, 4, 5, 6, 7), 1)])
def test_channels_of_a_convolution_or_pooling_lie_behind_the_batch(shape, axis):
    assert input_channel_axis(ops.relu(parameter(*shape)), 0) == axis


@pytest.mark.parametrize(
    ("shape", "transpose", "axis"), [((4,), False, 0), ((3, 4), False, 1), ((3, 4), True, 0), ((2, 3, 4), True, 1)]
)
def test_channels_of_a_matmul_lie_along_the_summed_axis(shape, transpose, axis):
    x = parameter(*shape)
    summed = shape[axis]
    op = ops.matmul(x, ops.constant(np.ones((summed, 2), np.float32)), transpose, False)
    assert input_channel_axis(op, 0) == axis


def test_other_operations_are_no_weighted_layers():
    assert weighted_layer(ops.relu(parameter(1, 4))) is None

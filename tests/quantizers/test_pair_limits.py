"""Weights keep as many bits as a CPU that adds pairs of products in 16 bits can bear."""

import numpy as np
import openvino as ov
import pytest
from calibrating import quantize, random_samples
from graphs import conv, data, deconv, group_conv, matmul, model

from calibench.models.graph import operations, weighted_layer
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.pair_limits import pair_limits

SHAPES = [(8, 16, 3, 3), (8, 16, 1, 1), (8, 3, 3, 3), (8, 6, 3, 3), (5, 7, 1, 1), (16, 64, 1, 1), (33, 12, 5, 5)]


def limits(op, axes):
    layer = weighted_layer(op)
    return pair_limits(op, layer, np.asarray(op.input_value(layer.weight_port).get_node().data), axes)


def kernel(*shape, values=()):
    weights = np.zeros(shape, np.float32)
    for place, value in values:
        weights[place] = value
    return ov.opset13.constant(weights)


@pytest.mark.parametrize(
    ("second", "place", "limit"),
    [
        (1.0, (0, 1, 0, 0), 63),  # a neighbour as large: half the range each
        (-1.0, (0, 1, 0, 0), 127),  # products of two signs cancel
        (1.0, (0, 4, 0, 0), 127),  # the next four channels are added later
        (1.0, (0, 0, 0, 1), 127),  # so is the next place of the kernel
        (0.5, (0, 3, 0, 0), 84),  # 84 + 42 = 126
    ],
)
def test_two_weights_of_one_sign_among_four_channels_come_to_128_at_most(second, place, limit):
    x = data(1, 8, 6, 6)
    op = conv(x, kernel(2, 8, 3, 3, values=[((0, 0, 0, 0), 1.0), (place, second)]))
    np.testing.assert_array_equal(limits(op, (1, 2, 3)).ravel(), [limit, 127])


def test_channels_that_are_no_whole_fours_may_meet_anywhere():
    op = conv(data(1, 3, 6, 6), kernel(1, 3, 3, 3, values=[((0, 0, 0, 0), 1.0), ((0, 2, 2, 2), 1.0)]))
    np.testing.assert_array_equal(limits(op, (1, 2, 3)).ravel(), [63])


def test_a_depthwise_layer_keeps_all_bits():
    op = group_conv(data(1, 4, 6, 6), (4, 1, 1, 3, 3))
    assert (limits(op, (2, 3, 4)) == 127).all()


@pytest.mark.parametrize("transpose", [False, True])
def test_a_product_is_limited_along_the_axis_that_it_sums(transpose):
    weights = np.zeros((8, 4), np.float32)
    weights[[0, 1], 2] = 1
    matrix = ov.opset13.constant(weights.T.copy() if transpose else weights)
    op = matmul(data(1, 8), matrix, transpose_b=transpose)
    np.testing.assert_array_equal(limits(op, (1,) if transpose else (0,)).ravel(), [127, 127, 63, 127])


def hard(shape, seed):
    """Weights of which many are nearly the largest of their channel."""
    values = np.random.default_rng(seed)
    large = values.choice([1.0, 0.97, 0.6, -1.0], size=shape) * values.uniform(0.9, 1, shape)
    return (large * values.choice([1, 0.05], size=shape, p=[0.3, 0.7])).astype(np.float32)


def layers():
    for i, shape in enumerate(SHAPES):
        yield f"conv{shape}", lambda s=shape, i=i: (conv, data(1, s[1], 12, 12), hard(s, i))
    yield "depthwise", lambda: (group_conv, data(1, 20, 12, 12), hard((20, 1, 1, 3, 3), 1))
    yield "group", lambda: (group_conv, data(1, 16, 12, 12), hard((2, 8, 8, 3, 3), 2))
    yield "odd group", lambda: (group_conv, data(1, 18, 12, 12), hard((3, 6, 6, 3, 3), 2))
    yield "multiplied", lambda: (group_conv, data(1, 8, 12, 12), hard((8, 3, 1, 3, 3), 2))
    yield "deconv", lambda: (deconv, data(1, 16, 12, 12), hard((16, 8, 2, 2), 3))
    yield "matmul", lambda: (matmul, data(1, 6, 64), hard((64, 24), 4))
    yield "odd matmul", lambda: (matmul, data(1, 6, 63), hard((63, 24), 4))
    yield "line", lambda: (conv, data(1, 16, 30), hard((8, 16, 3), 5))
    yield "volume", lambda: (conv, data(1, 16, 6, 6, 6), hard((8, 16, 3, 3, 3), 6))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("build", [b for _, b in layers()], ids=[name for name, _ in layers()])
def test_the_runtime_adds_up_the_largest_activations_without_overflow(build, signed):
    make, x, weights = build()
    fp32 = model(make(x, ov.opset13.constant(weights), "layer"), x)
    low = -1.0 if signed else 0.0
    int8, _ = quantize(fp32, random_samples(fp32, low=low), options=WeightOptions(guard=True))
    brightest = [{"data": np.ones(list(x.output(0).get_shape()), np.float32)}]
    brightest += [{"data": np.random.default_rng(0).uniform(0.9, 1, brightest[0]["data"].shape).astype(np.float32)}]
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    runtime = ov.Core().compile_model(int8, "CPU", settings)
    as_written = {"LP_TRANSFORMS_MODE": False, "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}  # with VNNI it is 32
    exact = ov.Core().compile_model(int8, "CPU", settings | as_written)
    for sample in brightest:
        expected = np.array(exact(sample)[0])
        np.testing.assert_allclose(runtime(sample)[0], expected, atol=2e-3 * np.abs(expected).max())


def test_weights_use_more_integers_than_one_bit_less_would_leave():
    fp32 = model(conv(x := data(1, 16, 8, 8), (8, 16, 3, 3), "layer"), x)
    int8, _ = quantize(fp32, random_samples(fp32), options=WeightOptions(guard=True))
    assert 75 < np.abs(operations(int8)["layer/weights"].data.astype(int)).max() < 127

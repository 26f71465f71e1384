"""How weights act on channels: against the layers themselves, run by OpenVINO."""

import numpy as np
import openvino as ov
import pytest
from graphs import conv, data, deconv, group_conv, group_deconv, matmul, model
from hypothesis import given, settings
from hypothesis import strategies as st

from calibench.models.graph import constant_value, input_channel_axis, operations, weighted_layer
from calibench.quantizers.weights import as_matrix, input_importance, mean_output

LAYERS = {
    "convolution": lambda x: conv(x, (5, 4, 3, 3), "layer"),
    "1x1 convolution": lambda x: conv(x, (5, 4, 1, 1), "layer"),
    "convolution with stride": lambda x: conv(x, (5, 4, 3, 3), "layer", strides=2),
    "group convolution": lambda x: group_conv(x, (2, 3, 2, 3, 3), "layer"),
    "depthwise": lambda x: group_conv(x, (4, 1, 1, 3, 3), "layer"),
    "depthwise with multiplier": lambda x: group_conv(x, (4, 3, 1, 3, 3), "layer"),
    "transposed convolution": lambda x: deconv(x, (4, 3, 4, 4), "layer"),
    "transposed convolution, kernel as stride": lambda x: deconv(x, (4, 3, 2, 2), "layer"),
    "transposed convolution without stride": lambda x: deconv(x, (4, 3, 3, 3), "layer", strides=1),
    "transposed group convolution": lambda x: group_deconv(x, (2, 2, 3, 4, 4), "layer"),
    "transposed depthwise": lambda x: group_deconv(x, (4, 1, 1, 4, 4), "layer"),
    "matmul": lambda x: matmul(x, (9, 5), "layer"),
    "matmul, weights transposed": lambda x: matmul(x, (5, 9), "layer", transpose_b=True),
    "matmul, input transposed": lambda x: matmul(x, (8, 5), "layer", transpose_a=True),
    "matmul, both transposed": lambda x: matmul(x, (5, 8), "layer", transpose_a=True, transpose_b=True),
}


def parts(build, *shape):
    """The compiled layer, its operation, its facts, its weights and the axis of its input's channels."""
    x = data(*shape)
    graph = model(build(x), x)
    op = operations(graph)["layer"]
    layer = weighted_layer(op)
    values = constant_value(op.input_value(layer.weight_port))
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return graph, compiled, op, layer, values, input_channel_axis(op, layer.activation_ports[0])


def along(axis, values, dims=4):
    return values.reshape([values.size if i == axis else 1 for i in range(dims)])


@pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS.keys())
def test_the_mean_output_is_that_of_the_layer_away_from_borders(build):
    shape = (1, 4, 8, 9)
    _, compiled, op, layer, values, axis = parts(build, *shape)
    mean = np.random.default_rng(2).normal(size=shape[axis]).astype(np.float32)
    output = compiled([np.broadcast_to(along(axis, mean), shape).astype(np.float32)])[0]
    if layer.type == "MatMul":
        expected = output.reshape(-1, output.shape[-1]).mean(0)
    else:
        border = 4 if "Backprop" in layer.type else 1
        expected = output[0, :, border:-border, border:-border].mean((1, 2))
    np.testing.assert_allclose(mean_output(op, layer, values, mean), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS.keys())
def test_the_importance_of_a_channel_is_the_noise_that_it_brings_into_the_outputs(build):
    shape = (1, 4, 8, 9)
    _, _, op, layer, values, axis = parts(build, *shape)
    channels = shape[axis]
    variance = np.random.default_rng(3).uniform(0.5, 2, channels).astype(np.float32)
    power = output_power(layer, op, values, channels)
    signal = power.T @ variance
    expected = (power / (signal + 1e-3 * signal.mean())).sum(1)
    np.testing.assert_allclose(input_importance(op, layer, values, variance), expected, rtol=1e-4)


def output_power(layer, op, values, channels):
    """[channels, outputs]: sum of the squared weights between each pair, one channel and one output at a time."""
    v = values.astype(np.float64) ** 2
    if layer.type == "MatMul":
        return v.T if op.get_attributes()["transpose_b"] else v
    kind, grouped = layer.type, layer.type.startswith("Group")
    v = v if grouped else v[None]
    groups, first, second = v.shape[:3]
    per_in, per_out = (first, second) if kind.endswith("BackpropData") else (second, first)
    table = np.zeros((channels, groups * per_out))
    for g in range(groups):
        for i in range(per_in):
            for o in range(per_out):
                pair = v[g, i, o] if kind.endswith("BackpropData") else v[g, o, i]
                table[g * per_in + i, g * per_out + o] = pair.sum()
    return table


@pytest.mark.parametrize("name", ["convolution", "group convolution", "transposed convolution", "matmul"])
def test_noise_in_a_channel_reaches_the_outputs_as_its_importance_says(name):
    shape = (1, 4, 40, 9)
    _, compiled, op, layer, values, axis = parts(LAYERS[name], *shape)
    channels = shape[axis]
    importance = input_importance(op, layer, values, np.ones(channels, np.float32))
    signal = output_power(layer, op, values, channels).sum(0)
    measured = []
    for channel in range(channels):
        noise = np.zeros((4, *shape), np.float32)
        chosen = (slice(None),) * (axis + 1) + (channel,)
        noise[chosen] = np.random.default_rng(4).normal(size=noise[chosen].shape)
        output = np.concatenate([compiled([one])[0] for one in noise]).astype(np.float64) ** 2
        outputs = output.mean((0, 1, 2)) if layer.type == "MatMul" else output.mean((0, 2, 3))
        measured.append((outputs / signal).sum())
    share = np.array(measured) / importance  # borders take the same from every channel
    assert share.std() < 0.1 * share.mean()


@pytest.mark.parametrize("build", [LAYERS["convolution"], LAYERS["matmul"]])
def test_a_mean_that_does_not_fit_the_weights_has_no_output(build):
    _, _, op, layer, values, _ = parts(build, 1, 4, 8, 9)
    assert mean_output(op, layer, values, np.ones(1, np.float32)) is None
    assert input_importance(op, layer, values, np.ones(3, np.float32)).tolist() == [1, 1, 1]


def test_batched_weights_have_no_single_vector():
    _, _, op, layer, values, _ = parts(lambda x: matmul(x, (2, 9, 5), "layer"), 1, 2, 8, 9)
    assert mean_output(op, layer, values, np.ones(9, np.float32)) is None
    assert as_matrix(op, layer, values) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100))
def test_the_mean_output_is_linear_in_the_mean(seed):
    _, _, op, layer, values, _ = parts(LAYERS["group convolution"], 1, 4, 8, 9)
    a, b = np.random.default_rng(seed).normal(size=(2, 4)).astype(np.float32)
    both = mean_output(op, layer, values, a + b)
    apart = mean_output(op, layer, values, a) + mean_output(op, layer, values, b)
    np.testing.assert_allclose(both, apart, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["1x1 convolution", "matmul", "matmul, weights transposed", "matmul, input transposed"]
)
def test_a_plain_product_of_rows_is_a_matrix(name):
    shape = (1, 4, 8, 9)
    _, compiled, op, layer, values, axis = parts(LAYERS[name], *shape)
    matrix = as_matrix(op, layer, values)
    assert matrix.shape == (shape[axis], 5)
    value = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    rows = np.moveaxis(value, axis, -1)
    output = compiled([value])[0]
    output = output if layer.type == "MatMul" else np.moveaxis(output, 1, -1)
    np.testing.assert_allclose(rows @ matrix, output, atol=1e-4)


@pytest.mark.parametrize("name", ["convolution", "depthwise", "transposed convolution"])
def test_other_layers_are_no_matrix(name):
    _, _, op, layer, values, _ = parts(LAYERS[name], 1, 4, 8, 9)
    assert as_matrix(op, layer, values) is None

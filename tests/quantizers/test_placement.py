"""Where quantizers go, and why not elsewhere."""

import numpy as np
import openvino as ov
import pytest
from graphs import conv, data, group_conv, matmul, model, relu, weights
from openvino import opset13 as ops

from calibench.models.graph import constant_value, operations, weighted_layer
from calibench.models.normalise import normalise
from calibench.quantizers.placement import drop_layers, place
from calibench.settings import Ignored


def placed(fp32, **ignored):
    return place(normalise(fp32), Ignored(**ignored))


def tensors(placement):
    """The names of the tensors that a quantizer stands on."""
    return {site.tensor[0] for site in placement.sites}


def readers(placement):
    """(operation, input) of all quantized ports."""
    return {(port.operation, port.index) for site in placement.sites for port in site.ports}


def reason(placement, name):
    return next(layer.reason for layer in placement.left_float if layer.name == name)


def layers(placement):
    return [layer.name for layer in placement.layers]


def two_convolutions(between):
    """conv -> `between` -> conv."""
    x = data(1, 4, 8, 8)
    return model(conv(between(conv(x, (4, 4, 3, 3), "first")), (4, 4, 3, 3), "last"), x)


# --- Points


def test_the_activation_inputs_of_weighted_layers_are_quantized():
    found = placed(two_convolutions(relu))
    assert tensors(found) == {"data", "relu"}
    assert layers(found) == ["first", "last"]
    assert readers(found) == {("first", 0), ("last", 0)}


def test_a_tensor_that_many_layers_read_is_measured_once():
    x = data(1, 4, 8, 8)
    found = placed(model([conv(x, weights(4, 4, 1, 1, seed=i), f"conv{i}") for i in range(3)], x))
    assert len(found.points) == len(found.sites) == 1
    assert readers(found) == {("conv0", 0), ("conv1", 0), ("conv2", 0)}


@pytest.mark.parametrize(
    ("build", "channels", "axis"),
    [
        (lambda x: conv(x, (4, 3, 3, 3)), 3, 1),
        (lambda x: matmul(x, (8, 4)), 8, 3),
        (lambda x: matmul(x, (6, 4), transpose_a=True), 6, 2),
        (lambda x: matmul(weights(5, 6), x), 6, 2),
    ],
)
def test_channels_lie_where_the_layer_sums(build, channels, axis):
    x = data(1, 3, 6, 8)
    (point,) = placed(model(build(x), x)).points
    assert (point.dims, point.channels, point.channel_axis) == (4, channels, axis)


def test_a_channel_axis_of_unknown_length_is_one_channel():
    x = data(1, -1, -1)
    (point,) = placed(model(matmul(x, (8, 4)), x)).points
    assert (point.channels, point.channel_axis) == (1, 2)


def test_average_pooling_in_front_of_a_weighted_layer_is_quantized():
    def pool(node):
        return ops.avg_pool(node, [2, 2], [0, 0], [0, 0], [2, 2], True, name="pool")

    assert ("pool", 0) in readers(placed(two_convolutions(lambda node: pool(relu(node)))))


# --- What stays in float


def test_nothing_is_quantized_behind_the_last_weighted_layer():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"))
    added = ops.add(relu(conv(first, (4, 4, 3, 3), "last"), "last_relu"), first, name="add")
    pooled = ops.avg_pool(added, [1, 1], [0, 0], [0, 0], [8, 8], True, name="pool")
    found = placed(model(pooled, x))
    assert tensors(found) == {"data", "relu"}
    assert readers(found) == {("first", 0), ("last", 0)}
    for name in ("add", "pool"):
        assert "behind the last weighted layer" in reason(found, name)


def hard_swish_chain(node):
    shifted = ops.clamp(ops.add(node, np.float32(3), name="shift"), 0.0, 6.0, name="clamp")
    return ops.multiply(ops.multiply(node, shifted, name="gate"), np.float32(1 / 6), name="sixth")


def swish_chain(node):
    return ops.multiply(node, ops.sigmoid(node, name="sigmoid"), name="swish")


def layer_norm_chain(node):
    axes = np.array([1])
    off = ops.subtract(node, ops.reduce_mean(node, axes, True, name="mean"), name="off")
    variance = ops.reduce_mean(ops.power(off, np.float32(2), name="square"), axes, True, name="variance")
    root = ops.sqrt(ops.add(variance, np.float32(1e-5), name="epsilon"), name="root")
    scaled = ops.multiply(ops.divide(off, root, name="ratio"), weights(1, 4, 1, 1), name="scaled")
    return ops.add(scaled, weights(1, 4, 1, 1, seed=1), name="shifted")


@pytest.mark.parametrize("chain", [hard_swish_chain, swish_chain, layer_norm_chain])
@pytest.mark.parametrize("normalised", [True, False])
def test_no_quantizer_stands_inside_an_activation_or_normalisation_chain(chain, normalised):
    fp32 = two_convolutions(chain)
    found = placed(fp32) if normalised else place(fp32, Ignored())
    assert readers(found) == {("first", 0), ("last", 0)}


def test_no_quantizer_stands_on_an_additive_mask():
    x, mask = data(1, 6, 16), data(1, 1, 6, 6, name="mask")
    q, k = (
        ops.transpose(
            ops.reshape(matmul(x, weights(16, 16, seed=i), f"project{i}"), np.array([1, 6, 2, 8]), False),
            np.array([0, 2, 1, 3]),
        )
        for i in range(2)
    )
    scores = ops.add(matmul(q, k, "scores", transpose_b=True), mask, name="masked")
    fp32 = model(matmul(ops.softmax(scores, -1, name="softmax"), (6, 4), "last"), x, mask)
    found = placed(fp32)
    assert "mask" not in tensors(found)
    assert not any(operation == "masked" for operation, _ in readers(found))
    assert "masked" in {layer.name for layer in found.left_float}


def test_multiplications_of_squeeze_and_excitation_stay_in_float():
    def excite(node):
        pooled = ops.reduce_mean(node, np.array([2, 3]), True, name="squeeze")
        return ops.multiply(node, ops.sigmoid(conv(pooled, (4, 4, 1, 1), "gate")), name="excite")

    found = placed(two_convolutions(excite))
    assert readers(found) == {("first", 0), ("gate", 0), ("last", 0)}


def test_additions_around_a_layer_norm_stay_in_float():
    x = data(1, 6, 16)
    first = matmul(x, (16, 16), "first")
    added = ops.add(first, x, name="add")
    found = placed(model(matmul(added, (16, 4), "last"), x))
    assert readers(found) == {("first", 0), ("last", 0)}
    assert reason(found, "add")


def test_a_recurrent_layer_stays_in_float_with_its_reason():
    x = data(1, 5, 8)
    state = ops.constant(np.zeros((1, 1, 4), np.float32))
    lengths = ops.constant(np.array([5]))
    node = ops.gru_sequence(
        x, state, lengths, weights(1, 12, 8), weights(1, 12, 4), weights(1, 12), 4, "forward", name="gru"
    )
    flat = ops.reshape(node.output(0), np.array([1, 20]), False)
    found = placed(model(matmul(flat, (20, 3), "last"), x))
    assert layers(found) == ["last"]
    assert "recurrent" in reason(found, "gru")


def test_fused_attention_stays_in_float_with_its_reason():
    q, k, v = (data(1, 2, 6, 8, name=name) for name in "qkv")
    attention = ops.scaled_dot_product_attention(q, k, v, name="attention")
    found = placed(model(matmul(attention, (8, 4), "last"), q, k, v))
    assert layers(found) == ["last"]
    assert "attention" in reason(found, "attention")


def test_every_float_layer_has_a_reason_and_no_quantized_layer_has_one():
    found = placed(two_convolutions(hard_swish_chain))
    assert all(layer.reason for layer in found.left_float)
    assert not {layer.name for layer in found.left_float} & set(layers(found))


# --- Residual additions


def residual(skip, main):
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"), "first_relu")
    added = ops.add(main(first), skip(first), name="add")
    return model(conv(relu(added), (4, 4, 3, 3), "last"), x)


def second(node):
    return conv(node, weights(4, 4, 3, 3, seed=2), "second")


def test_a_residual_addition_quantizes_only_the_branch_without_a_convolution():
    found = placed(residual(lambda node: node, second))
    assert ("add", 1) in readers(found)
    assert ("add", 0) not in readers(found)


def test_the_branch_of_a_convolution_with_bias_is_known_as_such():
    def biased(node):
        return ops.add(second(node), weights(1, 4, 1, 1), name="biased")

    found = placed(residual(lambda node: node, biased))
    assert ("add", 0) not in readers(found)
    assert ("add", 1) in readers(found)


def test_one_of_two_convolution_branches_is_quantized():
    found = placed(residual(lambda node: conv(node, (4, 4, 1, 1), "short"), second))
    assert {port for port in readers(found) if port[0] == "add"} == {("add", 0)}


def test_a_branch_that_ends_in_an_activation_is_quantized():
    found = placed(residual(lambda node: node, lambda node: ops.relu(second(node), name="activated")))
    assert {port for port in readers(found) if port[0] == "add"} == {("add", 0), ("add", 1)}


def test_an_addition_that_broadcasts_stays_in_float():
    def pooled(node):
        return ops.reduce_mean(node, np.array([2, 3]), True)

    found = placed(residual(pooled, second))
    assert not {port for port in readers(found) if port[0] == "add"}


def test_an_addition_of_network_inputs_stays_in_float():
    x, y = data(1, 4, 8, 8), data(1, 4, 8, 8, name="other")
    found = placed(model(conv(ops.add(x, y, name="add"), (4, 4, 3, 3), "last"), x, y))
    assert readers(found) == {("last", 0)}


# --- Ignored layers


@pytest.mark.parametrize("ignored", [{"names": ("first",)}, {"patterns": ("fi.*",)}])
def test_an_ignored_layer_stays_in_float(ignored):
    found = placed(two_convolutions(relu), **ignored)
    assert layers(found) == ["last"]
    assert tensors(found) == {"relu"}
    assert "ignored" in reason(found, "first")


def test_all_layers_of_an_ignored_type_stay_in_float():
    x = data(1, 4, 8, 8)
    flat = ops.reshape(relu(conv(x, (4, 4, 3, 3))), np.array([1, 256]), False)
    found = placed(model(matmul(flat, (256, 3)), x), types=("Convolution",))
    assert layers(found) == ["matmul"]


def test_a_pattern_matches_whole_names_only():
    assert layers(placed(two_convolutions(relu), patterns=("fir",))) == ["first", "last"]


def test_a_residual_addition_can_be_ignored():
    found = placed(residual(lambda node: node, second), names=("add",))
    assert not {port for port in readers(found) if port[0] == "add"}
    assert "ignored" in reason(found, "add")


# --- Weights


def test_weights_computed_at_run_time_keep_a_convolution_in_float():
    x, kernel = data(1, 4, 8, 8), data(4, 4, 1, 1, name="kernel")
    found = placed(model(conv(conv(x, kernel, "dynamic"), (4, 4, 1, 1), "last"), x, kernel))
    assert layers(found) == ["last"]
    assert "computed at run time" in reason(found, "dynamic")


def test_a_matmul_of_two_activations_has_both_inputs_quantized():
    x, y = data(1, 6, 8), data(1, 8, 6, name="other")
    found = placed(model(matmul(x, y, "product"), x, y))
    assert readers(found) == {("product", 0), ("product", 1)}
    assert found.layers[0].weight_port is None


def test_a_constant_that_two_layers_share_serves_both():
    x = data(1, 4, 8, 8)
    kernel = weights(4, 4, 3, 3)
    found = placed(model(conv(relu(conv(x, kernel, "first")), kernel, "last"), x))
    assert layers(found) == ["first", "last"]


def test_a_constant_on_the_left_of_a_matmul_is_its_weights():
    x = data(1, 6, 8)
    found = placed(model(matmul(weights(5, 6), x, "left"), x))
    (layer,) = found.layers
    assert (layer.weight_port, layer.activation_ports, layer.weight_axes) == (0, (1,), (1,))
    assert readers(found) == {("left", 1)}


@pytest.mark.parametrize(
    ("transpose_a", "transpose_b", "shape", "axis", "weight_axes"),
    [
        (False, False, (8, 5), 2, (0,)),
        (False, True, (5, 8), 2, (1,)),
        (True, False, (6, 5), 1, (0,)),
        (True, True, (5, 6), 1, (1,)),
    ],
)
def test_transposes_decide_over_which_axes_a_matmul_sums(transpose_a, transpose_b, shape, axis, weight_axes):
    x = data(1, 6, 8)
    found = place(model(matmul(x, shape, "product", transpose_a, transpose_b), x), Ignored())
    assert found.points[0].channel_axis == axis
    assert found.layers[0].weight_axes == weight_axes


@pytest.mark.parametrize(
    ("build", "axes", "is_depthwise"),
    [
        (lambda x: conv(x, (6, 4, 3, 3)), (1, 2, 3), False),
        (lambda x: group_conv(x, (2, 3, 2, 3, 3)), (2, 3, 4), False),
        (lambda x: group_conv(x, (4, 1, 1, 3, 3)), (2, 3, 4), True),
        (lambda x: group_conv(x, (4, 2, 1, 3, 3)), (2, 3, 4), True),
    ],
)
def test_one_scale_covers_all_but_the_output_channels(build, axes, is_depthwise):
    x = data(1, 4, 8, 8)
    (layer,) = placed(model(build(x), x)).layers
    assert (layer.weight_axes, layer.is_depthwise) == (axes, is_depthwise)


def behind_reshape(values):
    return ops.reshape(ops.constant(values.reshape(4, 1, 3, 3)), np.array([4, 1, 1, 3, 3]), False)


def behind_convert(values):
    return ops.convert(ops.constant(values.astype(np.float16)), "f32")


def behind_transpose(values):
    return ops.transpose(ops.constant(np.ascontiguousarray(values.T)), np.array([4, 3, 2, 1, 0]))


def behind_multiply(values):
    return ops.multiply(ops.constant(values), np.float32(1))


@pytest.mark.parametrize("wrap", [behind_reshape, behind_convert, behind_transpose, behind_multiply])
def test_weights_behind_operations_on_constants_are_found(wrap):
    values = np.random.default_rng(0).normal(size=(4, 1, 1, 3, 3)).astype(np.float16).astype(np.float32)
    x = data(1, 4, 8, 8)
    fp32 = model(group_conv(x, wrap(values)), x)
    op = operations(fp32)["group"]
    layer = weighted_layer(op)
    assert (layer.weight_port, layer.is_depthwise) == (1, True)
    np.testing.assert_array_equal(constant_value(op.input_value(1)), values)


def test_a_matmul_of_integers_is_no_layer():
    x = data(1, 6, dtype=np.int32)
    fp32 = ov.Model([ops.result(ops.matmul(x, ops.constant(np.ones((6, 2), np.int32)), False, False, name="ids"))], [x])
    assert placed(fp32).layers == ()


# --- Dropping layers


def test_a_dropped_layer_takes_its_quantizer_along():
    graph = normalise(two_convolutions(relu))
    found = drop_layers(place(graph, Ignored()), graph, {"first": "poor"})
    assert layers(found) == ["last"]
    assert tensors(found) == {"relu"}
    assert reason(found, "first") == "poor"


def test_a_quantizer_that_others_need_stays_when_a_layer_is_dropped():
    x = data(1, 4, 8, 8)
    fp32 = model([conv(x, weights(4, 4, 1, 1, seed=i), f"conv{i}") for i in range(2)], x)
    graph = normalise(fp32)
    found = drop_layers(place(graph, Ignored()), graph, {"conv0": "poor"})
    assert tensors(found) == {"data"}
    assert readers(found) == {("conv1", 0)}

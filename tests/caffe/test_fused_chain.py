import numpy as np
import openvino as ov
import openvino.opset13 as ops
from int8_chains import conv, data, inner_product, max_pool, model, named, relu

from calibench.caffe.fused_chain import fused_end, graph_index


def ends(graph: ov.Model, *layers: str) -> list[tuple[str, bool]]:
    index = graph_index(graph)
    found = [fused_end(index, layer) for layer in layers]
    return [(tensor[0], ends_in_relu) for tensor, ends_in_relu in found]


def test_a_chain_is_bias_and_relu() -> None:
    source = data(1, 3, 8, 8)
    graph = model(relu(conv(source, "a", 4), "ra"), source=source)
    assert ends(graph, "a") == [("ra", True)]


def test_an_inner_product_has_a_chain_too() -> None:
    source = data(1, 3, 8, 8)
    graph = model(relu(inner_product(source, "fc", 4), "r"), source=source)
    assert ends(graph, "fc") == [("r", True)]


def test_a_layer_without_bias_and_activation_ends_in_itself() -> None:
    source = data(1, 3, 8, 8)
    weights = ops.constant(np.ones((4, 3, 1, 1), np.float32))
    op = named(ops.convolution(source, weights, [1, 1], [0, 0], [0, 0], [1, 1]), "a", "a")
    graph = model(max_pool(op, "pool"), source=source)
    assert ends(graph, "a") == [("a", False)]


def test_a_second_reader_ends_the_chain_in_front_of_the_relu() -> None:
    source = data(1, 3, 8, 8)
    a = conv(source, "a", 4)
    graph = model(relu(a, "ra"), max_pool(a, "pool"), source=source)
    assert ends(graph, "a") == [("a/bias", False)]


def test_an_output_of_the_net_is_a_reader_too() -> None:
    source = data(1, 3, 8, 8)
    a = conv(source, "a", 4)
    assert ends(model(relu(a, "ra"), a, source=source), "a") == [("a/bias", False)]


def residual(first: str, second: str) -> ov.Model:
    """Two convolutions of one input, added in this order."""
    source = data(1, 3, 8, 8)
    both = {name: conv(source, name, 4) for name in ("branch1", "branch2")}
    added = named(ops.add(both[first], both[second]), "sum", "sum")
    return model(relu(added, "relu"), source=source)


def test_an_addition_belongs_to_the_later_of_two_convolutions() -> None:
    assert ends(residual("branch1", "branch2"), "branch1", "branch2") == [("branch1/bias", False), ("relu", True)]
    assert ends(residual("branch2", "branch1"), "branch1", "branch2") == [("relu", True), ("branch2/bias", False)]


def test_a_clone_has_the_same_chains() -> None:
    graph = residual("branch1", "branch2").clone()
    assert ends(graph, "branch1", "branch2") == [("branch1/bias", False), ("relu", True)]


def test_an_addition_belongs_to_its_only_convolution_in_either_order() -> None:
    source = data(1, 4, 8, 8)
    first = relu(conv(source, "a", 4), "ra")
    graph = model(named(ops.add(conv(first, "b", 4), first), "sum", "sum"), source=source)
    turned = model(named(ops.add(first, conv(first, "b", 4)), "sum", "sum"), source=source)
    assert ends(graph, "b") == ends(turned, "b") == [("sum", False)]


def test_an_addition_to_what_no_convolution_writes_belongs_to_its_one_convolution() -> None:
    source = data(1, 4, 8, 8)
    first = relu(conv(source, "a", 4), "ra")
    graph = model(named(ops.add(conv(first, "b", 4), first), "sum", "sum"), source=source)
    assert ends(graph, "a", "b") == [("ra", True), ("sum", False)]


def test_a_chain_takes_one_addition() -> None:
    source = data(1, 4, 8, 8)
    inner = named(ops.add(conv(source, "a", 4), conv(source, "b", 4)), "inner", "inner")
    graph = model(named(ops.add(inner, conv(source, "c", 4)), "outer", "outer"), source=source)
    assert ends(graph, "a", "b", "c") == [("a/bias", False), ("inner", False), ("outer", False)]


def test_an_addition_that_broadcasts_is_no_residual() -> None:
    source = data(1, 4, 8, 8)
    gate = named(ops.reduce_max(source, ops.constant(np.array([2, 3])), True), "gate", "gate")
    graph = model(named(ops.add(conv(source, "a", 4), gate), "sum", "sum"), source=source)
    assert ends(graph, "a") == [("a/bias", False)]


def test_a_relu_with_slope_belongs_to_the_chain_but_leaves_signed() -> None:
    source = data(1, 3, 8, 8)
    leaky = named(ops.prelu(conv(source, "a", 4), ops.constant(np.array([0.1], np.float32))), "leaky", "leaky")
    assert ends(model(leaky, source=source), "a") == [("leaky", False)]


def test_a_prelu_with_a_slope_for_each_channel_does_not_belong_to_it() -> None:
    source = data(1, 3, 8, 8)
    slopes = ops.constant(np.full(4, 0.1, np.float32))
    graph = model(named(ops.prelu(conv(source, "a", 4), slopes), "prelu", "prelu"), source=source)
    assert ends(graph, "a") == [("a/bias", False)]


def test_other_activations_do_not_belong_to_it() -> None:
    source = data(1, 3, 8, 8)
    graph = model(named(ops.elu(conv(source, "a", 4), 1.0), "elu", "elu"), source=source)
    assert ends(graph, "a") == [("a/bias", False)]

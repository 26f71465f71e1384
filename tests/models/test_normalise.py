"""One form of the graph: patterns fused, names unique and repeatable, the outside unchanged."""

from collections import Counter
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.models.normalise import normalise
from calibench.models.read import read_model

NETWORKS = sorted((Path(__file__).parent.parent / "data" / "networks").glob("*.onnx"))


def parameter(*shape, name="data"):
    node = ops.parameter(ov.PartialShape(list(shape)), np.float32, name=name)
    node.output(0).tensor.set_names({name})
    return node


def constant(*shape, seed=0):
    return ops.constant(np.random.default_rng(seed).uniform(0.1, 1, size=shape).astype(np.float32))


def convolution(node, name="conv"):
    ones = [1, 1]
    return ops.convolution(node, constant(4, 4, 1, 1), ones, [0, 0], [0, 0], ones, name=name)


def kinds(graph):
    return Counter(op.get_type_name() for op in graph.get_ops())


def answers(graph, value):
    return ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([value])


def value_of(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def batch_norm(node):
    return ops.batch_norm_inference(node, *(constant(4, seed=i) for i in range(4)), 1e-5)


def hard_swish(node):
    gate = ops.clamp(ops.add(node, np.float32(3)), 0.0, 6.0)
    return ops.multiply(ops.multiply(node, gate), np.float32(1 / 6))


def swish(node):
    return ops.multiply(node, ops.sigmoid(node))


@pytest.mark.parametrize(
    ("chain", "gone", "there"),
    [
        (batch_norm, {"BatchNormInference", "Multiply"}, set()),
        (hard_swish, {"Clamp", "Multiply"}, {"HSwish"}),
        (swish, {"Sigmoid", "Multiply"}, {"Swish"}),
    ],
)
def test_a_chain_behind_a_convolution_becomes_one_node_with_the_same_answers(chain, gone, there):
    x = parameter(1, 4, 6, 6)
    graph = ov.Model([ops.result(chain(convolution(x)))], [x])
    fused = normalise(graph)
    assert not gone & set(kinds(fused))
    assert there <= set(kinds(fused))
    value = value_of(1, 4, 6, 6)
    np.testing.assert_allclose(answers(fused, value)[0], answers(graph, value)[0], rtol=1e-4, atol=1e-5)


def test_the_graph_that_was_read_is_not_changed():
    x = parameter(1, 4, 6, 6)
    graph = ov.Model([ops.result(hard_swish(convolution(x)))], [x])
    names = [op.get_friendly_name() for op in graph.get_ordered_ops()]
    normalise(graph)
    assert [op.get_friendly_name() for op in graph.get_ordered_ops()] == names


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_names_are_unique_and_the_same_after_two_reads_in_one_process(path):
    found = []
    for _ in range(2):
        graph = normalise(read_model(path).graph)
        found.append([op.get_friendly_name() for op in graph.get_ordered_ops()])
    assert found[0] == found[1]
    assert len(set(found[0])) == len(found[0])


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_names_survive_an_ir_file(path, tmp_path):
    first = normalise(read_model(path).graph)
    ov.save_model(first, tmp_path / "model.xml", compress_to_fp16=False)
    second = normalise(ov.Core().read_model(tmp_path / "model.xml"))
    weighted = ("Convolution", "GroupConvolution", "MatMul")
    names = [
        {op.get_friendly_name() for op in graph.get_ops() if op.get_type_name() in weighted}
        for graph in (first, second)
    ]
    assert names[0] == names[1]


def test_layers_of_one_name_are_told_apart():
    x = parameter(1, 4, 6, 6)
    graph = ov.Model([ops.result(convolution(ops.relu(convolution(x, "same")), "same"))], [x])
    names = [op.get_friendly_name() for op in normalise(graph).get_ops()]
    assert len(set(names)) == len(names)
    assert "same" in names


def test_names_that_look_generated_are_kept_where_they_come_from_the_file(tmp_path):
    x = parameter(1, 4, 6, 6)
    ov.save_model(ov.Model([ops.result(convolution(x, "Convolution_17"))], [x]), tmp_path / "model.xml")
    graph = normalise(read_model(tmp_path / "model.xml").graph)
    assert "Convolution_17" in {op.get_friendly_name() for op in graph.get_ops()}


def test_names_of_an_onnx_file_are_kept_even_where_they_look_generated():
    graph = normalise(read_model(NETWORKS[0]).graph)
    named = {op.get_friendly_name() for op in ov.Core().read_model(NETWORKS[0]).get_ops()}
    again = {op.get_friendly_name() for op in ov.Core().read_model(NETWORKS[0]).get_ops()}
    kept = {op.get_friendly_name() for op in graph.get_ops() if op.get_type_name() in ("Convolution", "Relu", "Add")}
    assert {name for name in kept if not {"@", "#"} & set(name)} <= named & again


def outside(graph):
    return [(port.names, str(port.element_type), str(port.partial_shape)) for port in (*graph.inputs, *graph.outputs)]


def test_inputs_and_outputs_keep_names_order_types_and_dynamic_axes():
    x, y = parameter(-1, 4, -1, -1, name="picture"), parameter(-1, 4, 1, 1, name="gain")
    node = ops.multiply(hard_swish(batch_norm(convolution(x))), y)
    node.output(0).tensor.set_names({"map", "alias"})
    count = ops.shape_of(x, "i32")
    count.output(0).tensor.set_names({"count"})
    graph = ov.Model([ops.result(count), ops.result(node)], [y, x])
    assert outside(normalise(graph)) == outside(graph)


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_networks_keep_their_outside_and_their_answers(path):
    graph = ov.Core().read_model(path)
    fused = normalise(graph)
    assert outside(fused) == outside(graph)
    value = value_of(1, 1, 28, 28)
    np.testing.assert_allclose(answers(fused, value)[0], answers(graph, value)[0], rtol=1e-3, atol=1e-3)


def recurrent(kind, direction="forward"):
    directions = 2 if direction == "bidirectional" else 1
    x = parameter(1, 5, 8)
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind]
    state = ops.constant(np.zeros((1, directions, 4), np.float32))
    kernels = (constant(directions, gates * 4, size) for size in (8, 4))
    lengths, bias = ops.constant(np.array([5])), constant(directions, gates * 4)
    if kind == "lstm":
        node = ops.lstm_sequence(x, state, state, lengths, *kernels, bias, 4, direction, name="rnn")
    else:
        build = ops.gru_sequence if kind == "gru" else ops.rnn_sequence
        node = build(x, state, lengths, *kernels, bias, 4, direction, name="rnn")
    return ov.Model([ops.result(node.output(0))], [x])


def executed(graph):
    """Types of the kernels that run."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return Counter(str(op.get_rt_info()["layerType"].astype(str)) for op in compiled.get_runtime_model().get_ops())


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_kernels_of_recurrent_layers_are_kept(kind, direction):
    graph = recurrent(kind, direction)
    fused = normalise(graph)
    assert executed(fused)["RNNSeq"] == executed(graph)["RNNSeq"] > 0
    value = value_of(1, 5, 8)
    np.testing.assert_allclose(answers(fused, value)[0], answers(graph, value)[0], rtol=1e-4, atol=1e-5)

"""Classic networks with random weights, against OpenCV's own importer."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from topologies import RESNET, TOPOLOGIES, conv, data, layer, softmax
from written_nets import opencv_outputs, outputs_of, stated_shapes, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net

TOLERANCE = 1e-5
"""Share of the largest output."""


def compare(folder: Path, text: str, tolerance: float = TOLERANCE) -> ov.Model:
    """Convert a net, and compare all its outputs with OpenCV's at the batch of the file."""
    prototxt, weights = write_net(folder, text)
    net = read_net(prototxt, weights)
    graph = to_openvino(net)
    shapes = stated_shapes(net)
    random = np.random.default_rng(1)
    inputs = {port.any_name: random.normal(0, 1, shapes[port.any_name]).astype(np.float32) for port in graph.inputs}
    found = outputs_of(graph, inputs)
    for name, expected in opencv_outputs(prototxt, weights, inputs, list(found)).items():
        assert found[name].shape == expected.shape
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))
    return graph


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_classic_network_computes_what_opencv_computes(name: str, tmp_path: Path) -> None:
    graph = compare(tmp_path, TOPOLOGIES[name])
    assert graph.inputs[0].partial_shape[0].is_dynamic


def test_the_values_inside_a_network_are_opencvs_too(tmp_path: Path) -> None:
    prototxt, weights = write_net(tmp_path, RESNET)
    graph = to_openvino(read_net(prototxt, weights))
    names = ["conv1", "pool1", "res2a_branch1", "res2a", "res2b", "pool5", "prob"]
    values = {name: port for op in graph.get_ops() for port in op.outputs() for name in port.names}
    results = [ov.opset13.result(values[name]) for name in names]
    inside = ov.Model(results, graph.get_parameters(), "inside")
    image = np.random.default_rng(2).normal(0, 1, (2, 3, 33, 33)).astype(np.float32)
    found = outputs_of(inside, {"data": image})
    for name, expected in opencv_outputs(prototxt, weights, {"data": image}, names).items():
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=TOLERANCE * max(1, np.abs(expected).max()))


def test_a_chain_of_in_place_layers_is_computed_in_order(tmp_path: Path) -> None:
    text = (
        data(1, 3, 8, 8)
        + conv("c", "data", 4, relu=False)
        + layer("ELU", "elu", "c", "c", elu_param="alpha: 0.5")
        + layer("Power", "power", "c", "c", power_param="power: 2 scale: 0.5 shift: 1")
        + layer("BatchNorm", "bn", "c", "c")
        + layer("PReLU", "slopes", "c", "c")
        + layer("TanH", "tanh", "c", "c")
    )
    graph = compare(tmp_path, text)
    assert graph.outputs[0].any_name == "c"
    assert {"c", "elu", "power", "bn", "slopes", "tanh"} <= {op.get_friendly_name() for op in graph.get_ops()}


def test_a_file_of_the_old_layouts_is_the_same_network(tmp_path: Path) -> None:
    text = """
    name: "old" input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
    layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
    layers { name: "r" type: RELU bottom: "c" top: "c" }
    layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
    layers { name: "ip" type: INNER_PRODUCT bottom: "p" top: "ip" inner_product_param { num_output: 5 } }
    layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }
    """
    graph = compare(tmp_path, text)
    assert graph.inputs[0].partial_shape == ov.PartialShape([-1, 3, 9, 9])


POOLINGS = [
    f"pool: {kind} kernel_size: {kernel} stride: {stride} pad: {pad}"
    for kind in ("MAX", "AVE")
    for kernel, stride, pad in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2), (3, 3, 1))
]

LAYERS = {
    "Sigmoid": layer("Sigmoid", "y", "c"),
    "AbsVal": layer("AbsVal", "y", "c"),
    "leaky ReLU": layer("ReLU", "y", "c", relu_param="negative_slope: 0.1"),
    "shared PReLU": layer("PReLU", "y", "c", prelu_param="channel_shared: true"),
    "ReLU6": layer("ReLU6", "y", "c"),
    "BNLL": layer("BNLL", "y", "c"),
    "Power": layer("Power", "y", "c", power_param="power: 3 scale: -0.5 shift: 0.2"),
    "Flatten": layer("Flatten", "y", "c"),
    "Reshape": layer("Reshape", "y", "c", reshape_param="shape { dim: 0 dim: 2 dim: -1 dim: 9 }"),
    "Softmax of an axis": layer("Softmax", "y", "c", softmax_param="axis: 2"),
    "MVN": layer("MVN", "y", "c"),
    "MVN without variance": layer("MVN", "y", "c", mvn_param="normalize_variance: false"),
    "MVN across channels": layer("MVN", "y", "c", mvn_param="across_channels: true"),
    "LRN within a channel": layer("LRN", "y", "c", lrn_param="norm_region: WITHIN_CHANNEL local_size: 3 alpha: 2"),
    "two slices, exchanged": layer("Slice", "s", "c", "a b", slice_param="axis: 1 slice_point: 1")
    + layer("Concat", "y", "b a"),
    "product": layer("Eltwise", "y", "c c", eltwise_param="operation: PROD"),
    "maximum": layer("AbsVal", "a", "c") + layer("Eltwise", "y", "c a", eltwise_param="operation: MAX"),
    "weighted sum": layer("AbsVal", "a", "c")
    + layer("Eltwise", "y", "c a", eltwise_param="operation: SUM coeff: 2 coeff: -0.5"),
    "concatenation of rows": layer("AbsVal", "a", "c") + layer("Concat", "y", "c a", concat_param="axis: 2"),
    "dilated convolution": conv("y", "c", 3, "kernel_size: 3 dilation: 2 pad: 2"),
    "scale by a blob": layer("Scale", "y", "c", scale_param="bias_term: true"),
    "BatchNorm behind a ReLU": layer("ReLU", "r", "c", "c") + layer("BatchNorm", "y", "c"),
}


@pytest.mark.parametrize("rest", POOLINGS)
@pytest.mark.parametrize("size", [7, 8])
def test_a_pooling_computes_what_opencv_computes(rest: str, size: int, tmp_path: Path) -> None:
    compare(tmp_path, data(1, 2, size, 9) + layer("Pooling", "y", "data", pooling_param=rest))


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_opencv_computes(name: str, tmp_path: Path) -> None:
    compare(tmp_path, data(2, 3, 9, 8) + conv("c", "data", 4, relu=False) + LAYERS[name])


@pytest.mark.parametrize("seed", range(12))
def test_a_random_net_computes_what_opencv_computes(seed: int, tmp_path: Path) -> None:
    # a dozen layers of random weights add up what both round: 1 of 60 such nets differs by 1.2e-5
    compare(tmp_path, random_net(np.random.default_rng(seed)), tolerance=5e-5)


def random_net(random: np.random.Generator) -> str:
    """A dozen layers, each behind a blob of the same size that was made before, or the last one."""
    text, tops = data(1, 4, 16, 16), ["data"]
    for number in range(12):
        name, bottom = f"l{number}", tops[-1] if random.random() < 0.7 else str(random.choice(tops))
        other = str(random.choice(tops))
        steps = (
            conv(name, bottom, 4, "kernel_size: 3 pad: 1", relu=False),
            conv(name, bottom, 4, "kernel_size: 1 bias_term: false"),
            conv(name, bottom, 4, "kernel_size: 5 pad: 2 group: 2"),
            layer("BatchNorm", name, bottom),
            layer("Scale", name, bottom, scale_param="bias_term: true"),
            layer("Eltwise", name, f"{bottom} {other}"),
            layer("Pooling", name, bottom, pooling_param="pool: AVE kernel_size: 3 stride: 1 pad: 1"),
            layer("Sigmoid", name, bottom),
            layer("Power", name, bottom, power_param="scale: 0.7 shift: 0.3"),
            layer("Concat", f"{name}_c", f"{bottom} {other}") + conv(name, f"{name}_c", 4),
        )
        text += steps[int(random.integers(len(steps)))]
        tops.append(name)
    return text + softmax(tops[-1])

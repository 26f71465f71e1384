"""What the converted graph is called, what is left of the net in it, and what is refused."""

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from topologies import RESNET, conv, conv_norm, data, dense, layer, pool, softmax
from written_nets import outputs_of, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.net import NORMAL
from calibench.caffe.read_net import read_net
from calibench.errors import ModelError


def converted(folder: Path, text: str, **options: object) -> ov.Model:
    return to_openvino(read_net(*write_net(folder, text, **options)))


def names_of(graph: ov.Model) -> list[str]:
    return [op.get_friendly_name() for op in graph.get_ordered_ops()]


def rt(graph: ov.Model, name: str) -> object:
    return json.loads(graph.get_rt_info(["caffe", name]).astype(str))


def test_operations_are_called_like_layers_and_biases_after_them(tmp_path: Path) -> None:
    graph = converted(tmp_path, data(1, 3, 8, 8) + conv("conv1", "data", 4) + dense("fc", "conv1", 5) + softmax("fc"))
    ops = {op.get_friendly_name(): op.get_type_name() for op in graph.get_ops()}
    assert ops["conv1"] == "Convolution"
    assert ops["conv1/bias"] == "Add"
    assert ops["relu_conv1"] == "Relu"
    assert ops["fc"] == "MatMul"
    assert ops["fc/bias"] == "Add"
    assert ops["prob"] == "Softmax"


def test_a_grouped_convolution_is_called_like_its_layer_too(tmp_path: Path) -> None:
    graph = converted(tmp_path, data(1, 4, 8, 8) + conv("dw", "data", 4, "kernel_size: 3 group: 4", relu=False))
    assert {op.get_friendly_name(): op.get_type_name() for op in graph.get_ops()}["dw"] == "GroupConvolution"


def test_a_tensor_is_called_like_its_blob_once_all_in_place_layers_are_done(tmp_path: Path) -> None:
    graph = converted(tmp_path, data(1, 3, 8, 8) + conv("conv1", "data", 4) + pool("pool1", "conv1"))
    makers = {name: op.get_friendly_name() for op in graph.get_ops() for port in op.outputs() for name in port.names}
    assert makers == {"data": "data", "conv1": "relu_conv1", "pool1": "pool1"}


def test_names_are_unique_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = (names_of(to_openvino(read_net(*write_net(tmp_path, RESNET)))) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_what_changes_an_input_in_place_leaves_the_input_its_name(tmp_path: Path) -> None:
    text = data(1, 3, 4, 4) + layer("Power", "scaled", "data", "data", power_param="scale: 2")
    graph = converted(tmp_path, text)
    assert graph.inputs[0].any_name == "data"
    assert graph.outputs[0].any_name == "scaled"


def test_one_value_carries_the_names_of_all_blobs_that_it_is(tmp_path: Path) -> None:
    text = data(1, 3, 4, 4) + conv("c", "data", 2) + layer("Split", "s", "c", "a b") + layer("Concat", "y", "a b")
    graph = converted(tmp_path, text)
    assert {"c", "a", "b"} in [port.names for op in graph.get_ops() for port in op.outputs()]


def test_the_order_of_the_layers_is_kept_without_those_that_were_folded(tmp_path: Path) -> None:
    text = data(1, 3, 8, 8) + conv_norm("c1", "data", 4) + conv("c2", "c1", 4)
    assert rt(converted(tmp_path, text), "order") == ["c1", "relu_c1", "c2", "relu_c2"]


def test_the_graph_is_marked_as_normal(tmp_path: Path) -> None:
    graph = converted(tmp_path, data(1, 3, 8, 8) + conv("c", "data", 4))
    assert graph.has_rt_info(NORMAL)
    assert graph.clone().has_rt_info(NORMAL)
    assert not ov.Model(graph.outputs, graph.get_parameters(), "other").has_rt_info(NORMAL)


TRAINING = (
    'layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 8 } '
    "data_param { batch_size: 16 } }\n"
    + conv("conv1", "data", 4)
    + dense("fc", "conv1", 5)
    + layer("SoftmaxWithLoss", "loss", "fc label")
    + layer("Accuracy", "top1", "fc label", "accuracy/top1")
    + layer("Accuracy", "top5", "fc label", "accuracy/top5", accuracy_param="top_k: 5 ignore_label: 255")
)


def test_data_layers_losses_and_scores_are_taken_off(tmp_path: Path) -> None:
    graph = converted(tmp_path, TRAINING, inputs={"data": (1, 1, 8, 8), "label": (1,)})
    assert [port.any_name for port in graph.inputs] == ["data"]
    assert [port.any_name for port in graph.outputs] == ["fc"]
    assert graph.inputs[0].partial_shape == ov.PartialShape([-1, 1, 8, 8])
    assert rt(graph, "scores") == [
        {"blob": "accuracy/top1", "type": "Accuracy", "output": "fc", "top_k": 1, "axis": 1, "ignore_label": None},
        {"blob": "accuracy/top5", "type": "Accuracy", "output": "fc", "top_k": 5, "axis": 1, "ignore_label": 255},
    ]


def test_the_parameters_of_a_detection_score_are_kept(tmp_path: Path) -> None:
    score = "num_classes: 3 background_label_id: 0 overlap_threshold: 0.3 evaluate_difficult_gt: false"
    text = (
        data(1, 1, 1, 7)
        + data(1, 1, 1, 8, name="label")
        + layer("AbsVal", "detection_out", "data")
        + layer("DetectionEvaluate", "detection_eval", "detection_out label", detection_evaluate_param=score)
    )
    assert rt(converted(tmp_path, text), "scores") == [
        {
            "blob": "detection_eval",
            "type": "DetectionEvaluate",
            "output": "detection_out",
            "background_label_id": 0,
            "overlap_threshold": 0.3,
            "evaluate_difficult_gt": False,
            "num_classes": 3,
        }
    ]


def test_the_batch_is_free_and_samples_do_not_mix(tmp_path: Path) -> None:
    graph = converted(tmp_path, RESNET)
    images = np.random.default_rng(0).normal(0, 1, (3, 3, 33, 33)).astype(np.float32)
    together = outputs_of(graph, {"data": images})["prob"]
    alone = np.concatenate([outputs_of(graph, {"data": image[None]})["prob"] for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("shape", ["dim: 1 dim: -1", "dim: 2 dim: 3 dim: 16"])
def test_a_reshape_to_a_fixed_batch_keeps_the_batch_of_the_file(shape: str, tmp_path: Path) -> None:
    text = data(2, 3, 4, 4) + layer("Reshape", "y", "data", reshape_param=f"shape {{ {shape} }}")
    assert converted(tmp_path, text).inputs[0].partial_shape == ov.PartialShape([2, 3, 4, 4])


def test_a_reshape_that_copies_the_batch_leaves_it_free(tmp_path: Path) -> None:
    text = data(2, 6, 4, 4) + layer("Reshape", "y", "data", reshape_param="shape { dim: 0 dim: -1 dim: 2 }")
    graph = converted(tmp_path, text)
    assert graph.outputs[0].partial_shape == ov.PartialShape([-1, 48, 2])


def refusal(folder: Path, text: str, **options: object) -> str:
    with pytest.raises(ModelError) as caught:
        converted(folder, text, **options)
    return str(caught.value).replace(str(folder), "DIR")


def test_an_unknown_layer_is_named_with_its_type_and_the_place_for_a_handler(tmp_path: Path) -> None:
    assert refusal(tmp_path, data(1, 3, 4, 4) + layer("Foo", "x", "data")) == (
        "DIR/net.prototxt: line 2: layer 'x' has the type 'Foo', for which there is no handler. Add one in "
        "src/calibench/caffe/layers/handlers.py (how: ARCHITECTURE.md, Where to add what)."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (layer("ReLU", "x", ""), "line 2: layer 'x' of type ReLU reads no blob. Add its bottom."),
        (
            layer("ReLU", "x", "data") + layer("Accuracy", "acc", ""),
            "line 3: layer 'acc' of type Accuracy reads no blob. Add its bottom.",
        ),
        (layer("", "x", "data"), "line 2: layer 'x' has no type. Add it."),
        (
            layer("ReLU", "x", "data", "x more"),
            "line 2: layer 'x': names 2 tops, but a layer of type ReLU makes 1 here. Take more away.",
        ),
    ],
)
def test_a_layer_without_input_type_or_output_is_named(text: str, said: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, data(1, 3, 4, 4) + text, blobs={}) == f"DIR/net.prototxt: {said}"


def test_a_blob_that_no_memory_holds_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    text = data(1, 3, 4, 4) + conv("c", "data", 4, "kernel_size: 1 pad: 4294967295", relu=False)
    said = refusal(
        tmp_path,
        text + layer("Pooling", "p", "c", pooling_param="pool: AVE kernel_size: 3"),
        blobs={"c": [np.zeros((4, 3, 1, 1), np.float32), np.zeros(4, np.float32)]},
    )
    assert "layer 'c': its blob would be [1, 4, 8589934594, 8589934594], which no memory holds" in said


def test_a_number_of_groups_that_divides_nothing_is_refused(tmp_path: Path) -> None:
    blobs = {"c": [np.zeros((4, 3, 1, 1), np.float32)]}
    text = data(1, 3, 4, 4) + conv("c", "data", 4, "kernel_size: 1 group: 0 bias_term: false", relu=False)
    assert "layer 'c': bottoms of shape [1, 3, 4, 4] do not fit" in refusal(tmp_path, text, blobs=blobs)


def test_weights_that_do_not_fit_are_named_with_both_shapes(tmp_path: Path) -> None:
    blobs = {"c": [np.zeros((4, 3, 5, 5), np.float32), np.zeros(4, np.float32)]}
    assert refusal(tmp_path, data(1, 3, 8, 8) + conv("c", "data", 4, relu=False), blobs=blobs) == (
        "DIR/net.prototxt: line 2: layer 'c': blob 0 has the shape [4, 3, 5, 5] in the weights file, but the prototxt "
        "asks for [4, 3, 3, 3]. Give the caffemodel that belongs to the prototxt."
    )


@pytest.mark.parametrize("behind", ["BatchNorm", "Scale"])
def test_weights_that_do_not_fit_are_refused_where_a_layer_would_be_folded(behind: str, tmp_path: Path) -> None:
    blobs = {
        "c": [np.zeros((4, 3, 3, 3), np.float32), np.zeros(4, np.float32)],
        "b": [np.ones(5, np.float32), np.ones(5, np.float32), np.ones(1, np.float32)],
    }
    text = data(1, 3, 8, 8) + conv("c", "data", 4, relu=False) + layer(behind, "b", "c", "c")
    assert "layer 'b': blob 0 has the shape [5] in the weights file, but the prototxt asks for [4]." in refusal(
        tmp_path, text, blobs=blobs
    )


def test_missing_weights_are_named(tmp_path: Path) -> None:
    blobs = {"c": [np.zeros((4, 3, 3, 3), np.float32)]}
    assert "layer 'c': blob 1 of shape [4] is missing" in refusal(
        tmp_path, data(1, 3, 8, 8) + conv("c", "data", 4), blobs=blobs
    )


def test_a_net_without_weights_file_says_which_layer_needs_them(tmp_path: Path) -> None:
    prototxt, _ = write_net(tmp_path, data(1, 3, 8, 8) + conv("c", "data", 4))
    with pytest.raises(ModelError, match=r"layer 'c': blob 0 of shape .* is missing"):
        to_openvino(read_net(prototxt, None))


def test_bottoms_that_do_not_fit_together_are_named_with_their_shapes(tmp_path: Path) -> None:
    text = data(1, 3, 8, 8) + pool("p", "data") + layer("Eltwise", "y", "data p")
    assert "layer 'y': bottoms of shape [1, 3, 8, 8], [1, 3, 4, 4] do not fit a layer of type Eltwise." in refusal(
        tmp_path, text, blobs={}
    )


def test_a_net_of_nothing_but_data_and_scores_is_refused(tmp_path: Path) -> None:
    text = data(1, 3) + data(1, name="label") + layer("Accuracy", "a", "data label")
    assert "no layer is left without data layers, losses and scores" in refusal(tmp_path, text)

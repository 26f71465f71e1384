"""What belongs to the graph, and what to data and scores."""

from pathlib import Path

import pytest
from topologies import conv, data, dense, layer
from written_nets import write_net

from calibench.caffe.read_net import read_net
from calibench.caffe.stripping import Stripped, stripped

LMDB = 'layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 4 } }\n'


def rest_of(folder: Path, text: str) -> Stripped:
    return stripped(read_net(write_net(folder, text, blobs={})[0], None))


def names(rest: Stripped) -> list[str]:
    return [each.name for each in rest.net.layers]


def test_the_second_top_of_a_data_layer_is_no_input(tmp_path: Path) -> None:
    rest = rest_of(tmp_path, LMDB + conv("c", "data", 2) + layer("SoftmaxWithLoss", "loss", "c label"))
    assert list(rest.inputs) == ["data"]
    assert rest.inputs["data"] is not None
    assert rest.outputs == ("c",)
    assert names(rest) == ["c", "relu_c"]


def test_layers_that_only_labels_feed_go_too(tmp_path: Path) -> None:
    text = (
        LMDB
        + layer("Slice", "parts", "label", "one two")
        + dense("fc", "data", 2)
        + layer("EuclideanLoss", "loss", "fc one")
        + layer("Silence", "quiet", "two")
    )
    rest = rest_of(tmp_path, text)
    assert names(rest) == ["fc"]
    assert rest.outputs == ("fc",)


def test_a_loss_against_the_data_itself_leaves_the_prediction(tmp_path: Path) -> None:
    text = (
        LMDB
        + layer("Flatten", "flat", "data")
        + dense("code", "flat", 2)
        + dense("decoded", "code", 9)
        + layer("SigmoidCrossEntropyLoss", "loss", "decoded flat")
        + layer("Sigmoid", "shown", "decoded")
        + layer("EuclideanLoss", "error", "shown flat")
    )
    assert rest_of(tmp_path, text).outputs == ("shown",)


def test_a_scored_blob_is_an_output_though_others_read_it(tmp_path: Path) -> None:
    text = LMDB + dense("fc", "data", 2) + layer("Softmax", "prob", "fc") + layer("Accuracy", "top1", "fc label")
    rest = rest_of(tmp_path, text)
    assert rest.outputs == ("fc", "prob")
    assert [each.name for each in rest.scores] == ["top1"]


def test_a_silenced_branch_is_left_out(tmp_path: Path) -> None:
    text = data(1, 3, 4, 4) + conv("a", "data", 2) + conv("b", "data", 2) + layer("Silence", "quiet", "b")
    assert names(rest_of(tmp_path, text)) == ["a", "relu_a"]


def test_outputs_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = data(1, 3, 4, 4) + conv("z", "data", 2) + conv("a", "data", 2) + layer("Slice", "s", "data", "q p")
    assert rest_of(tmp_path, text).outputs == ("z", "a", "q", "p")


@pytest.mark.parametrize("label", ["label", "labels"])
def test_an_input_layer_of_labels_is_no_input(label: str, tmp_path: Path) -> None:
    text = data(1, 3) + data(1, name=label) + dense("fc", "data", 2) + layer("Accuracy", "a", f"fc {label}")
    assert list(rest_of(tmp_path, text).inputs) == ["data"]


def test_a_net_that_ends_in_silence_alone_gives_what_is_silenced(tmp_path: Path) -> None:
    """Such as one that draws its detections into the picture of a camera."""
    rest = rest_of(tmp_path, data(1, 3, 4, 4) + conv("a", "data", 2) + layer("Silence", "quiet", "a"))
    assert rest.outputs == ("a",)

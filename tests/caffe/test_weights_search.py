from pathlib import Path

import pytest

from calibench.caffe.weights_search import find_weights
from calibench.errors import ModelError


@pytest.mark.parametrize(
    ("prototxt", "there", "found"),
    [
        ("net.prototxt", ["net.caffemodel", "other.caffemodel"], "net.caffemodel"),
        ("net.prototxt", ["net.caffemodel", "net_new.caffemodel"], "net.caffemodel"),
        ("net.prototxt", ["net.caffemodel.h5", "other.caffemodel"], "net.caffemodel.h5"),
        ("net.prototxt", ["net.caffemodel.h5", "net.caffemodel"], "net.caffemodel"),
        ("deploy.prototxt", ["resnet.caffemodel", "mean.binaryproto"], "resnet.caffemodel"),
        ("deploy.prototxt", ["resnet.caffemodel", "resnet_new.caffemodel"], "resnet.caffemodel"),
        ("net.prototxt", ["w.caffemodel", "w_new.caffemodel", "net_quantized.caffemodel"], "w.caffemodel"),
        ("net_quantized.prototxt", ["w.caffemodel", "net_quantized.caffemodel"], "net_quantized.caffemodel"),
        ("net_quantized.prototxt", ["net.caffemodel", "other.caffemodel"], "net.caffemodel"),
        ("net_quantized.prototxt", ["net.caffemodel", "net_quantized.caffemodel"], "net_quantized.caffemodel"),
        ("net_quantized_force_u8.prototxt", ["net.caffemodel", "net_new.caffemodel"], "net_new.caffemodel"),
        ("net_quantized_force_u8.prototxt", ["w.caffemodel", "w_new.caffemodel"], "w_new.caffemodel"),
        (
            "net_quantized_force_u8.prototxt",
            ["net_new.caffemodel", "net_quantized_force_u8.caffemodel"],
            "net_quantized_force_u8.caffemodel",
        ),
        ("v1.2.prototxt", ["v1.2.caffemodel", "v1.caffemodel"], "v1.2.caffemodel"),
    ],
)
def test_the_weights_that_belong_to_a_prototxt_are_found(
    tmp_path: Path, prototxt: str, there: list[str], found: str
) -> None:
    for name in there:
        (tmp_path / name).touch()
    assert find_weights(tmp_path / prototxt).name == found


@pytest.mark.parametrize(
    ("prototxt", "there", "message"),
    [
        ("net.prototxt", [], r"no weights file \(.caffemodel\) stands beside it. Name one with --weights."),
        (
            "net.prototxt",
            ["b.caffemodel", "a.caffemodel"],
            "several weights files could belong to it; there are a.caffemodel, b.caffemodel. Name one with --weights.",
        ),
        (
            "net_quantized_force_u8.prototxt",
            ["net.caffemodel"],
            "no weights file beside it goes with it; there are net.caffemodel. Name one with --weights.",
        ),
    ],
)
def test_where_it_is_not_clear_the_user_is_asked(tmp_path: Path, prototxt: str, there: list[str], message: str) -> None:
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=message):
        find_weights(tmp_path / prototxt)


def test_the_file_asked_for_is_taken(tmp_path: Path) -> None:
    wanted = tmp_path / "any.name"
    wanted.touch()
    (tmp_path / "net.caffemodel").touch()
    assert find_weights(tmp_path / "net.prototxt", wanted) == wanted
    with pytest.raises(ModelError, match="absent: there is no such weights file"):
        find_weights(tmp_path / "net.prototxt", tmp_path / "absent")


def test_a_folder_that_is_not_there_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights file"):
        find_weights(tmp_path / "absent" / "net.prototxt")

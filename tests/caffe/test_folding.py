"""Affine layers become part of the weights in front of them, exactly, and only where nobody else reads these."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from topologies import RESNET, conv, conv_norm, data, dense, layer
from written_nets import outputs_of, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.folding import fold, folds_of
from calibench.caffe.net import Net
from calibench.caffe.read_net import read_net
from calibench.caffe.stripping import stripped

SCALE = layer("Scale", "s", "c", "c", scale_param="bias_term: true")


def read(folder: Path, text: str, **options: object) -> Net:
    return read_net(*write_net(folder, text, **options))


def folded(net: Net) -> Net:
    return fold(stripped(net).net)[0]


def test_gain_and_shift_by_hand(tmp_path: Path) -> None:
    text = (
        data(1, 1, 3, 3)
        + conv("c", "data", 2, "kernel_size: 1", relu=False)
        + layer("BatchNorm", "b", "c", "c")
        + SCALE
    )
    blobs = {
        "c": [np.array([[[[3.0]]], [[[5.0]]]], np.float32), np.array([1.0, 2.0], np.float32)],
        "b": [np.array([4.0, 6.0], np.float32), np.array([8.0, 18.0], np.float32) - 2e-5, np.array([2.0], np.float32)],
        "s": [np.array([10.0, 0.5], np.float32), np.array([7.0, -1.0], np.float32)],
    }
    net = folded(read(tmp_path, text, blobs=blobs))
    # stored sums are of 2 batches: mean 2 and 3, variance 4 and 9, so that gains are 10 / 2 and 0.5 / 3
    weights, bias = net.layers[0].blobs
    np.testing.assert_allclose(weights.ravel(), [15.0, 5 / 6], rtol=1e-6)
    np.testing.assert_allclose(bias, [(1 - 2) * 5 + 7, (2 - 3) / 6 - 1], rtol=1e-6)


def test_what_was_folded_is_told_with_its_gain(tmp_path: Path) -> None:
    net = read(tmp_path, data(1, 3, 8, 8) + conv_norm("c", "data", 4) + dense("fc", "c", 2))
    found = folds_of(net)
    assert list(found) == ["c"]
    assert found["c"].layers == ("bn_c", "scale_c")
    assert found["c"].gain.dtype == np.float64
    _, variance, factor = net.layer("bn_c").blobs
    expected = net.layer("scale_c").blobs[0] / np.sqrt(variance.astype(np.float64) / factor + 1e-5)
    np.testing.assert_allclose(found["c"].gain, expected, rtol=1e-12)


def test_a_shift_of_the_folded_bias_is_a_shift_of_the_own_one_divided_by_the_gain(tmp_path: Path) -> None:
    text = data(1, 3, 6, 6) + conv("c", "data", 4, relu=False) + layer("BatchNorm", "b", "c", "c") + SCALE
    net = read(tmp_path, text)
    gain = folds_of(net)["c"].gain
    shift = np.array([0.5, -1, 0, 2])
    weights, bias = net.layers[1].blobs
    moved = replace(net.layers[1], blobs=(weights, (bias + shift / gain).astype(np.float32)))
    image = {"data": np.ones((1, 3, 6, 6), np.float32)}
    before = outputs_of(to_openvino(net), image)["c"]
    after = outputs_of(to_openvino(replace(net, layers=(net.layers[0], moved, *net.layers[2:]))), image)["c"]
    np.testing.assert_allclose(after - before, np.broadcast_to(shift[None, :, None, None], after.shape), atol=1e-5)


def test_a_convolution_without_anything_behind_it_keeps_the_very_same_blobs(tmp_path: Path) -> None:
    net = read(tmp_path, data(1, 3, 8, 8) + conv("a", "data", 4) + conv_norm("b", "a", 4))
    assert folded(net).layer("a") is net.layer("a")
    assert folded(net).layer("b") is not net.layer("b")


def test_the_convolution_keeps_its_name_and_takes_the_last_top(tmp_path: Path) -> None:
    text = (
        data(1, 3, 8, 8)
        + conv("c", "data", 4, relu=False)
        + layer("BatchNorm", "b", "c", "b_out")
        + layer("Scale", "s", "b_out", "s_out")
        + layer("ReLU", "r", "s_out", "s_out")
    )
    net = read(tmp_path, text)
    assert [(each.name, each.tops) for each in folded(net).layers] == [("c", ("s_out",)), ("r", ("s_out",))]
    graph = to_openvino(net)
    assert "c" in {op.get_friendly_name() for op in graph.get_ops()}
    assert graph.outputs[0].any_name == "s_out"


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(layer("BatchNorm", "b", "c", "y") + layer("Sigmoid", "z", "c"), id="another reader"),
        pytest.param(layer("ReLU", "r", "c", "c") + layer("BatchNorm", "b", "c", "c"), id="a ReLU between"),
        pytest.param(layer("Scale", "s", "c", "y", scale_param="axis: 2"), id="a scale of another axis"),
        pytest.param(
            layer("Sigmoid", "f", "c") + layer("Scale", "s", "c f", "y", scale_param="axis: 0"), id="a scale by a blob"
        ),
        pytest.param(layer("Power", "p", "c", "y", power_param="power: 2"), id="a square"),
        pytest.param(
            layer("BatchNorm", "b", "c", "y", batch_norm_param="use_global_stats: false"), id="batch statistics"
        ),
        pytest.param(layer("BatchNorm", "b", "c", "y", batch_norm_param="relu: true"), id="a BatchNorm with a ReLU"),
    ],
)
def test_nothing_is_folded_over(rest: str, tmp_path: Path) -> None:
    net = read(tmp_path, data(2, 3, 6, 6) + conv("c", "data", 4, relu=False) + rest)
    assert folds_of(net) == {}
    to_openvino(net)


def test_an_output_that_is_scored_stays_as_it_is(tmp_path: Path) -> None:
    text = (
        data(1, 3)
        + data(1, name="label")
        + dense("fc", "data", 4)
        + layer("Scale", "s", "fc", "scaled")
        + layer("Accuracy", "a", "fc label")
    )
    net = read(tmp_path, text)
    assert folds_of(net) == {}
    assert {port.any_name for port in to_openvino(net).outputs} == {"fc", "scaled"}


CHAINS = {
    "BatchNorm": layer("BatchNorm", "b", "{0}", "{1}"),
    "Scale": layer("Scale", "s", "{0}", "{1}"),
    "Scale with a bias": layer("Scale", "s", "{0}", "{1}", scale_param="bias_term: true"),
    "Scale by one number": layer("Scale", "s", "{0}", "{1}", scale_param="num_axes: 0 bias_term: true"),
    "Bias": layer("Bias", "i", "{0}", "{1}"),
    "Power": layer("Power", "p", "{0}", "{1}", power_param="scale: -1.5 shift: 0.5"),
}
TARGETS = {
    "convolution": conv("c", "data", 4, relu=False),
    "without a bias": conv("c", "data", 4, "kernel_size: 3 pad: 1 bias_term: false", relu=False),
    "grouped": conv("c", "data", 4, "kernel_size: 3 group: 2", relu=False),
    "depthwise": layer("DepthwiseConvolution", "c", "data", convolution_param="num_output: 4 kernel_size: 3 pad: 1"),
    "inner product": dense("c", "data", 5),
    "transposed inner product": layer("InnerProduct", "c", "data", inner_product_param="num_output: 5 transpose: true"),
}


def computed(net: Net, is_folded: bool, image: np.ndarray) -> np.ndarray:
    """The net with and without folding: without, a Sigmoid reads each blob in between as well."""
    graph = to_openvino(net)
    assert len(folds_of(net)) == is_folded
    return outputs_of(graph, {"data": image})["y"]


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=8, deadline=None)
@given(kinds=st.lists(st.sampled_from(sorted(CHAINS)), min_size=1, max_size=4), seed=st.integers(0, 2**31))
def test_a_folded_chain_computes_the_same_as_its_layers(
    target: str, kinds: list[str], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, read_twice, last = data(2, 4, 5, 5) + TARGETS[target], "", "c"
    for number, kind in enumerate(kinds):
        top = "y" if number == len(kinds) - 1 else f"t{number}"
        text += CHAINS[kind].replace("{0}", last).replace("{1}", top).replace('name: "', f'name: "{number}', 1)
        read_twice += layer("Sigmoid", f"z{number}", last)
        last = top
    folder = tmp_path_factory.mktemp("net")
    prototxt, weights = write_net(folder, text, seed=seed)
    image = np.random.default_rng(seed).normal(0, 1, (2, 4, 5, 5)).astype(np.float32)
    one = computed(read_net(prototxt, weights), True, image)
    prototxt.write_text(text + read_twice)
    other = computed(read_net(prototxt, weights), False, image)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * max(1, np.abs(other).max()))


def test_all_of_a_resnet_is_folded(tmp_path: Path) -> None:
    graph = to_openvino(read(tmp_path, RESNET))
    assert {op.get_type_name() for op in graph.get_ops()}.isdisjoint({"Multiply", "BatchNormInference"})

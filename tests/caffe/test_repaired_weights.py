from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_nets import outputs_of, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.folding import folds_of
from calibench.caffe.net import FloatArray, Net
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.quantized_text import with_bias_terms
from calibench.caffe.read_net import read_net
from calibench.caffe.repaired_weights import new_biases, shifted_weights
from calibench.caffe.weights_file import write_weights
from calibench.errors import ModelError

IMAGE = np.random.default_rng(0).normal(0, 1, (1, 2, 6, 6)).astype(np.float32)
SHIFT = np.array([0.5, -2, 30], np.float32)

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 6 dim: 6 } } }\n'
OUTPUTS = "convolution_param { num_output: 3 kernel_size: 3 }"
BIASED = f'layer {{ name: "conv" type: "Convolution" bottom: "data" top: "y" {OUTPUTS} }}\n'
PLAIN = BIASED.replace("num_output: 3", "num_output: 3 bias_term: false")
NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "y" top: "y" }\n'
SCALE = 'layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }\n'
UNBIASED = SCALE.replace("bias_term: true", "")
POWER = 'layer { name: "power" type: "Power" bottom: "y" top: "y" power_param { scale: 0.5 shift: 1 } }\n'
BIAS = 'layer { name: "bias" type: "Bias" bottom: "y" top: "y" }\n'


def read(folder: Path, text: str) -> Net:
    return read_net(*write_net(folder, INPUT + text, seed=4))


def run(net: Net) -> FloatArray:
    return outputs_of(to_openvino(net), {"data": IMAGE})["y"]


def moved(folder: Path, net: Net) -> tuple[FloatArray, set[str]]:
    """How much the output moves with the new files, and the layers that changed."""
    changes = shifted_weights(net, folds_of(net), {"conv": SHIFT})
    assert net.weights is not None
    write_weights(net.weights, folder / "new.caffemodel", changes)
    text = with_bias_terms(read_prototxt(net.path), new_biases(net, changes))
    (folder / "new.prototxt").write_text(text)
    return run(read_net(folder / "new.prototxt", folder / "new.caffemodel")) - run(net), set(changes)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (BIASED, "conv"),
        (PLAIN, "conv"),
        (BIASED + NORM, "bn"),
        (PLAIN + NORM, "bn"),
        (PLAIN + NORM + SCALE, "scale"),
        (PLAIN + NORM + UNBIASED, "bn"),
        (PLAIN + UNBIASED, "conv"),
        (PLAIN + SCALE + POWER, "scale"),
        (BIASED + POWER, "conv"),
        (PLAIN + POWER, "conv"),
        (PLAIN + NORM + BIAS + POWER, "bias"),
    ],
)
def test_the_output_moves_by_the_shift_and_by_nothing_else(tmp_path: Path, text: str, changed: str) -> None:
    difference, layers = moved(tmp_path, read(tmp_path, text))
    assert layers == {changed}
    assert np.allclose(difference, SHIFT.reshape(1, 3, 1, 1), atol=2e-5)


def test_a_bias_of_intels_batch_norm_is_taken_where_there_is_one(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    parts = [random.uniform(1, 2, size).astype(np.float32) for size in (3, 3, 1, 3, 3)]
    weights = [random.normal(0, 1, (3, 2, 3, 3)).astype(np.float32)]
    net = read_net(*write_net(tmp_path, INPUT + PLAIN + NORM, {"conv": weights, "bn": parts}))
    assert set(shifted_weights(net, folds_of(net), {"conv": SHIFT})["bn"]) == {4}
    assert np.allclose(moved(tmp_path, net)[0], SHIFT.reshape(1, 3, 1, 1), atol=2e-5)


def test_an_inner_product_is_shifted_too(tmp_path: Path) -> None:
    fc = 'layer { name: "conv" type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 3 } }\n'
    difference, _ = moved(tmp_path, read(tmp_path, fc))
    assert np.allclose(difference, SHIFT, atol=2e-5)


def gain_of_zero(folder: Path) -> Net:
    """A Scale without bias that multiplies channel 1 by 0, behind a convolution with bias."""
    random = np.random.default_rng(3)
    weights = [random.normal(0, 1, shape).astype(np.float32) for shape in ((3, 2, 3, 3), (3,))]
    gain = np.array([2, 0, 1], np.float32)
    return read_net(*write_net(folder, INPUT + BIASED + UNBIASED, {"conv": weights, "scale": [gain]}))


def test_a_channel_that_is_multiplied_by_0_cannot_be_shifted_in_front_of_that(tmp_path: Path) -> None:
    net = gain_of_zero(tmp_path)
    with pytest.raises(ModelError, match=r"layer conv: its output cannot be shifted .* multiplies a channel by 0"):
        shifted_weights(net, folds_of(net), {"conv": SHIFT})


def test_such_a_channel_does_no_harm_if_it_is_not_shifted(tmp_path: Path) -> None:
    net = gain_of_zero(tmp_path)
    found = shifted_weights(net, folds_of(net), {"conv": SHIFT * np.array([1, 0, 1], np.float32)})
    assert np.allclose(found["conv"][1] - net.layer("conv").blobs[1], [0.25, 0, 30])


@given(st.lists(st.floats(-8, 8, width=32), min_size=3, max_size=3))
def test_a_shift_back_gives_the_blobs_that_were_there(
    tmp_path_factory: pytest.TempPathFactory, shift: list[float]
) -> None:
    net = read(tmp_path_factory.mktemp("net"), BIASED)
    there = np.array(shift, np.float32)
    changed = shifted_weights(net, {}, {"conv": there})["conv"][1]
    assert np.allclose(changed - there, net.layer("conv").blobs[1], atol=1e-6)

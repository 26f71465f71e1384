"""Quantized prototxts built as Intel's published ones are: read, converted, and run in INT8 throughout."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from quantized_nets import NETS, written
from region_nets import HEIGHT, WIDTH, write_region_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.quantized_text import with_scales
from calibench.caffe.read_net import read_net
from calibench.caffe.scales import LayerScales
from calibench.caffe.stored_scales import stored_scales
from calibench.inference.profile import profile

LEAST_DB = 20.0
"""Signal over noise of an output in INT8: weights at random, 6 bits of them."""


def decibel(exact: np.ndarray, found: np.ndarray) -> float:
    return float(10 * np.log10(np.square(exact).mean() / np.square(exact - found).mean()))


@pytest.mark.parametrize("per_channel", [True, False], ids=["multiple", "single"])
@pytest.mark.parametrize("name", NETS)
def test_a_quantized_prototxt_gives_the_int8_network(name: str, per_channel: bool, tmp_path: Path) -> None:
    files = written(tmp_path, NETS[name](), per_channel=per_channel)
    net = read_net(files.prototxt, files.weights)
    stored = stored_scales(net)
    assert stored.notes == () and stored.layers.keys() == files.scales.keys()
    for layer, scales in files.scales.items():
        assert stored.layers[layer].scale_in == scales.scale_in
        np.testing.assert_array_equal(stored.layers[layer].scale_params, scales.scale_params)
    int8 = apply_scales(to_openvino(net), stored.layers)
    found = ov.Core().compile_model(int8, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(files.image)
    for number, port in enumerate(int8.outputs):
        assert decibel(files.exact[port.any_name], found[number]) > LEAST_DB, port.any_name


@pytest.mark.parametrize("name", NETS)
def test_every_layer_with_scales_runs_in_int8(name: str, tmp_path: Path) -> None:
    files = written(tmp_path, NETS[name]())
    net = read_net(files.prototxt, files.weights)
    int8 = apply_scales(to_openvino(net), files.scales)
    times = profile(int8, {"data": files.image}, precision="f32", threads=1, runs=1)
    weighted = [time for time in times if time.type in ("Convolution", "FullyConnected")]
    assert len(weighted) == len(files.scales)
    assert [time.name for time in weighted if not time.exec_type.endswith("I8")] == []


def test_a_network_with_proposals_runs_in_int8_up_to_them(tmp_path: Path) -> None:
    """As R-FCN and Faster R-CNN: one scale a layer, heads that end in float, inner products without scales."""
    prototxt, weights = write_region_net(tmp_path)
    one = np.array([100], np.float32)
    scales = {
        "conv1": LayerScales(1.0, True, one, 40.0, 8),
        "conv2": LayerScales(40.0, False, one, 40.0, 8),
        **{name: LayerScales(40.0, False, one) for name in ("score", "offset", "parts")},
    }
    quantized = tmp_path / "regions_quantized.prototxt"
    quantized.write_text(with_scales(read_prototxt(prototxt), scales).text)
    net = read_net(quantized, weights)
    int8 = apply_scales(to_openvino(net), stored_scales(net).layers)
    sample = {
        "data": np.random.default_rng(0).normal(0, 50, (1, 3, HEIGHT, WIDTH)).astype(np.float32),
        "im_info": np.array([[HEIGHT, WIDTH, 1]], np.float32),
    }
    times = profile(int8, sample, precision="f32", threads=1, runs=1)
    kinds = {time.name: time.exec_type for time in times if time.type in ("Convolution", "FullyConnected")}
    assert {name for name, kind in kinds.items() if kind.endswith("I8")} == set(scales)
    found = ov.Core().compile_model(int8, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(sample)
    assert all(np.isfinite(value).all() for value in found.values())

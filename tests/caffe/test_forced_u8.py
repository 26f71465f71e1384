from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_nets import outputs_of, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.forced_u8 import Forced, forced_u8, mean_bytes, write_forced
from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.net import FloatArray, Net
from calibench.caffe.prototxt import parse, read_prototxt
from calibench.caffe.quantized_text import with_scales
from calibench.caffe.read_net import read_net
from calibench.caffe.scales import LayerScales
from calibench.caffe.stored_scales import stored_scales
from calibench.caffe.weights_file import read_mean
from calibench.datasets.caffe.find_path import Place
from calibench.datasets.caffe.transform import read_transform, transformed
from calibench.errors import ModelError

NET = """\
# bytes straight into the first convolution
layer {{
  name: "data" type: "{data}" top: "data" top: "label"
  transform_param {{
    {transform}
  }}
  image_data_param {{ source: "list.txt" batch_size: 1 new_height: 10 new_width: 12 is_color: {color} }}
}}
layer {{
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param {{
    num_output: 4 {pads}
    kernel_size: 3 {more}
  }}
}}
{behind}
layer {{ name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }}
layer {{
  name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" convolution_param {{ num_output: 3 kernel_size: 1 }}
}}
"""
NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "conv1" top: "conv1" }'
MEANS = "scale: 0.0078125 mean_value: 104 mean_value: 117 mean_value: 123"


def write(
    folder: Path, transform: str = MEANS, pads: str = "pad: 1", more: str = "", behind: str = "", **other: str
) -> Net:
    fields = {"data": "ImageData", "color": "true"} | other
    text = NET.format(transform=transform, pads=pads, more=more, behind=behind, **fields)
    channels = 1 if fields["color"] == "false" else 3
    return read_net(*write_net(folder, text, seed=6, inputs={"data": (1, channels, 10, 12), "label": (1,)}))


def made_scales(net: Net, signed: bool = True, limit: float = 63.0) -> dict[str, LayerScales]:
    """By the weights of the graph; ranges that a picture fits into."""
    found = {}
    for op in to_openvino(net).get_ops():
        if op.get_type_name() == "Convolution":
            weights = op.input_value(1).get_node().data
            params = (limit / np.abs(weights).max((1, 2, 3))).astype(np.float32)
            first = op.get_friendly_name() == "conv1"
            scale = np.float32(107.6556 if first else 41.0)
            found[op.get_friendly_name()] = LayerScales(float(scale), signed and first, params)
    return found


def picture(channels: int = 3, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (10, 12, channels), np.uint8)


def blob(net: Net, image: Any) -> FloatArray:
    layer = net.layer("data")
    return transformed(image, read_transform(layer.params.transform_param, Place(net.path, "data", layer.line)))


def int8_of(net: Net) -> ov.Model:
    return apply_scales(to_openvino(net), stored_scales(net).layers)


def run(net: Net, image: Any) -> FloatArray:
    return outputs_of(int8_of(net), {"data": blob(net, image)})["conv2"]


def both(folder: Path, net: Net, own: dict[str, LayerScales], is_halved: bool = False) -> tuple[Net, Net, Forced]:
    """The quantized net, and the one of -fu: written and read back."""
    quantized, new = folder / "net_quantized.prototxt", folder / "net_quantized_force_u8.prototxt"
    quantized.write_text(with_scales(read_prototxt(net.path), own).text)
    assert net.weights is not None
    plain = read_net(quantized, net.weights)
    forced = forced_u8(read_prototxt(quantized), plain, own, is_halved)
    write_forced(forced, net.weights, new, folder / "net_new.caffemodel")
    return plain, read_net(new, folder / "net_new.caffemodel"), forced


CASES = {
    "three means and a border": {},
    "no border": {"pads": ""},
    "a border for each axis": {"pads": "pad_h: 2 pad_w: 2"},
    "one mean": {"transform": "scale: 0.0078125 mean_value: 120"},
    "no mean": {"transform": "scale: 0.0045"},
    "a crop": {"transform": MEANS + " crop_size: 7"},
    "grey": {"color": "false", "transform": "scale: 0.0078125 mean_value: 120"},
    "no bias": {"more": "bias_term: false"},
    "folded norm": {"more": "bias_term: false", "behind": NORM},
    "strides": {"more": "stride: 2"},
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_the_int8_net_gives_the_same_results_at_the_border_too(tmp_path: Path, case: dict[str, str]) -> None:
    net = write(tmp_path, **case)
    plain, forced, _ = both(tmp_path, net, made_scales(net))
    image = picture(1 if case.get("color") else 3)
    expected, found = run(plain, image), run(forced, image)
    assert expected.std() > 0.01
    assert np.allclose(found, expected, atol=2e-4)


def test_weights_of_seven_bits_give_the_results_of_such_weights(tmp_path: Path) -> None:
    net = write(tmp_path)
    own = made_scales(net, limit=126.0)
    _, forced, _ = both(tmp_path, net, own, is_halved=True)
    halved = own | {"conv1": replace(own["conv1"], scale_params=own["conv1"].scale_params / 2)}
    plain, _, _ = both(tmp_path, net, halved)
    assert np.allclose(stored_scales(forced).layers["conv1"].scale_params, own["conv1"].scale_params / 2)
    assert np.allclose(run(forced, picture()), run(plain, picture()), atol=2e-4)


@given(
    seed=st.integers(0, 2**16),
    scale=st.floats(2.0**-9, 2.0**-5, width=32),
    means=st.lists(st.integers(0, 255), max_size=1),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_blob_holds_the_rounded_integers_moved_by_128(
    tmp_path: Path, seed: int, scale: float, means: list[int]
) -> None:
    net = write(tmp_path, f"scale: {scale} " + " ".join(f"mean_value: {mean}" for mean in means))
    own = made_scales(net)
    plain, forced, _ = both(tmp_path, net, own)
    before, after = blob(plain, picture(seed=seed)), blob(forced, picture(seed=seed))
    assert (after[:, :, 0] == 128).all() and (after[:, :, :, -1] == 128).all()
    assert np.allclose(after[:, :, 1:-1, 1:-1], before * own["conv1"].scale_in + 128, rtol=1e-5, atol=1e-3)


def test_the_prototxt_has_the_fields_of_intel(tmp_path: Path) -> None:
    net = write(tmp_path, pads="pad: 3")
    _, _, forced = both(tmp_path, net, made_scales(net))
    params = parse(forced.text, Path("net.prototxt")).message.layer[0].transform_param
    assert params.scale == pytest.approx(0.84106, abs=1e-5) and params.pad == 3
    assert list(params.mean_value) == pytest.approx([-48.189, -35.189, -29.189], abs=1e-3)
    first = parse(forced.text, Path("net.prototxt")).message.layer[1]
    assert list(first.convolution_param.pad) == [0]
    assert first.quantization_param.force_u8_input and not first.quantization_param.is_negative_input
    assert forced.text.startswith("# bytes straight into the first convolution\n")


def test_a_mean_image_is_moved_as_a_whole(tmp_path: Path) -> None:
    mean = np.random.default_rng(1).uniform(90, 150, (3, 10, 12)).astype(np.float32)
    (tmp_path / "mean.binaryproto").write_bytes(mean_bytes(mean))
    net = write(tmp_path, 'scale: 0.0078125 crop_size: 8 mean_file: "mean.binaryproto"')
    plain, new, forced = both(tmp_path, net, made_scales(net))
    assert list(forced.means) == ["mean_force_u8.binaryproto"]
    assert np.allclose(
        read_mean(tmp_path / "mean_force_u8.binaryproto"), mean - 128 / (0.0078125 * 107.6556), atol=1e-3
    )
    assert np.allclose(run(new, picture()), run(plain, picture()), atol=0.02)


def test_a_mean_image_that_is_not_there(tmp_path: Path) -> None:
    net = write(tmp_path, 'mean_file: "lost.binaryproto"')
    with pytest.raises(ModelError, match=r"there is no lost\.binaryproto\. Put it in its place"):
        both(tmp_path, net, made_scales(net))


def test_a_data_layer_without_transform_param_gets_one(tmp_path: Path) -> None:
    net = write(tmp_path)
    text = net.path.read_text()
    start = text.index("  transform_param")
    net.path.write_text(text[:start] + text[text.index("  image_data_param") :])
    assert net.weights is not None
    bare = read_net(net.path, net.weights)
    own = made_scales(bare)
    own["conv1"] = replace(own["conv1"], scale_in=float(np.float32(127 / 255)))
    plain, new, _ = both(tmp_path, bare, own)
    assert np.allclose(run(new, picture()), run(plain, picture()), atol=0.05 * run(plain, picture()).std())


def test_prior_boxes_keep_the_size_of_the_image(tmp_path: Path) -> None:
    prior = """layer { name: "prior" type: "PriorBox" bottom: "conv1" bottom: "data" top: "prior"
      prior_box_param { min_size: 4 } }"""
    net = write(tmp_path, behind=prior)
    plain, new, forced = both(tmp_path, net, made_scales(net))
    priors = [outputs_of(int8_of(each), {"data": blob(each, picture())})["prior"] for each in (plain, new)]
    assert np.array_equal(*priors)
    assert "img_h: 10 img_w: 12" in forced.text


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"pads": "pad_h: 1 pad_w: 0"}, "line 9: layer 'conv1': pads rows and columns differently"),
        ({"transform": "pad: 2"}, "line 2: layer 'data': its transform_param has a pad already"),
        (
            {"behind": 'layer { name: "other" type: "Power" bottom: "data" top: "other" }'},
            "layer 'other': reads the images too, which -fu changes for layer 'conv1' only",
        ),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, case: dict[str, str], message: str) -> None:
    net = write(tmp_path, **case)
    with pytest.raises(ModelError, match=message):
        both(tmp_path, net, made_scales(net))


def test_a_first_convolution_without_scales_or_with_unsigned_ones(tmp_path: Path) -> None:
    net = write(tmp_path)
    own = made_scales(net)
    with pytest.raises(ModelError, match=r"it has no scales\. Use -1st too"):
        both(tmp_path, net, {"conv2": own["conv2"]})
    with pytest.raises(ModelError, match="the input is unsigned already"):
        both(tmp_path, net, made_scales(net, signed=False))


def test_a_net_without_a_data_layer(tmp_path: Path) -> None:
    text = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
    layer {
      name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 2 kernel_size: 1 }
    }"""
    net = read_net(*write_net(tmp_path, text))
    with pytest.raises(ModelError, match=r"but it reads a layer of type Input\. Put a layer of type Data, ImageData"):
        both(tmp_path, net, made_scales(net))


def test_a_net_without_a_convolution(tmp_path: Path) -> None:
    text = """input: "data" input_shape { dim: 1 dim: 3 }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }"""
    net = read_net(*write_net(tmp_path, text))
    with pytest.raises(ModelError, match="-fu needs a convolution, but the net has none"):
        both(tmp_path, net, made_scales(net))

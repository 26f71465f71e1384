from pathlib import Path

import pytest

from calibench.caffe.net import Layer, Net
from calibench.caffe.prototxt import parse
from calibench.caffe.stored_scales import stored_scales
from calibench.errors import ModelError

CONVOLUTION = """\
layer {{
  name: "conv1" type: "{type}" bottom: "data" top: "conv1"
  {outputs} {{ num_output: 3 {kernel} }}
  quantization_param {{
    {fields}
  }}
}}
"""

# Every field of Intel's message, in the order of its files, and those that only older ones have.
ALL_FIELDS = """\
precision: DYNAMIC_FIXED_POINT rounding_scheme: NEAREST
bw_layer_in: 8 bw_layer_out: 8 bw_params: 8
fl_layer_in: 4 fl_layer_out: 3 fl_params: 7
scale_in: 107.655601501 scale_out: 36.3120002747
scale_params: 1629.95996094 scale_params: 0.0 scale_params: 15373719552.0
is_negative_input: true force_u8_input: false
"""


def net(fields: str, kind: str = "Convolution") -> Net:
    is_product = kind == "InnerProduct"
    outputs, kernel = ("inner_product_param", "") if is_product else ("convolution_param", "kernel_size: 1")
    text = CONVOLUTION.format(type=kind, outputs=outputs, kernel=kernel, fields=fields.strip())
    message = parse(text, Path("net.prototxt")).message
    layers = tuple(Layer(each.name, each.type, ("data",), ("conv1",), each, (), 7) for each in message.layer)
    return Net("net", layers, {}, Path("net.prototxt"), None)


def test_every_field_is_read() -> None:
    found = stored_scales(net(ALL_FIELDS)).layers["conv1"]
    assert (found.scale_in, found.scale_out) == (pytest.approx(107.6556), pytest.approx(36.312))
    assert found.scale_params.tolist() == pytest.approx([1629.96, 0, 15373719552])
    assert (found.is_signed_in, found.out_bits, found.force_u8_input) == (True, 8, False)


def test_fixed_point_is_left_aside_with_a_reason() -> None:
    notes = stored_scales(net(ALL_FIELDS)).notes
    assert notes == ("line 7, layer conv1: fl_layer_in, fl_layer_out, fl_params left aside: the scales say it all.",)


def test_an_inner_product_that_leaves_as_float() -> None:
    fields = "bw_layer_in: 8 bw_layer_out: 32 bw_params: 8 scale_in: 13.447 scale_out: 1.0 scale_params: 100"
    found = stored_scales(net(fields, "InnerProduct")).layers["conv1"]
    assert (found.out_bits, found.scale_out, found.is_signed_in) == (32, 1.0, False)
    assert found.scale_params.tolist() == [100]


def test_an_input_that_is_forced_is_not_signed() -> None:
    fields = "bw_layer_in: 8 bw_layer_out: 32 bw_params: 8 scale_in: 13 scale_params: 100 force_u8_input: true"
    found = stored_scales(net(fields + " is_negative_input: true")).layers["conv1"]
    assert found.force_u8_input and not found.is_signed_in


@pytest.mark.parametrize("fields", ["", "bw_layer_in: 8 bw_layer_out: 8", "bw_params: 8"])
def test_a_layer_of_which_one_width_is_32_runs_in_float(fields: str) -> None:
    assert stored_scales(net(fields)).layers == {} and stored_scales(net(fields)).notes == ()


def test_scales_of_a_layer_in_float_are_left_aside_with_a_reason() -> None:
    notes = stored_scales(net("bw_layer_in: 8 bw_params: 32 scale_in: 3 scale_params: 1")).notes
    assert notes == ("line 7, layer conv1: its scales are left aside: bw_params is 32, so that it runs in float.",)


def test_a_layer_of_another_type_runs_in_float_and_a_note_says_so() -> None:
    found = stored_scales(net(ALL_FIELDS, "Deconvolution"))
    assert found.layers == {}
    assert found.notes == (
        "line 7, layer conv1: its scales are left aside: a layer of type Deconvolution runs in float.",
    )


BYTES = "bw_layer_in: 8 bw_layer_out: 8 bw_params: 8 "


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("scale_out: 1 scale_params: 1", "quantization_param has no scale_in."),
        (
            "fl_layer_in: 3 fl_params: 2",
            "quantization_param has no scale_in. Its fl_layer_in and fl_params are fixed point of Ristretto, "
            "which is not read.",
        ),
        ("scale_in: 1 scale_params: 1", "quantization_param has no scale_out."),
        ("scale_in: 1 scale_out: 1", "quantization_param has no scale_params."),
        (
            "scale_in: 1 scale_out: 1 scale_params: 1 scale_params: 2",
            "scale_params has 2 values, but the layer needs 3, one for each output channel, or one for all.",
        ),
        (
            "scale_in: 1 scale_in: 2 scale_out: 1 scale_params: 1",
            "scale_in has 2 values, but the layer needs one.",
        ),
        (
            "scale_in: 0 scale_out: 1 scale_params: 1",
            "scale_in is 0, but a scale is 255 or 127 divided by the largest value.",
        ),
        (
            "scale_in: inf scale_out: 1 scale_params: 1",
            "scale_in holds inf, but a scale is a finite number that is not negative.",
        ),
        (
            "scale_in: 1 scale_out: 1 scale_params: -4",
            "scale_params holds -4.0, but a scale is a finite number that is not negative.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_layer(fields: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        stored_scales(net(BYTES + fields))
    assert str(caught.value) == f"net.prototxt: line 7, layer conv1: {message}"


def test_a_width_that_is_none() -> None:
    with pytest.raises(ModelError, match=r"bw_params is 4, but 8 \(INT8\) or 32 \(float\) is possible"):
        stored_scales(net("bw_params: 4"))

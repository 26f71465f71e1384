from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.caffe.net import Layer, Net
from calibench.caffe.prototxt import Prototxt, parse
from calibench.caffe.quantized_text import with_scales
from calibench.caffe.scale_text import float_text
from calibench.caffe.scales import LayerScales
from calibench.caffe.stored_scales import stored_scales
from calibench.errors import ModelError

NET = """\
# a small net
name: "small"   # its name
layer {
    name: "conv1"
    type: "Convolution"  # the first
    bottom: "data"
    top: "conv1"
    my_own_field { answer: 42 }
    convolution_param {
        num_output: 2
        kernel_size: 3
    }
    # nothing behind here
}

layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "c2" convolution_param { num_output: 1 kernel_size: 1 }}
layer {
  name: "fc"
  type: "InnerProduct"
  bottom: "c2" top: "fc"
  quantization_param {
    bw_layer_in: 8 # eight
    bw_params: 8
    scale_in: 3
    scale_params: 2
  }
  inner_product_param { num_output: 3 }
}
"""

SIGNED = LayerScales(107.6556, True, np.array([1629.96, 0], np.float32), 36.312, 8)
PLAIN = LayerScales(36.312, False, np.array([12.5], np.float32))


def parsed(text: str) -> Prototxt:
    return parse(text, Path("net.prototxt"))


def net_of(text: str) -> Net:
    layers = tuple(
        Layer(each.name, each.type, tuple(each.bottom), tuple(each.top), each) for each in parsed(text).message.layer
    )
    return Net("small", layers, {}, Path("net.prototxt"), None)


def test_a_layer_gets_the_fields_of_intel_in_its_own_indentation() -> None:
    written = with_scales(parsed(NET), {"conv1": SIGNED}).text
    block = written[written.index("    # nothing behind here") : written.index('layer { name: "relu1"')]
    assert block == (
        "    # nothing behind here\n"
        "    quantization_param {\n"
        "        bw_layer_in: 8\n"
        "        bw_layer_out: 8\n"
        "        bw_params: 8\n"
        "        scale_in: 107.6556\n"
        "        scale_out: 36.312\n"
        "        scale_params: 1629.96\n"
        "        scale_params: 0.0\n"
        "        is_negative_input: true\n"
        "    }\n"
        "}\n\n"
    )


def test_a_layer_on_one_line_stays_on_it() -> None:
    written = with_scales(parsed(NET), {"conv2": PLAIN}).text
    line = next(line for line in written.splitlines() if '"conv2"' in line and "Convolution" in line)
    assert line.endswith(
        "convolution_param { num_output: 1 kernel_size: 1 } quantization_param { bw_layer_in: 8 bw_layer_out: 32 "
        "bw_params: 8 scale_in: 36.312 scale_out: 1.0 scale_params: 12.5 } }"
    )


def test_what_is_there_is_replaced_in_its_place() -> None:
    written = with_scales(parsed(NET), {"fc": PLAIN}).text
    assert written.count("quantization_param") == 1
    assert '  bottom: "c2" top: "fc"\n  quantization_param {\n    bw_layer_in: 8\n    bw_layer_out: 32\n' in written
    assert "    scale_params: 12.5\n  }\n  inner_product_param { num_output: 3 }\n}\n" in written


def test_scales_of_a_layer_that_runs_in_float_are_taken_out() -> None:
    written = with_scales(parsed(NET), {}).text
    removed = NET[NET.index("  quantization_param") : NET.index("  inner_product_param")]
    assert written == NET.replace(removed, "")


def test_the_rest_stays_byte_by_byte() -> None:
    written = with_scales(parsed(NET), {"conv1": SIGNED, "conv2": PLAIN, "fc": PLAIN}).text
    assert with_scales(parsed(written), {}).text == NET.replace(
        NET[NET.index("  quantization_param") : NET.index("  inner_product_param")], ""
    ).replace("}}\n", "} }\n")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_stay(mark: str) -> None:
    text = mark + NET.replace("\n", "\r\n")
    written = with_scales(parsed(text), {"conv1": SIGNED, "fc": PLAIN}).text
    assert written.startswith(mark + "# a small net\r\n")
    assert written.count("\n") == written.count("\r\n")
    assert stored_scales(net_of(written)).layers.keys() == {"conv1", "fc"}


def test_a_closing_brace_behind_a_field_and_tabs() -> None:
    text = 'layer {\n\tname: "a"\n\ttype: "InnerProduct"\n\tinner_product_param { num_output: 1 } }\nlayer {\n}\n'
    written = with_scales(parsed(text), {"a": PLAIN}).text
    assert "} \n\tquantization_param {\n\t\tbw_layer_in: 8\n" in written and written.endswith("\t}\n}\nlayer {\n}\n")
    assert with_scales(parsed(written), {"a": PLAIN}).text == written


def test_a_separator_goes_with_the_field() -> None:
    text = 'layer { name: "a", quantization_param { bw_params: 8 } , type: "ReLU" }'
    assert with_scales(parsed(text), {}).text == 'layer { name: "a", type: "ReLU" }'


def test_an_unknown_layer() -> None:
    with pytest.raises(ModelError, match=r"net\.prototxt: there are scales for layer conv9, .* no such layer"):
        with_scales(parsed(NET), {"conv9": PLAIN})


LARGEST = float(np.finfo(np.float32).max)
positive = st.floats(2.0**-100, LARGEST, width=32, allow_subnormal=False)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_to_the_same_bits(value: float) -> None:
    assert np.float32(float(float_text(value))).tobytes() == np.float32(value).tobytes()


@given(
    scale_in=positive, scale_out=positive, params=st.lists(st.floats(0, LARGEST, width=32), min_size=2, max_size=2),
    signed=st.booleans(), is_bytes=st.booleans(), forced=st.booleans(), crlf=st.booleans(),
)  # fmt: skip
def test_scales_come_back_to_the_last_bit(
    scale_in: float, scale_out: float, params: list[float], signed: bool, is_bytes: bool, forced: bool, crlf: bool
) -> None:
    own = LayerScales(
        scale_in,
        signed and not forced,
        np.array(params, np.float32),
        scale_out if is_bytes else 1.0,
        8 if is_bytes else 32,
        forced,
    )
    text = NET.replace("\n", "\r\n") if crlf else NET
    back = stored_scales(net_of(with_scales(parsed(text), {"conv1": own, "fc": PLAIN}).text)).layers
    assert list(back) == ["conv1", "fc"]
    assert same(back["conv1"], own) and same(back["fc"], PLAIN)


def same(left: LayerScales, right: LayerScales) -> bool:
    numbers = [(each.scale_in, each.scale_out, *each.scale_params.tolist()) for each in (left, right)]
    flags = [(each.is_signed_in, each.out_bits, each.force_u8_input) for each in (left, right)]
    return np.array_equal(*(np.array(each, np.float32) for each in numbers)) and flags[0] == flags[1]


OLDER = """\
# an older file
name: "older"
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
mine: 1
layers {
  name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
  blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 2 kernel_size: 3 }
}
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
"""


def test_an_older_layout_is_written_anew() -> None:
    written = with_scales(parsed(OLDER), {"conv1": SIGNED})
    again = parsed(written.text)
    assert [layer.key for layer in again.layers] == ["layer", "layer"]
    assert list(again.message.input_dim) == [1, 3, 8, 8]
    assert [param.lr_mult for param in again.message.layer[0].param] == [1, 2]
    assert same(stored_scales(net_of(written.text)).layers["conv1"], SIGNED)
    assert written.notes == (
        "net.prototxt was written anew in the present layout, since the older one (layers) holds no scales. "
        "Lost: comments, the unknown field mine of line 4.",
    )


def test_a_file_of_both_layouts() -> None:
    with pytest.raises(ModelError, match=r"net\.prototxt: .*cannot be mixed"):
        with_scales(parsed(OLDER + 'layer { name: "fc" type: "InnerProduct" }'), {"conv1": SIGNED})

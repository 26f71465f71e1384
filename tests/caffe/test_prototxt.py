import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from random_messages import messages

from calibench.caffe.prototxt import encode_text, parse, read_prototxt, read_text
from calibench.caffe.schema import choice, message
from calibench.errors import ModelError
from counted_calls import calls

FILE = Path("net.prototxt")

NET = """name: "small"  # a comment
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data" top: "conv1"
  convolution_param { num_output: 8 pad: 1 pad: 2; kernel_size: [3, 3], bias_term: false
    weight_filler < type: 'xavier' > }
}
layer: { name: "pool" type: "Pooling" pooling_param { pool: AVE global_pooling: t } }
"""


def test_a_net_is_read() -> None:
    net = parse(NET, FILE)
    conv, pool = net.message.layer
    assert (net.message.name, conv.name, conv.type, list(conv.bottom)) == ("small", "conv1", "Convolution", ["data"])
    assert list(conv.convolution_param.pad) == [1, 2]
    assert list(conv.convolution_param.kernel_size) == [3, 3]
    assert not conv.convolution_param.bias_term
    assert conv.convolution_param.weight_filler.type == "xavier"
    assert choice(pool.pooling_param, "pool") == "AVE"
    assert pool.pooling_param.global_pooling
    assert net.unknown == ()


def test_blocks_of_layers_know_where_they_stand() -> None:
    net = parse(NET, FILE)
    conv, pool = net.layers
    assert (conv.name, conv.type, conv.line, conv.number) == ("conv1", "Convolution", 2, 0)
    assert (pool.name, pool.type, pool.line, pool.number) == ("pool", "Pooling", 9, 1)
    assert net.text[conv.start : conv.end].startswith("layer {")
    assert net.text[conv.end - 1] == net.text[conv.close] == "}"
    assert net.text[conv.inside : conv.inside + 8] == "\n  name:"
    top = conv.field("top")
    assert top is not None
    assert net.text[top.start : top.end] == 'top: "conv1"'
    assert conv.field("relu_param") is None


def test_blocks_of_the_older_layouts_are_found_too() -> None:
    net = parse('layers { name: "a" type: RELU }\nlayers { layer { name: "b" type: "conv" } bottom: "a" }', FILE)
    assert [(one.name, one.type, one.key) for one in net.layers] == [("a", "RELU", "layers"), ("b", "conv", "layers")]


def test_a_list_of_layers_is_a_block_each() -> None:
    net = parse('layer: [{ name: "a" }, { name: "b" }]', FILE)
    assert [one.name for one in net.layers] == ["a", "b"]
    assert net.text[net.layers[1].start : net.layers[1].end] == '{ name: "b" }'


def test_fields_that_are_not_known_are_listed_and_stay_in_the_text() -> None:
    text = 'layer {\n  name: "a"\n  future_param { x: 1 y { z: "w" } }\n  relu_param { slope2: 3 }\n}\nmore: [1, 2]'
    net = parse(text, FILE)
    assert net.unknown == (("future_param", 3), ("slope2", 4), ("more", 6))
    assert net.text == text
    assert net.layers[0].field("future_param") is not None


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("FillerParameter", "value: 1.5f", 1.5),
        ("FillerParameter", "value: 1e-3", 0.001),
        ("FillerParameter", "value: .5", 0.5),
        ("FillerParameter", "value: 5.", 5.0),
        ("FillerParameter", "value: 7", 7.0),
        ("FillerParameter", "value: 0x10", 16.0),
        ("FillerParameter", "value: -inf", -math.inf),
        ("FillerParameter", "value: Infinity", math.inf),
        ("FillerParameter", "value: - 2", -2.0),
    ],
)
def test_numbers_are_read_in_all_forms(kind: str, text: str, expected: float) -> None:
    assert parse(text, FILE, kind).message.value == pytest.approx(expected)


def test_whole_numbers_are_read_in_all_forms() -> None:
    read = parse("item { label: 010 } item { label: 0x1F } item { label: -3 } item { label: 0 }", FILE, "LabelMap")
    assert [item.label for item in read.message.item] == [8, 31, -3, 0]


def test_nan_is_a_number() -> None:
    assert math.isnan(parse("value: nan", FILE, "FillerParameter").message.value)


@pytest.mark.parametrize("text", ["true", "True", "t", "1"])
def test_truth_has_several_names(text: str) -> None:
    assert parse(f"mirror: {text}", FILE, "TransformationParameter").message.mirror is True


def test_escapes_in_strings_are_resolved() -> None:
    text = r'''name: "a\n\t\"\\\101\x41\u00e9\U0001F600" 'b"' display_name: "\303\251"'''
    item = parse(text, FILE, "LabelMapItem").message
    assert item.name == 'a\n\t"\\AAé😀b"'
    assert item.display_name == "é"


def test_bytes_need_be_no_text() -> None:
    assert parse(r'data: "\377\0a"', FILE, "Datum").message.data == b"\xff\x00a"


def test_an_enum_may_be_a_number() -> None:
    assert choice(parse("pool: 1", FILE, "PoolingParameter").message, "pool") == "AVE"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "layer {\n  pooling_param { pool: AVG } }",
            "line 2, column 25: expected MAX or AVE or STOCHASTIC for 'pool', found 'AVG'.",
        ),
        ("name: small", "line 1, column 7: expected a string in quotes for 'name', found 'small'."),
        ("input_dim: 1.5", "line 1, column 12: expected a whole number for 'input_dim', found '1.5'."),
        ('input_dim: "1"', "line 1, column 12: expected a whole number for 'input_dim', found \"1\"."),
        ("input_dim: 4294967296", "line 1, column 12: expected a whole number from -2147483648 to 2147483647"),
        ("bn_stats_batch_size: -1", "line 1, column 22: expected a whole number from 0 to 4294967295"),
        ("force_backward: yes", "line 1, column 17: expected true or false for 'force_backward', found 'yes'."),
        ("layer { loss_weight: x }", "line 1, column 22: expected a number for 'loss_weight', found 'x'."),
        ("layer { loss_weight { a: 1 } }", "line 1, column 21: expected a value for 'loss_weight', found '{'."),
        ("layer: 3", "line 1, column 8: expected '{' after 'layer', found '3'."),
        ('name: "a"\nname: "b"', "line 2, column 1: 'name' can be given once only."),
        ('name: ["a", "b"]', "line 1, column 1: 'name' can be given once only."),
        (r'name: "\q"', "line 1, column 7: expected a string whose '\\' begins an escape such as '\\n' for 'name'"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        parse(text, FILE)
    assert str(error.value).startswith(f"net.prototxt: {message}")


@settings(max_examples=150, deadline=None)
@given(net=messages(), as_utf8=st.booleans(), short=st.booleans())
def test_what_protobuf_writes_is_read_as_the_same_message(net: Any, as_utf8: bool, short: bool) -> None:
    text = text_format.MessageToString(
        net, as_utf8=as_utf8, as_one_line=short, use_short_repeated_primitives=short, pointy_brackets=as_utf8
    )
    read = parse(text, FILE)
    assert text_format.Parse(text, message("NetParameter")()) == read.message
    assert read.unknown == ()


@settings(max_examples=100, deadline=None)
@given(net=messages())
def test_each_block_read_alone_is_the_same_layer(net: Any) -> None:
    read = parse(text_format.MessageToString(net), FILE)
    for block in read.layers:
        alone = parse(read.text[block.start : block.end], FILE)
        (layer,) = getattr(alone.message, block.key)
        same_key = [one for one in read.layers if one.key == block.key]
        assert layer == getattr(read.message, block.key)[same_key.index(block)]
        for field in block.fields:
            assert read.text[field.start : field.end].startswith(field.name)


def test_line_ends_mark_and_stray_bytes_survive(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfname: "net" # \xe9t\xe9\r\nlayer { name: "a\xff" }\r\n'
    file = tmp_path / "net.prototxt"
    file.write_bytes(data)
    net = read_prototxt(file)
    assert encode_text(net.text) == data
    assert net.message.name == "net"
    assert net.message.layer[0].name == "a\ufffd"
    assert net.layers[0].line == 2


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "net.prototxt"
    file.write_bytes(b"\x0a\x03abc\x00\x01")
    with pytest.raises(ModelError, match="is no text, so it is no prototxt"):
        read_text(file)
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_text(tmp_path / "absent.prototxt")


def test_a_file_twice_as_long_is_twice_the_work() -> None:
    block = NET.split("\n", 1)[1]
    short, long = ("\n".join([block] * count) for count in (100, 200))
    assert len(parse(long, FILE).layers) == 400
    assert calls(lambda: parse(long, FILE).layers) < 2.2 * calls(lambda: parse(short, FILE).layers)

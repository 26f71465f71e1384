from pathlib import Path

import pytest

from calibench.caffe.text_tree import TextField, parse_tree
from calibench.errors import ModelError

FILE = Path("net.prototxt")


def only(text: str) -> TextField:
    (field,) = parse_tree(text, FILE)
    return field


def test_offsets_cut_out_exactly_the_field() -> None:
    text = 'name: "a" # why\nlayer {\n  top : "x" ;\n}\n'
    name, layer = parse_tree(text, FILE)
    assert text[name.start : name.end] == 'name: "a"'
    assert text[layer.start : layer.end] == 'layer {\n  top : "x" ;\n}'
    (top,) = layer.fields
    assert text[top.start : top.end] == 'top : "x"'
    assert text[layer.values[0].start] == "{"


@pytest.mark.parametrize(
    "text",
    [
        "a { b: 1 }",
        "a: { b: 1 }",
        "a < b: 1 >",
        "a: < b: 1; >",
        "a { b: 1, }",
        "a [{ b: 1 }]",
        "a{b:1}#",
        "\ufeffa\r\n{b: 1\r\n}",
    ],
)
def test_all_ways_to_write_a_message_are_the_same(text: str) -> None:
    assert [(one.name, one.text) for one in only(text).fields] == [("b", "1")]


def test_lists_hold_several_values() -> None:
    assert [value.text for value in only("a: [1, -2, 0x3 ,four]").values] == ["1", "-2", "0x3", "four"]
    assert only("a: []").values == ()
    assert [value.fields[0].text for value in only("a: [{b: 1}, <b: 2>]").values] == ["1", "2"]


def test_strings_side_by_side_are_one() -> None:
    text = 'a: "x" \'y\' # and\n "z" b: 1'
    first, second = parse_tree(text, FILE)
    assert first.text == '"x"\'y\'"z"'
    assert text[first.start : first.end].endswith('"z"')
    assert second.name == "b"


def test_a_hash_in_a_string_is_no_comment() -> None:
    assert only('a: "x # y"').text == '"x # y"'


def test_a_sign_belongs_to_its_number_even_across_a_space() -> None:
    assert [only(f"a: {text}").text for text in ("-1", "- 1", "-inf", "1e-5", ".5f", "5.")] == [
        "-1",
        "-1",
        "-inf",
        "1e-5",
        ".5f",
        "5.",
    ]


def test_the_name_of_an_extension_may_stand_in_brackets() -> None:
    assert only("[caffe.more]: 1").name == "[caffe.more]"


def test_an_empty_file_has_no_fields() -> None:
    assert parse_tree("", FILE) == parse_tree("\ufeff # nothing\n", FILE) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a {\n  kernel_size x\n}", "line 2, column 15: expected ':' or '{' after 'kernel_size', found 'x'."),
        ("a {\n", "line 2, column 1: expected '}' for the '{' of line 1, found the end of the file."),
        ("a { b: 1 >", "line 1, column 10: expected the name of a field, found '>'."),
        ("}", "line 1, column 1: expected the name of a field, found '}'."),
        ("a: \n  }", "line 2, column 3: expected a value for 'a', found '}'."),
        ("a:", "line 1, column 3: expected a value for 'a', found the end of the file."),
        ('a: "x\n"', "line 1, column 4: expected a value for 'a', found a string that does not end on its line."),
        ("a: [1 2]", "line 1, column 7: expected ',' or ']', found '2'."),
        ("a [1]", "line 1, column 4: expected ':' or '{' after 'a', found '['."),
        ("a: 1.2.3", "line 1, column 4: expected a value for 'a', found '1.2.3'."),
        ("a: 3x", "line 1, column 4: expected a value for 'a', found '3x'."),
        ('a: -"x"', "line 1, column 5: expected a value for 'a', found '\"x\"'."),
        ("\ufeffa 1", "line 1, column 3: expected ':' or '{' after 'a', found '1'."),
        ("ok: 1\r\n!", "line 2, column 1: expected the name of a field, found '!'."),
        ("[a", "line 1, column 3: expected ']', found the end of the file."),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        parse_tree(text, FILE)
    assert str(error.value) == f"net.prototxt: {message}"


def test_messages_that_never_end_are_told_before_python_gives_up() -> None:
    with pytest.raises(ModelError, match="no more than 100 messages within each other"):
        parse_tree("a {" * 5000, FILE)

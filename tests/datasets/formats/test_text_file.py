"""Lists in UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.formats.text_file import head_of, read_lines, read_text
from calibench.errors import DatasetError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_have_their_numbers_and_empty_ones_are_left_out(tmp_path, encoding, end):
    path = tmp_path / "list.txt"
    path.write_bytes(end.join(["Übung", "", " \t", "東京", ""]).encode(encoding))
    assert read_lines(path) == [(1, "Übung"), (4, "東京")]
    assert head_of(path) == ["Übung", "東京"]


def test_only_ends_of_lines_end_a_line(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a\x0bb\x0cc\x1cd\u2028e\x85f\n", encoding="utf-8")
    assert read_lines(path) == [(1, "a\x0bb\x0cc\x1cd\u2028e\x85f")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"ok\nok\n\xfcbel\n", r"line 3 is not in UTF-8\. Save the file as UTF-8\."),
        ("text".encode("utf-16"), r"line 1 is not in UTF-8"),
        ("text".encode("utf-16-le"), r"this is no text\. Save the file as UTF-8\."),
    ],
)
def test_other_encodings_are_told_by_file_and_line(tmp_path, data, sentence):
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=rf"list\.txt: {sentence}"):
        read_text(path)


def test_missing_files_and_folders_are_told(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.txt: there is no such file\."):
        read_text(tmp_path / "gone.txt")
    with pytest.raises(DatasetError, match=r"cannot be read \(Is a directory\)\."):
        read_text(tmp_path)
    assert head_of(tmp_path / "gone.txt") == []


def test_the_head_ends_with_a_whole_line(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("12345678\n" * 10)
    assert head_of(path, size=20) == ["12345678"] * 2


@given(st.binary(max_size=80))
def test_any_bytes_have_a_head_and_lines_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "list.txt"
    path.write_bytes(data)
    head_of(path)
    try:
        lines = read_lines(path)
    except DatasetError:
        return
    assert all(line.strip() and "\n" not in line for _, line in lines)

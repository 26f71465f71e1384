"""Names that a sender gives to files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.errors import SettingsError
from calibench.workbench.upload_names import LONGEST, harmless_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("net.onnx", "net.onnx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\models\\net.onnx", "net.onnx"),
        ("a\x00b\r\n\x1b[31m.onnx", "ab[31m.onnx"),
        ("\u202exnno.net", "xnno.net"),
        ("  net.onnx ", "net.onnx"),
        ("net.onnx...", "net.onnx"),
        (".hidden", ".hidden"),
        ("Blätter 葉.zip", "Blätter 葉.zip"),
    ],
)
def test_a_name_is_the_last_part_without_what_steers(sent, kept):
    assert harmless_name(sent) == kept


@pytest.mark.parametrize("sent", ["", ".", "..", "/", "a/", "...", "\n", " . "])
def test_what_names_no_file_is_refused(sent):
    with pytest.raises(SettingsError, match="is no name of a file"):
        harmless_name(sent)


def test_ten_thousand_letters_are_shortened_in_front_of_the_endings():
    name = harmless_name("n" * 10_000 + ".tar.gz")
    assert name.endswith("n.tar.gz")
    assert len(name.encode()) == LONGEST


def test_a_long_ending_is_no_ending():
    assert len(harmless_name("net." + "x" * 10_000).encode()) <= LONGEST


@given(st.text())
def test_whatever_is_sent_is_one_short_part_of_a_path_or_refused(sent):
    try:
        name = harmless_name(sent)
    except SettingsError:
        return
    assert "/" not in name
    assert "\\" not in name
    assert "\0" not in name
    assert name not in (".", "..")
    assert 0 < len(name.encode()) <= LONGEST

"""`calibench dataset augment`."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def few(tmp_path):
    (tmp_path / "few").mkdir()
    for number in range(2):
        Image.new("RGB", (16, 12), (number * 100, 50, 50)).save(tmp_path / "few" / f"{number}.png")
    return tmp_path / "few"


@pytest.mark.parametrize("words", [("dataset",), ("dataset", "augment")])
def test_help_is_as_agreed(words, run):
    """To renew the files: UPDATE_GOLDEN=1 pytest tests/cli/test_dataset_command.py."""
    result = run(*words, "--help")
    text = "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
    path = GOLDEN / f"{'-'.join(words)}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert result.exit_code == 0
    assert text == path.read_text(encoding="utf-8")
    assert "…" not in text


def test_it_makes_a_folder_and_says_what_is_in_it(few, tmp_path, run):
    result = run("dataset", "augment", few, "-o", tmp_path / "out", "--count", 20, "--no-brightness")
    assert result.exit_code == 0
    assert "20 pictures (2 original" in result.stdout
    assert "20 pictures are few" in result.stdout
    assert len(list((tmp_path / "out").glob("*.png"))) == 20
    assert not list((tmp_path / "out").glob("*brightness*"))


def test_json_is_one_document(few, tmp_path, run):
    result = run("dataset", "augment", few, "-o", tmp_path / "out", "--json", "--noise", 0, "--erase", 0)
    answer = json.loads(result.stdout)
    assert answer["total"] == 22
    assert answer["made"] == {"original": 2, "flip": 4, "brightness": 16}


def test_wrong_input_ends_with_2_and_a_full_folder_with_1(few, tmp_path, run):
    assert run("dataset", "augment", tmp_path / "none", "-o", tmp_path / "out").exit_code == 2
    assert run("dataset", "augment", few, "-o", tmp_path / "out", "--erase", 50).exit_code == 2
    taken = run("dataset", "augment", few, "-o", few)
    assert taken.exit_code == 1
    assert "holds files already" in taken.stderr


def test_force_replaces_what_it_wrote(few, tmp_path, run):
    arguments = ("dataset", "augment", few, "-o", tmp_path / "out", "--count", 4)
    assert [run(*arguments).exit_code, run(*arguments).exit_code, run(*arguments, "--force").exit_code] == [0, 1, 0]

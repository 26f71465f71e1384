"""The examples that the how-to pages use: the files that a person would have, and nothing prepared."""

from pathlib import Path

import pytest
from benchmarks.example import EXAMPLES, Example, main, make_example, model_files, next_steps
from benchmarks.zoo.datasets import TASK_SETS, UNANNOTATED_SETS

from calibench.datasets.detect import list_pictures
from calibench.errors import SettingsError
from calibench.models.read import is_model

CACHE = Path(__file__).parents[2] / ".cache/zoo"
FORMAT = {
    "detector": "coco",
    "segmentation": "common-semantic-segmentation",
    "ocr": "text-lines",
    "classifier": "imagenet",
    "breeds": "folder",
}


def small(name: str) -> Example:
    return Example(name, next(each.network for each in EXAMPLES if each.name == name), (3, 4))


def test_every_example_is_a_network_with_a_task() -> None:
    assert {each.network for each in EXAMPLES} <= {each.name for each in (*TASK_SETS, *UNANNOTATED_SETS)}
    assert {each.name for each in EXAMPLES} == {*FORMAT, "text"}


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match="exists already"):
        make_example(EXAMPLES[0], tmp_path, CACHE)
    assert main(["detector", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_weights_go_with_the_model(tmp_path: Path) -> None:
    for name in ("model.xml", "model.bin", "other.onnx", "other.bin"):
        (tmp_path / name).touch()
    assert [file.name for file in model_files(tmp_path / "model.xml")] == ["model.xml", "model.bin"]
    assert [file.name for file in model_files(tmp_path / "other.onnx")] == ["other.onnx"]


def test_the_next_command_names_the_files() -> None:
    last = next_steps(small("ocr"), Path("here/rec.onnx"))[-1]
    said = "calibench calibrate here/rec.onnx --dataset here/calibration --validation here/validation -o here/int8"
    assert last.strip() == said


@pytest.mark.packages
@pytest.mark.parametrize("name", FORMAT)
def test_the_datasets_are_found_to_be_of_their_format(name: str, tmp_path: Path) -> None:
    model = make_example(small(name), tmp_path / "it", CACHE)
    assert model.is_file()
    assert is_model(model)
    for part, count in (("calibration", 3), ("validation", 4)):
        listing = list_pictures(tmp_path / "it" / part)
        assert (listing.format, len(listing), listing.problems) == (FORMAT[name], count, ())


@pytest.mark.packages
def test_texts_come_with_their_tokenizer(tmp_path: Path) -> None:
    model = make_example(small("text"), tmp_path / "it", CACHE)
    assert sorted(
        path.relative_to(tmp_path / "it").as_posix() for path in model.parent.rglob("*") if path.is_file()
    ) == [
        "calibration/texts.csv",
        "calibration/tokenizer.json",
        "minilm.bin",
        "minilm.xml",
        "validation/texts.csv",
        "validation/tokenizer.json",
    ]

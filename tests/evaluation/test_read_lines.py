"""Outputs read as text."""

import numpy as np
import openvino as ov
import pytest
from PIL import Image, ImageDraw, ImageFont

from calibench.demo.packages import fetch_wheel
from calibench.errors import SettingsError
from calibench.evaluation.tasks.read_lines import LINES
from calibench.evaluation.tasks.task import Context
from calibench.models.metadata import metadata
from calibench.settings import TaskSettings

ABC = {"framework/character": "a\nb\nc"}
STEPS = [1, 1, 0, 1, 2, 2, 0, 4, 3]  # a a - a b b - (space) c, with the blank first


def scores(steps, classes=5):
    """float32 [1, T, C]"""
    return np.eye(classes, dtype=np.float32)[steps][None]


def task(shape, metadata=ABC, annotated=("text",), **settings):
    return LINES.make(Context({"y": shape}, None, metadata, frozenset(annotated), settings=TaskSettings(**settings)))


def read(array, metadata=ABC, **settings):
    return task(array.shape, metadata, **settings).predict({"y": array}, None)


def test_repetitions_are_joined_and_blanks_dropped():
    assert read(scores(STEPS)) == "aab c"


@pytest.mark.parametrize(
    "array",
    [
        scores(STEPS).transpose(1, 0, 2),
        scores(STEPS).transpose(0, 2, 1),
        scores(STEPS).transpose(0, 2, 1)[:, :, None],
        scores(STEPS)[:, None],
    ],
    ids=["[T, 1, C]", "[1, C, T]", "[1, C, 1, T]", "[1, 1, T, C]"],
)
def test_the_classes_may_stand_on_any_axis(array):
    assert read(array) == "aab c"


def test_a_model_without_a_space_has_one_class_less():
    assert read(scores([1, 2, 0, 3], 4)) == "abc"


def test_the_blank_may_be_last():
    assert read(scores([0, 0, 3, 0, 1, 2], 4), blank="last") == "aabc"


def test_an_alphabet_may_hold_the_blank():
    assert read(scores([1, 0, 1, 2], 3), {"model_info/labels": "- a b"}) == "aab"
    assert read(scores([1, 2, 1, 0], 3), {"model_info/labels": "a b -"}, blank="last") == "bba"


def test_a_single_step_and_a_nan_are_read():
    assert read(scores([2])) == "b"
    broken = scores([1, 2])
    broken[0, 0, 3] = np.nan
    assert read(broken) == "ab"


def test_a_file_of_characters_overrules_the_model(tmp_path):
    path = tmp_path / "letters.txt"
    path.write_bytes("\ufeffx\r\n \r\nz\r\n".encode())
    made = task((1, 9, 4), characters=path)
    assert made.predict({"y": scores([1, 2, 3], 4)}, None) == "x z"
    assert made.notes == ("3 characters from letters.txt, blank first; text from output y",)


def test_only_line_feeds_part_characters():
    assert read(scores([1, 2, 3], 4), {"framework/character": "\u2028\n\u3000\nb\n"}) == "\u2028\u3000b"


def test_missing_characters_are_said():
    with pytest.raises(SettingsError) as error:
        task((1, 40, 97), {})
    assert str(error.value) == (
        "The model tells 97 classes apart, but not which characters they are. Give a file with one character a line, "
        "in the order of the classes and without the blank: task.characters."
    )


def test_characters_that_do_not_fit_are_said():
    with pytest.raises(SettingsError, match="The model tells 97 classes apart, but 3 characters are known"):
        task((1, 40, 97))
    with pytest.raises(SettingsError, match="The model tells 9 classes apart, but 3 characters are known"):
        task((1, -1, -1)).predict({"y": scores([1], 9)}, None)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.txt: cannot be read"):
        task((1, 9, 4), characters=tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("shape", "annotated", "fits"),
    [
        ((1, 40, 6625), ["text"], True),
        ((-1, -1, 6625), ["text"], True),
        ((30, 1, 37), ["text"], True),
        ((1, 71, 1, 88), ["text"], True),
        ((1, 40, 6625), ["label"], False),
        ((1, 3, 64, 64), ["text"], False),
        ((1, 1000), ["text"], False),
    ],
)
def test_it_fits_where_text_is_annotated_and_steps_come_out(shape, annotated, fits):
    assert LINES.fits(Context({"y": shape}, annotated=frozenset(annotated))) == fits


def test_exact_comes_first():
    assert list(task((1, 9, 5)).metrics) == ["exact", "cer"]


@pytest.mark.packages
def test_a_real_recogniser_reads_with_the_characters_in_its_file(packages):
    wheel = fetch_wheel("rapidocr-onnxruntime==1.4.4", packages)
    model = ov.Core().read_model(next(wheel.rglob("*rec_infer.onnx")))
    made = task((-1, -1, 6625), metadata(model))
    picture = Image.new("RGB", (320, 48), "white")
    ImageDraw.Draw(picture).text((10, 4), "hello world 123", "black", font=ImageFont.load_default(32))
    pixels = np.asarray(picture, np.float32)[..., ::-1].transpose(2, 0, 1)[None] / 127.5 - 1
    scores = ov.Core().compile_model(model, "CPU")(pixels)[0]
    assert made.predict({"y": scores}, None).strip() == "hello world 123"

"""Outputs read as pictures."""

import numpy as np
import pytest

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Truth
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.make_picture import PICTURES
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

BYTES = np.random.default_rng(0).integers(0, 256, (1, 4, 6, 3)).astype(np.float32)
BYTES[0, 0, 0], BYTES[0, 0, 1] = 0, 255


def task(shape, **settings):
    return PICTURES.make(
        Context({"y": shape}, (4, 6), annotated=frozenset(["picture"]), settings=TaskSettings(**settings))
    )


def predict(array, frame=None, **settings):
    return task(array.shape, **settings).predict({"y": array.astype(np.float32)}, frame)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("values", [BYTES, BYTES / 255, BYTES / 127.5 - 1], ids=["0..255", "0..1", "-1..1"])
def test_range_and_place_of_the_channels_are_found(values, is_first):
    array = values.transpose(0, 3, 1, 2) if is_first else values
    picture = predict(array)
    assert picture.dtype == np.uint8
    assert (picture == BYTES[0]).all()


def test_the_range_can_be_said():
    bright = np.full((1, 3, 4, 6), 0.5)
    assert (predict(bright) == 128).all()
    assert (predict(bright, value_range="-1..1") == 191).all()
    assert (predict(bright, value_range="0..255") == 0).all()
    assert any("task.value_range" in note for note in task(bright.shape).notes)
    assert not any("task.value_range" in note for note in task(bright.shape, value_range="0..1").notes)


def test_what_is_beyond_the_range_is_cut_off():
    values = np.array([-0.1, 0.2, 1.3, np.nan, np.inf, -np.inf]).reshape(1, 1, 2, 3)
    assert predict(values)[..., 0].tolist() == [[0, 51, 255], [0, 255, 0]]


def test_one_channel_gives_grays_that_are_compared_on_luma():
    made = task((1, 1, 4, 6))
    picture = made.predict({"y": np.full((1, 1, 4, 6), 0.2, np.float32)}, None)
    assert picture.shape == (4, 6, 3)
    assert (picture == 51).all()
    assert "compared on luma" in made.notes[-1]
    green = np.zeros((4, 6, 3), np.uint8)
    green[..., 1] = 87  # the luma of gray 51, for 0.587 * 87 = 51
    metric = made.metrics["psnr"]
    assert metric.value(metric.observe(Observation({}, {}, Truth(picture=green), None, picture))) > 45


def test_the_border_of_a_letterbox_is_cut_away_in_any_resolution():
    values = np.zeros((1, 3, 16, 16), np.float32)
    values[:, :, 4:12] = 1
    assert (predict(values, Frame((4, 8), (8, 8), 1, 1, 0, 2)) == 255).all()


def test_psnr_comes_first():
    assert list(task((1, 3, 4, 6)).metrics) == ["psnr", "ssim"]


@pytest.mark.parametrize(
    ("shape", "annotated", "fits"),
    [
        ((1, 3, 64, 64), ["picture"], True),
        ((1, -1, -1, 3), ["picture"], True),
        ((1, 1, 64, 64), ["picture"], True),
        ((1, 3, 64, 64), ["label"], False),
        ((1, 21, 64, 64), ["picture"], False),
        ((1, 3, 1, 1), ["picture"], False),
        ((1, 1000), ["picture"], False),
    ],
)
def test_it_fits_where_pictures_are_annotated_and_come_out(shape, annotated, fits):
    assert PICTURES.fits(Context({"y": shape}, annotated=frozenset(annotated))) == fits


def test_outputs_that_do_not_fit_are_said():
    with pytest.raises(
        SettingsError, match=r"looks like a picture, such as \[1, 3, height, width\]; it gives y \[1, 10\]"
    ):
        task((1, 10))

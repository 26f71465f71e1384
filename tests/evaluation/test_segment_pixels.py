"""Outputs read as the class of every pixel."""

import numpy as np
import pytest

from calibench.datasets.frame import Frame, same
from calibench.datasets.truth import IGNORED, Truth
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.segment_pixels import PIXELS
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

LEFT_RIGHT = np.repeat(np.array([[0, 0, 2, 2]], np.int32), 4, axis=0)  # class 0 on the left, 2 on the right


def task(shape, classes=("a", "b", "c"), annotated=("pixels",), **settings):
    return PIXELS.make(Context({"y": shape}, (8, 8), {}, frozenset(annotated), classes, (), TaskSettings(**settings)))


def one_hot(classes, count=3):
    """float32 [1, count, H, W], 1 where the class is."""
    return np.eye(count, dtype=np.float32)[classes].transpose(2, 0, 1)[None]


def predict(array, frame=None, **settings):
    return task(array.shape, **settings).predict({"y": array}, frame)


def test_the_highest_score_is_the_class():
    assert (predict(one_hot(LEFT_RIGHT)) == LEFT_RIGHT).all()


def test_the_channels_may_come_last():
    assert (predict(one_hot(LEFT_RIGHT).transpose(0, 2, 3, 1), same(4, 4)) == LEFT_RIGHT).all()


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (1, 4, 4, 1), (1, 4, 4)])
def test_class_numbers_are_taken_as_they_are(shape, dtype):
    assert (predict(LEFT_RIGHT.reshape(shape).astype(dtype)) == LEFT_RIGHT).all()


def test_one_channel_is_the_foreground():
    two = {"classes": ("back", "front")}
    assert predict(np.float32([[[[0.1, 0.6], [0.5, 1.0]]]]), **two).tolist() == [[0, 1], [0, 1]]
    assert predict(np.float32([[[[-3, 0.1], [0, 4]]]]), **two).tolist() == [[0, 1], [0, 1]]
    assert predict(np.float32([[[[0.1, 0.6], [0.5, 1.0]]]]), classes=()).tolist() == [[0, 1], [0, 1]]


def test_scores_are_interpolated_before_the_highest_is_taken():
    # a step from -1 to 3 crosses 0 a quarter of the way: in four times the size, at 2.5 pixels and not at 4
    scores = np.zeros((1, 2, 1, 2), np.float32)
    scores[0, 1, 0] = [-1, 3]
    found = predict(scores.repeat(2, axis=2), Frame((8, 8), (2, 2), 0.25, 0.25, 0, 0), classes=("a", "b"))
    assert found[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]


def test_the_border_of_a_letterbox_is_cut_away():
    # 4 x 8 pixels in an input of 8 x 8: two rows of border above and below; the output is half as large
    frame = Frame((4, 8), (8, 8), 1, 1, 0, 2)
    classes = np.array([[1, 1, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 1, 1]])
    found = predict(one_hot(classes), frame)
    assert found.shape == (4, 8)
    assert found.tolist() == [[0, 0, 0, 0, 2, 2, 2, 2]] * 4


def test_an_odd_letterbox_covers_the_whole_original():
    frame = Frame((37, 100), (32, 32), 0.32, 0.32, 0.0, 10.08)
    assert (predict(one_hot(LEFT_RIGHT), frame) != IGNORED).all()


def test_what_a_crop_left_out_is_not_judged():
    frame = Frame((4, 8), (4, 4), 1, 1, -2, 0)
    found = predict(one_hot(LEFT_RIGHT), frame)
    assert found.tolist() == [[IGNORED, IGNORED, 0, 0, 2, 2, IGNORED, IGNORED]] * 4


def test_classes_of_the_model_are_shifted_to_those_of_the_dataset():
    assert predict(one_hot(LEFT_RIGHT), label_offset=1)[0].tolist() == [-1, -1, 1, 1]
    extra = task((1, 3, 4, 4), ("b", "c"))
    assert extra.predict({"y": one_hot(LEFT_RIGHT)}, None)[0].tolist() == [-1, -1, 1, 1]
    assert "the first of the model is taken for background" in " ".join(extra.notes)
    last = task((1, 3, 4, 4), ("a", "b"), background="last")
    assert last.predict({"y": one_hot(LEFT_RIGHT)}, None)[0].tolist() == [0, 0, -1, -1]
    assert "matched by number" in " ".join(task((1, 9, 4, 4)).notes)


def test_a_nan_is_never_the_highest():
    scores = one_hot(LEFT_RIGHT)
    scores[0, 0] = np.nan
    assert set(np.unique(predict(scores))) == {1, 2}


def test_equal_scores_give_the_lower_class():
    assert (predict(np.ones((1, 3, 4, 4), np.float32)) == 0).all()


def test_model_and_truth_meet_in_the_metric():
    made = task((1, 1, 2, 2), ())
    metric = made.metrics["mean-iou"]
    found = made.predict({"y": np.float32([[[[0, 1], [0, 1]]]])}, None)
    truth = Truth(pixels=np.uint8([[0, 255], [0, 255]]))
    assert metric.score([metric.observe(Observation({}, {}, truth, None, found))]).score == 100


@pytest.mark.parametrize(
    ("shape", "annotated", "fits"),
    [
        ((1, 21, 64, 64), ["pixels"], True),
        ((1, -1, -1, 21), ["pixels"], True),
        ((1, 64, 64), ["pixels"], True),
        ((1, 21, 64, 64), ["label"], False),
        ((1, 1000), ["pixels"], False),
        ((1, 1000, 1, 1), ["pixels"], False),
    ],
)
def test_it_fits_where_pixels_are_annotated_and_a_map_comes_out(shape, annotated, fits):
    assert PIXELS.fits(Context({"y": shape}, annotated=frozenset(annotated))) == fits


def test_outputs_that_do_not_fit_are_said():
    with pytest.raises(SettingsError) as error:
        task((1, 1000))
    assert "such as [1, classes, height, width]; it gives y [1, 1000]. Say which one holds it" in str(error.value)
    with pytest.raises(SettingsError, match="pixels is to be output 'z', which the model does not have"):
        task((1, 3, 4, 4), outputs={"pixels": "z"})


def test_rows_of_a_detector_are_no_map():
    rows = Context({"y": (1, 2704, 80)}, (416, 416), annotated=frozenset(("pixels",)))
    assert not PIXELS.fits(rows)
    assert PIXELS.fits(Context({"y": (1, 2, 52, 52)}, (416, 416), annotated=frozenset(("pixels",))))
    assert PIXELS.fits(Context({"y": (1, 30, 40)}, (480, 640), annotated=frozenset(("pixels",))))

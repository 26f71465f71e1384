"""Outputs read as landmarks."""

import numpy as np
import pytest

from calibench.datasets.frame import Frame, same
from calibench.datasets.truth import Truth
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.find_points import POINTS
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

LETTERBOX = Frame((10, 20), (40, 40), 2, 2, 0, 10)  # 20 x 40 pixels of the input, ten rows of border above


def task(shape, **settings):
    return POINTS.make(
        Context({"y": shape}, (40, 40), annotated=frozenset(["points"]), settings=TaskSettings(**settings))
    )


def predict(array, frame=LETTERBOX):
    array = np.asarray(array, np.float32)
    return task(array.shape).predict({"y": array}, frame)


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1, 1), (1, 2, 2), (1, 1, 4)])
@pytest.mark.parametrize("values", [[0.5, 0.25, 1, 0.75], [20, 10, 40, 30]], ids=["shares", "pixels"])
def test_coordinates_go_back_to_the_original(shape, values):
    points = predict(np.reshape(values, shape))
    assert points.dtype == np.float32
    assert points.tolist() == [[10, 0], [20, 10]]


def test_a_depth_is_left_out():
    assert predict([[[20, 10, -7], [40, 30, 9]]]).tolist() == [[10, 0], [20, 10]]
    assert predict([[20, 10, -7]]).tolist() == [[10, 0]]
    assert predict(np.ones((1, 1, 1, 1404))).shape == (468, 2)


def test_without_a_frame_points_stay_as_they_are():
    assert predict([[0.5, 0.25, 0, 1]], None).tolist() == [[0.5, 0.25], [0, 1]]


def test_the_peak_of_a_heatmap_moves_a_quarter_towards_the_higher_neighbour():
    heat = np.zeros((1, 3, 8, 10))
    heat[0, 0, 3, 5] = 1  # equal neighbours
    heat[0, 1, 3, 5], heat[0, 1, 3, 6], heat[0, 1, 2, 5] = 1, 0.5, 0.5  # to the right and up
    heat[0, 2, 0, 9], heat[0, 2, 1, 9] = 1, 0.5  # at the border
    assert predict(heat, same(8, 10)).tolist() == [[5, 3], [5.25, 2.75], [9, 0]]


@pytest.mark.parametrize("is_first", [True, False])
def test_cells_are_scaled_to_the_input(is_first):
    heat = np.zeros((1, 17, 10, 10))
    heat[0, :, 5, 2] = 1
    points = predict(heat if is_first else heat.transpose(0, 2, 3, 1))
    assert points.tolist() == [[4, 5]] * 17


def test_a_nan_is_no_peak():
    heat = np.zeros((1, 2, 4, 4))
    heat[0, :, 1, 1], heat[0, :, 3, 3] = 1, np.nan
    assert predict(heat, same(4, 4)).tolist() == [[1, 1]] * 2


def test_values_that_are_no_points_are_said():
    with pytest.raises(SettingsError, match="5 values are no points of 3"):
        task((1, 4)).predict({"y": np.ones((1, 5))}, None)
    with pytest.raises(SettingsError, match=r"looks like points, such as \[1, 2 K\]"):
        task((1, 1))


@pytest.mark.parametrize(
    ("shape", "annotated", "fits"),
    [
        ((1, 10), ["points"], True),
        ((1, 136), ["points", "objects"], True),
        ((1, 10, 1, 1), ["points"], True),
        ((1, 17, 3), ["points"], True),
        ((1, 17, 64, 48), ["points"], True),
        ((-1, 17, -1, -1), ["points"], True),
        ((1, 10), ["label"], False),
        ((1, 1), ["points"], False),
        ((1, 512, 7), ["points"], False),
    ],
)
def test_it_fits_where_points_are_annotated_and_come_out(shape, annotated, fits):
    assert POINTS.fits(Context({"y": shape}, annotated=frozenset(annotated))) == fits


def test_model_and_truth_meet_in_the_metric():
    made = task((1, 10), normalize_by="eyes")
    found = made.predict({"y": np.float32([[0, 10, 40, 10, 20, 20, 10, 30, 30, 30]])}, LETTERBOX)
    truth = np.float32([[0, 0], [20, 0], [10, 5], [5, 10], [15, 8]])
    metric = made.metrics["nme"]
    evidence = metric.observe(Observation({}, {}, Truth(points=truth), LETTERBOX, found))
    assert metric.score([evidence]).score == pytest.approx(100 * (2 / 5) / 20)
    assert made.notes == ("points from output y, coordinates",)

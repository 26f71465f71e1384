"""Distances of landmarks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.frame import same
from calibench.datasets.truth import Objects, Truth
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.normed_error import normed_error

FACE = np.array([[0, 0], [50, 0], [25, 25], [10, 40], [40, 40]], np.float32)  # eyes 50 pixels apart
HAND = np.array([[0, 0], [3, 4]], np.float32)
NAN = math.nan


def boxed(*box):
    return Objects(np.array([box], np.float32), np.zeros(1, np.int64), np.zeros(1, bool))


def moved(points, x, y):
    return points + np.array([x, y], np.float32)


def seen(own, truth, objects=None):
    truth = np.asarray(truth, np.float32)
    return Observation({}, {}, Truth(points=truth, objects=objects), same(30, 40), np.asarray(own, np.float32))


def scored(metric, *samples):
    return metric.score([metric.observe(each) for each in samples])


def test_the_mean_distance_in_percent_of_that_of_the_eyes():
    found = FACE.copy()
    found[2] += [3, 4]  # 5 pixels in one of five points
    assert scored(normed_error(), seen(found, FACE)).score == pytest.approx(100 * 5 / 5 / 50)


@pytest.mark.parametrize(("points", "eyes"), [(5, (0, 1)), (68, (36, 45)), (98, (60, 72))])
def test_the_eyes_of_the_usual_sets_are_known(points, eyes):
    truth = np.zeros((points, 2), np.float32)
    truth[eyes[1]] = [0, 10]
    assert scored(normed_error("eyes"), seen(moved(truth, 1, 0), truth)).score == pytest.approx(10)


@pytest.mark.parametrize(
    ("normalize_by", "objects", "length"),
    [
        ("auto", None, 50),  # the diagonal of 30 x 40 pixels
        ("auto", boxed(0, 0, 4, 9), 6),
        ("box", boxed(0, 0, 4, 9), 6),
        ("picture", boxed(0, 0, 4, 9), 50),
        ("auto", boxed(4, 4, 4, 9), 50),  # empty
    ],
)
def test_other_sets_are_measured_by_box_or_picture(normalize_by, objects, length):
    assert scored(normed_error(normalize_by), seen(moved(HAND, 0, 2), HAND, objects)).score == pytest.approx(
        200 / length
    )


def test_points_that_are_not_visible_do_not_count():
    truth = FACE.copy()
    truth[3] = NAN
    found = moved(FACE, 0, 1)
    found[3] = 1000
    assert scored(normed_error(), seen(found, truth)).score == pytest.approx(2)


def test_where_an_eye_is_not_visible_auto_takes_something_else_and_eyes_nothing():
    truth = FACE.copy()
    truth[0] = NAN
    assert scored(normed_error(), seen(moved(FACE, 0, 1), truth)).score == pytest.approx(2)
    summary = scored(normed_error("eyes"), seen(FACE, truth), seen(moved(FACE, 0, 1), FACE))
    assert summary.score == pytest.approx(2)
    assert summary.details["not counted"] == 50


def test_a_picture_without_a_visible_point_does_not_count():
    metric = normed_error()
    empty = seen(FACE, np.full_like(FACE, NAN))
    assert metric.value(metric.observe(empty)) == 0
    assert math.isnan(scored(metric, empty).score)
    assert scored(metric, empty, seen(moved(FACE, 0, 1), FACE)).score == pytest.approx(2)


def test_a_point_that_is_no_number_is_wrong_by_100_percent():
    found = FACE.copy()
    found[0, 0], found[1, 1] = NAN, math.inf
    assert scored(normed_error(), seen(found, FACE)).score == pytest.approx(40)


def test_the_share_of_failed_pictures_is_told():
    summary = scored(normed_error(), seen(moved(FACE, 0, 1), FACE), seen(moved(FACE, 0, 6), FACE))
    assert summary.score == pytest.approx((2 + 12) / 2)
    assert summary.details == {"error above 10 %": 50, "not counted": 0}
    assert (normed_error().unit, normed_error().higher_is_better) == ("%", False)


def test_what_is_missing_is_said():
    with pytest.raises(DatasetError, match="Metric nme needs the landmarks"):
        normed_error().observe(Observation({}, {}, prediction=FACE))
    with pytest.raises(DatasetError, match="The model finds 2 points, 5 are annotated"):
        normed_error().observe(seen(HAND, FACE))
    with pytest.raises(SettingsError, match="eyes is known for 5, 68, 98 points; the set has 2"):
        normed_error("eyes").observe(seen(HAND, HAND))
    with pytest.raises(DatasetError, match="box needs a box for every picture"):
        normed_error("box").observe(seen(HAND, HAND))
    with pytest.raises(SettingsError, match="picture needs pictures as samples"):
        normed_error().observe(Observation({}, {}, Truth(points=HAND), None, HAND))


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=2, max_size=5))
def test_the_truth_is_best_and_the_order_changes_nothing(shifts):
    samples = [seen(moved(FACE, *shift), FACE) for shift in shifts]
    metric = normed_error()
    assert scored(metric, *samples).score == pytest.approx(scored(metric, *reversed(samples)).score)
    assert scored(metric, seen(FACE, FACE)).score == 0

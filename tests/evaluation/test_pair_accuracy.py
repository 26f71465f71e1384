"""Pairs of pictures: the same or not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.truth import Pair, Truth
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.pair_accuracy import best_threshold, match_pairs, pair_accuracy

METRIC = pair_accuracy(lambda outputs, frame: outputs["y"][0].astype(np.float32))


def observe(cosine, *pairs):
    """A picture whose embedding has this cosine with (1, 0)."""
    outputs = {"y": np.array([[cosine, math.sqrt(1 - cosine * cosine)]], np.float32)}
    return METRIC.observe(Observation(outputs, outputs, Truth(pairs=tuple(Pair(*each) for each in pairs))))


def questions(*pairs):
    """Two pictures for each (cosine, is_same)."""
    return [observe(value, (n, same)) for n, (cosine, same) in enumerate(pairs) for value in (1, cosine)]


def test_few_pairs_give_threshold_and_accuracy_together():
    summary = METRIC.score(questions((0.9, True), (0.5, True), (0.6, False), (0.1, False)))
    assert summary.score == 75
    assert summary.details == {"pairs": 4, "pairs left out": 0, "threshold from the same pairs": pytest.approx(0.3)}


def test_the_lowest_of_equally_good_thresholds_lies_half_way():
    assert best_threshold(np.array([0.2, 0.6]), np.array([False, True])) == pytest.approx(0.4)
    assert best_threshold(np.array([0.2, 0.6]), np.array([True, True])) == pytest.approx((0.2 - 2) / 2)
    assert best_threshold(np.array([0.2, 0.6]), np.array([False, False])) == pytest.approx((0.6 + 2) / 2)
    assert best_threshold(np.array([0.5, 0.5, 0.5]), np.array([False, False, True])) == pytest.approx((0.5 + 2) / 2)


def test_from_twenty_pairs_on_each_fold_is_judged_by_the_others():
    # One fold of two pairs has its cosines between those of the rest: their threshold tells one of them wrong.
    rest = [(0.8, True), (0.0, False)] * 9
    summary = METRIC.score(questions(*rest, (0.3, True), (0.2, False)))
    assert summary.score == 95
    assert summary.details["pairs"] == 20
    # nine folds see all three gaps and take (0.2 + 0.3) / 2; the last one takes (0 + 0.8) / 2
    assert summary.details["threshold"] == pytest.approx((9 * 0.25 + 0.4) / 10)
    assert "threshold from the same pairs" not in summary.details


def test_a_pair_with_one_picture_does_not_count():
    summary = METRIC.score([*questions((0.9, True), (0.1, False)), observe(0.5, (7, True))])
    assert (summary.score, summary.details["pairs"], summary.details["pairs left out"]) == (100, 2, 1)
    nothing = METRIC.score([observe(0.5, (7, True)), observe(0.5)])
    assert math.isnan(nothing.score)
    assert nothing.details == {"pairs": 0, "pairs left out": 1}


def test_a_picture_may_stand_in_several_pairs():
    shared = observe(1, (1, True), (2, False))
    cosines, is_same, left_out = match_pairs([shared, observe(0.25, (2, False)), observe(0.75, (1, True))])
    assert cosines == pytest.approx([0.75, 0.25])
    assert is_same.tolist() == [True, False]
    assert left_out == 0


def test_a_sample_that_is_selected_twice_makes_no_pair_with_itself():
    one, other = questions((0.5, True))
    assert METRIC.score([one, one, other]).details["pairs"] == 1
    assert METRIC.score([one, one]).details == {"pairs": 0, "pairs left out": 1}


def test_three_pictures_of_one_number_are_said():
    with pytest.raises(DatasetError, match="Pair 3 has 3 pictures instead of two"):
        METRIC.score([observe(value, (3, True)) for value in (0.1, 0.2, 0.3)])


def test_the_value_of_a_picture_is_its_likeness_to_fp32():
    assert METRIC.value(observe(0.3, (1, True))) == 100
    outputs, reference = {"y": np.array([[1.0, 0]])}, {"y": np.array([[3.0, 4]])}
    assert METRIC.value(METRIC.observe(Observation(outputs, reference))) == pytest.approx(60)


@given(
    st.lists(st.tuples(st.integers(0, 10).map(lambda tenth: tenth / 10), st.booleans()), min_size=1, max_size=25),
    st.randoms(use_true_random=False),
)
def test_the_order_of_pictures_changes_nothing(pairs, random):
    evidence = questions(*pairs)
    expected = METRIC.score(evidence)
    random.shuffle(evidence)
    assert METRIC.score(evidence) == expected


@given(st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=1, max_size=12))
def test_no_threshold_is_better_than_the_best(pairs):
    cosines, is_same = np.array([c for c, _ in pairs]), np.array([same for _, same in pairs])
    best = ((cosines > best_threshold(cosines, is_same)) == is_same).sum()
    assert best == max(((cosines > each) == is_same).sum() for each in (-2, *cosines))

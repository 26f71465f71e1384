"""Signal-to-quantization-noise ratio."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calibench.evaluation.distortion import Distortion, comparable, sqnr_db

VALUES = arrays.arrays(np.float32, (8, 3), elements=st.floats(-1000, 1000, width=32, allow_subnormal=False))


def measured(*pairs):
    distortion = Distortion()
    for reference, candidate in pairs:
        distortion.add(np.asarray(reference), np.asarray(candidate))
    return distortion.sqnr_db


def test_by_hand():
    assert measured(([10.0, 0.0], [9.0, 0.0])) == pytest.approx(20)
    assert measured(([1.0], [1.1])) == pytest.approx(20)
    assert measured(([100.0], [100.0]), ([0.0], [1.0])) == pytest.approx(40)


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(1, 0, math.inf), (0, 0, math.inf), (0, 1, -math.inf), (1, math.inf, -math.inf), (0, math.inf, -math.inf)],
)
def test_the_edges(signal, noise, expected):
    assert sqnr_db(signal, noise) == expected


@given(VALUES, VALUES)
def test_samples_one_by_one_are_the_same_as_all_at_once(reference, candidate):
    whole = measured((reference, candidate))
    parts = measured(*zip(reference, candidate, strict=True))
    assert whole == parts or whole == pytest.approx(parts)


@given(VALUES, st.floats(0.1, 10))
def test_scale_changes_nothing(values, factor):
    values = np.where(np.abs(values) < 1e-6, np.float32(0), values)  # smaller ones vanish when they are scaled
    noisy = values + np.float32(0.5)
    a, b = measured((values, noisy)), measured((values * factor, noisy * factor))
    assert a == b or a == pytest.approx(b, abs=1e-2)


def test_what_is_not_finite_in_the_reference_is_left_out():
    assert measured(([10.0, -math.inf, math.nan], [9.0, -math.inf, 0.0])) == pytest.approx(20)


def test_what_is_not_finite_in_the_candidate_is_infinite_noise():
    assert measured(([10.0], [9.0]), ([1.0], [math.nan])) == -math.inf
    assert measured(([1.0], [math.inf])) == -math.inf
    assert measured(([1.0, 2.0], [[1.0, 2.0]])) == -math.inf


def test_what_a_shorter_list_lacks_counts_as_0():
    assert measured(([[10.0, 0], [1, 0]], [[10.0, 0]])) == pytest.approx(10 * math.log10(101))
    assert measured(([[10.0, 0]], [[10.0, 0], [1, 0]])) == pytest.approx(20)
    assert measured((np.zeros((0, 4)), np.zeros((0, 4)))) == math.inf
    assert measured((np.zeros((0, 4)), np.ones((1, 4)))) == -math.inf


def test_integers_and_half_floats_are_measured_in_double():
    assert measured((np.array([2**40], np.int64), np.array([2**40 + 1], np.int64))) == pytest.approx(240.8, abs=0.1)
    assert comparable(np.ones(2, np.float16), np.ones(2, np.float16))[0].dtype == np.float64

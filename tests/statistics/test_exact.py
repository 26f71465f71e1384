"""Sums whose bytes do not depend on the order of adding."""

import math
from functools import reduce
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calibench.statistics.exact import LIMIT, ExactSum

numbers = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40)


def total(values):
    return reduce(ExactSum.plus, (ExactSum.of(np.array([value])) for value in values))


def value_of(exact):
    """The value with all its bits."""
    return (int(exact.high[0]) * 2**31 + int(exact.low[0])) / 2**36


def test_a_sum_by_hand():
    found = ExactSum.of(np.array([1.5, -2.0])).plus(ExactSum.of(np.array([0.25, 5.0])))
    assert found.mean(1).tolist() == [1.75, 3.0]
    assert found.mean(2).tolist() == [0.875, 1.5]


@given(numbers, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_value(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert value_of(total(values)) == value_of(total(shuffled))
    assert total(values).mean(len(values)).tobytes() == total(shuffled).mean(len(values)).tobytes()


@given(numbers, st.lists(st.integers(0, 39), max_size=5))
def test_any_partition_gives_the_same_bytes(values, cuts):
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    parts = [total(values[a:b]) for a, b in pairwise(edges)]
    whole, merged = total(values), reduce(ExactSum.plus, reversed(parts))
    assert (whole.high.tobytes(), whole.low.tobytes()) == (merged.high.tobytes(), merged.low.tobytes())


@given(numbers)
def test_the_sum_is_that_of_exact_arithmetic(values):
    exact = math.fsum(values)
    found = float(total(values).mean(1)[0])
    assert abs(found - exact) <= 1e-10 * len(values) + 1e-12 * abs(exact)


def test_small_addends_beside_large_ones_are_not_lost():
    values = [1e7, 1e-5, -1e7]
    assert abs(float(total(values).mean(1)[0]) - 1e-5) < 1e-10


def test_what_is_not_finite_counts_as_the_limit():
    found = ExactSum.of(np.array([np.nan, np.inf, -np.inf, 1e30]))
    assert found.mean(1).tolist() == [LIMIT, LIMIT, -LIMIT, LIMIT]


def test_a_million_addends_of_the_limit_do_not_overflow():
    one = ExactSum.of(np.array([-LIMIT]))
    for _ in range(20):
        one = one.plus(one)
    assert one.mean(2**20).tolist() == [-LIMIT]

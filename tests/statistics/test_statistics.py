"""Statistics merge to the same bytes, whatever the parts."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibench.statistics.statistics import KEPT_SAMPLES, Layout, Statistics

LAYOUT = Layout((("a", 0), ("b", 0)), (2, 1), (2, 3))
"""Two tensors: 2 channels and 2 positions, 1 channel and 3 positions."""


def sample(number, seed=None):
    values = np.random.default_rng(number if seed is None else seed)
    low = values.normal(size=3).astype(np.float32)
    high = low + values.uniform(0, 3, 3).astype(np.float32)
    rows = values.normal(size=7).astype(np.float32)
    return Statistics.of_sample(LAYOUT, number, np.concatenate((low, high, (low + high) / 2)), rows)


def merged(parts):
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    return whole


def content(statistics):
    sums = (statistics.mean, statistics.low_mean, statistics.high_mean)
    return (
        statistics.count,
        statistics.low.tobytes(),
        statistics.high.tobytes(),
        *((s.high.tobytes(), s.low.tobytes()) for s in sums),
        sorted((number, rows.tobytes()) for number, rows in statistics.rows.items()),
        *(tensor_content(statistics.tensor(i)) for i in range(2)),
    )


def tensor_content(tensor):
    arrays = (tensor.low, tensor.high, tensor.mean, tensor.rows, tensor.importance)
    return (*(array.tobytes() for array in arrays), tensor.low_mean, tensor.high_mean)


def test_the_layout_says_where_each_tensor_lies():
    assert LAYOUT.starts.tolist() == [0, 2, 3]
    assert LAYOUT.row_starts.tolist() == [0, 4, 7]
    # minima, maxima and means of a (2 channels each), then of b
    assert LAYOUT.apart.tolist() == [0, 1, 6, 2, 3, 7, 4, 5, 8]


def test_two_samples_by_hand():
    first = Statistics.of_sample(
        LAYOUT, 0, np.float32([-1, 0, 5, 1, 4, 6, 0, 2, 5.5]), np.float32([1, 2, 3, 4, 7, 8, 9])
    )
    second = Statistics.of_sample(
        LAYOUT, 1, np.float32([-3, 1, 2, 0, 2, 9, -1, 1, 3.5]), np.float32([5, 6, 7, 8, 1, 2, 3])
    )
    both = first.merge(second)
    a, b = both.tensor(0), both.tensor(1)
    assert (a.low.tolist(), a.high.tolist(), a.mean.tolist()) == ([-3, 0], [1, 4], [-0.5, 1.5])
    assert (a.low_mean, a.high_mean) == (-2, 3)  # of -1, -3 and of 4, 2
    assert a.rows.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert (b.low.tolist(), b.high.tolist(), b.mean.tolist()) == ([2], [9], [4.5])
    assert (b.low_mean, b.high_mean) == (3.5, 7.5)
    assert b.rows.tolist() == [[7], [8], [9], [1], [2], [3]]
    assert a.importance.tolist() == [1, 1]


@settings(deadline=None)
@given(st.permutations(range(9)), st.sets(st.integers(1, 8)))
def test_any_partition_of_the_samples_merges_to_the_bytes_of_the_whole(order, cuts):
    whole = merged([sample(number) for number in range(9)])
    edges = [0, *sorted(cuts), 9]
    parts = [merged([sample(n) for n in order[a:b]]) for a, b in pairwise(edges)]
    assert content(merged(parts[::-1])) == content(whole)


def test_merging_changes_neither_part():
    first, second = sample(0), sample(1)
    before = content(first), content(second)
    first.merge(second)
    assert (content(first), content(second)) == before


def test_single_values_are_kept_of_the_first_samples_alone():
    last, beyond = sample(KEPT_SAMPLES - 1), sample(KEPT_SAMPLES)
    both = last.merge(beyond)
    assert list(both.rows) == [KEPT_SAMPLES - 1]
    assert both.count == 2
    assert both.tensor(0).high.tolist() == np.maximum(last.high, beyond.high)[:2].tolist()
    assert beyond.tensor(0).rows.shape == (0, 2)

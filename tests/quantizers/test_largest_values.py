"""The statistics of the Caffe calibrator by hand, and their faults mended."""

from itertools import pairwise

import numpy as np
import pytest
from graphs import data, model
from hypothesis import given
from hypothesis import strategies as st
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import InputPlan, TensorInput
from calibench.progress import silent
from calibench.quantizers.largest_values import Pass, high_quantile, largest_of
from calibench.quantizers.run import Run
from calibench.quantizers.tensor_histograms import BINS, NO_MASS, SizeHistogram, divergences, least_divergence

NAME = ("twice", 0)


def largest(statistic, samples, signed=True):
    """Of 2 * the input."""
    x = data(-1)
    graph = model(ops.multiply(x, np.float32(2), name="twice"), x)
    run = Run("CPU", 1, InputPlan((TensorInput("data", (-1,), "float32"),)), {})
    arrays = Arrays([{"data": np.asarray(each, np.float32)} for each in samples])
    return largest_of(statistic, Pass(graph, (NAME,), arrays, run, silent), {}, {NAME: signed})[NAME]


def test_ma_is_the_mean_of_the_largest_sizes_and_every_sample_counts_alike():
    assert largest("ma", [[1, -3], [2, 1], [0, -1]]) == pytest.approx(2 * (3 + 2 + 1) / 3)
    assert largest("ma", [[0, -1], [1, -3], [2, 1]]) == largest("ma", [[1, -3], [2, 1], [0, -1]])


def test_maxp_takes_sizes_not_values():
    """The original took the quantile of signed values: of what is negative nearly nothing was left."""
    values = np.zeros(100_001, np.float32)
    values[:20] = -np.arange(1, 21)
    assert largest("maxp", [values]) == pytest.approx(2 * 15, rel=1e-3)


def test_a_sample_without_values_does_not_count():
    assert largest("ma", [[1, -3], [], [1]]) == pytest.approx(2 * (3 + 1) / 2)
    assert largest("maxp", [[], []]) == 0
    assert largest("kl", [[], []]) == 0
    assert largest("kl", [[], [1, -3]]) == 6


def test_a_tensor_that_is_nearly_everywhere_0_is_not_cut_off_whole():
    values = np.zeros(100_000, np.float32)
    values[7] = 5
    assert high_quantile(values) == 5


def test_kl_cuts_off_a_lonely_outlier_and_keeps_a_full_range():
    values = np.random.default_rng(0).normal(size=60_000).astype(np.float32)
    even = np.random.default_rng(0).uniform(-1, 1, 60_000).astype(np.float32)
    alone = np.concatenate((values, [20.0])).astype(np.float32)
    assert 2 * 0.6 * 20 <= largest("kl", [alone]) < 2 * 0.65 * 20
    assert largest("kl", [even], signed=False) > 2 * 0.99


def histogram_of(*parts):
    found = SizeHistogram.of(np.asarray(parts[0], np.float32))
    for part in parts[1:]:
        found = found.merge(SizeHistogram.of(np.asarray(part, np.float32)))
    return found


def same(one, other):
    return one.exponent == other.exponent and one.largest == other.largest and (one.counts == other.counts).all()


EDGES = (0.0, 2.0**-140, 1.0, 1.0 - 2.0**-24, 4096.0, 3.4e38)
sizes = st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from(EDGES)


@given(st.lists(st.lists(sizes, max_size=8), min_size=2, max_size=6))
def test_histograms_merge_in_any_order_to_that_of_all_values(parts):
    whole = histogram_of([value for part in parts for value in part])
    assert same(histogram_of(*parts), whole)
    assert same(histogram_of(*reversed(parts)), whole)
    assert whole.counts.sum() == sum(value != 0 for part in parts for value in part)


def test_the_largest_value_lies_in_the_upper_half_of_the_bins():
    for value in (1.0, 1.999, 0.3, 7e-9, 5e12):
        counts = histogram_of([value, -value / 3]).counts
        assert np.flatnonzero(counts)[-1] >= BINS // 2


def test_a_few_distinct_values_are_not_cut_off():
    assert least_divergence(histogram_of([0, 0, 0]), 255, 0.7) == 0
    assert least_divergence(histogram_of([0.5, -3.0]), 127, 0.6) == 3.0
    assert least_divergence(histogram_of([2.0**-130]), 127, 0.6) == 2.0**-130


def test_a_cut_is_never_below_the_share_of_the_largest_value_nor_above_it():
    values = np.random.default_rng(1).laplace(size=20_000)
    for levels, share in ((255, 0.7), (127, 0.6)):
        found = least_divergence(histogram_of(values), levels, share)
        top = float(np.float32(np.abs(values).max()))
        assert share * top * 0.999 <= found <= top


def divergence(counts, cut, levels):
    """Bin by bin, as the slides have it."""
    true = counts[:cut].copy()
    true[-1] += counts[cut:].sum()
    given = np.zeros(cut)
    edges = [i * cut // levels for i in range(levels + 1)]
    for start, stop in pairwise(edges):
        filled = [i for i in range(start, stop) if counts[i] > 0]
        given[filled] = counts[start:stop].sum() / max(len(filled), 1)
    given[(given == 0) & (true > 0)] = NO_MASS
    p, q = true / true.sum(), given / given.sum()
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def test_divergences_by_running_sums_are_those_bin_by_bin():
    numbers = np.random.default_rng(2)
    counts = np.floor(numbers.exponential(3, 60) * (numbers.random(60) < 0.7))
    counts[-1] = 2
    counts[41] = 0
    cuts = np.array([8, 21, 42, 43, 60])
    wanted = [divergence(counts, int(cut), 8) for cut in cuts]
    np.testing.assert_allclose(divergences(counts, cuts, 8), wanted, rtol=1e-9, atol=1e-12)
    assert min(wanted) > 0

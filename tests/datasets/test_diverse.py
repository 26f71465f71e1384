"""Samples that are unlike each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibench.datasets import diverse
from calibench.datasets.dataset import Arrays
from calibench.datasets.diverse import choose_by_features, farthest_first, look
from calibench.errors import DatasetError


def dataset(points):
    return Arrays([{"x": np.asarray(point, np.float32)[None]} for point in points])


def own(sample):
    return sample["x"][0]


def test_by_hand_the_farthest_comes_next():
    assert farthest_first(np.array([[0], [1], [10], [6], [0]], np.float32), 5) == [0, 2, 3, 1, 4]


@settings(max_examples=60, deadline=None)
@given(
    clusters=st.integers(1, 8), sizes=st.integers(1, 10), dimensions=st.integers(1, 4), seed=st.integers(0, 2**32 - 1)
)
def test_with_as_many_samples_as_clusters_every_cluster_is_met(clusters, sizes, dimensions, seed):
    rng = np.random.default_rng(seed)
    centres = np.zeros((clusters, dimensions))
    centres[:, 0] = np.arange(clusters) * 100
    cluster = np.repeat(np.arange(clusters), sizes)
    points = centres[cluster] + rng.uniform(-5, 5, (clusters * sizes, dimensions))
    mixed = rng.permutation(len(points))
    chosen = choose_by_features(dataset(points[mixed]), str(clusters), seed, own)
    assert {int(cluster[mixed][index]) for index in chosen.indices} == set(range(clusters))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 9), st.integers(1, 40))
def test_no_sample_comes_twice_though_contents_do(values, seed, count):
    chosen = choose_by_features(dataset([[value] for value in values]), str(count), seed, own).indices
    assert len(set(chosen)) == len(chosen) == min(count, len(values))
    assert {values[index] for index in chosen[: len(set(values))]} == set(values) or count < len(set(values))


def test_a_bigger_subset_begins_with_the_smaller_and_the_seed_decides_the_first():
    points = dataset(np.random.default_rng(0).normal(size=(50, 3)))
    small, big = (choose_by_features(points, count, 1, own).indices for count in ("10", "100%"))
    assert big[:10] == small
    assert sorted(big) == list(range(50))
    assert len({choose_by_features(points, "1", seed, own).indices for seed in range(5)}) > 1


def test_beyond_the_limits_the_others_follow_at_random(monkeypatch):
    monkeypatch.setattr(diverse, "MOST_LOOKED_AT", 20)
    monkeypatch.setattr(diverse, "MOST_CHOSEN", 5)
    seen = []
    points = dataset(np.random.default_rng(0).normal(size=(50, 3)))
    chosen = choose_by_features(points, "30", 0, lambda sample: seen.append(1) or own(sample))
    assert len(seen) == 20
    assert len(set(chosen.indices)) == 30


def test_pictures_of_different_colour_light_and_texture_look_different():
    plain = np.full((1, 32, 32, 3), 100, np.uint8)
    fine = plain.copy()
    fine[:, ::2] += 50
    fine[:, 1::2] -= 50
    bright = plain + 50
    red = plain.copy()
    red[..., 0] += 50
    looks = [look({"x": each}) for each in (plain, fine, bright, red)]
    assert {each.shape for each in looks} == {(16 * 16 * 3 + 6,)}
    apart = [np.linalg.norm(a - b) for i, a in enumerate(looks) for b in looks[:i]]
    assert min(apart) > 1


def test_a_look_has_one_length_for_texts_and_arrays_of_any_length():
    for dtype in (np.int64, np.float32):
        lengths = {look({"x": np.ones((1, length), dtype)}).shape for length in (0, 1, 5, 1000)}
        assert lengths == {(256,)}
    assert not np.array_equal(look({"x": np.array([[1, 2]])}), look({"x": np.array([[3, 4]])}))


def test_gray_pictures_and_values_that_are_no_numbers_do_not_stop_it():
    gray = Arrays([{"x": np.full((1, 8, 8, 1), value, np.uint8)} for value in (0, 1, 255)])
    assert 2 in choose_by_features(gray, "2", 0).indices
    assert len(choose_by_features(dataset([[np.nan], [1.0]]), "2", 0, own)) == 2


def test_300_of_5000_pictures():
    rng = np.random.default_rng(0)
    pictures = Arrays([{"x": picture[None]} for picture in rng.integers(0, 255, (5000, 32, 32, 3), np.uint8)])
    assert len(choose_by_features(pictures, "300", 0, threads=2)) == 300


def test_an_empty_dataset_is_refused():
    with pytest.raises(DatasetError, match="no samples"):
        choose_by_features(Arrays([]), "1", 0)

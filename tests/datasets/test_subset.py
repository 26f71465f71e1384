"""Choosing and splitting samples."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.dataset import Arrays, Subset
from calibench.datasets.subset import advice, choose, choose_by_class, count_of, overlap, shortfall, split
from calibench.errors import DatasetError, SettingsError


def dataset(values):
    return Arrays([{"x": np.array([value])} for value in values], labels=list(values))


@pytest.mark.parametrize(
    ("subset", "total", "count"),
    [
        ("100%", 7, 7),
        ("25%", 10, 3),
        ("7%", 100, 7),
        ("0.1%", 10, 1),
        ("300", 1000, 300),
        ("300", 100, 100),
        ("1", 1, 1),
    ],
)
def test_a_subset_is_a_share_or_a_count(subset, total, count):
    assert count_of(subset, total) == count


@pytest.mark.parametrize("subset", ["", "0", "0%", "-3", "many", "1.5", "1/0"])
def test_anything_else_is_refused(subset):
    with pytest.raises(SettingsError, match="neither a share such as 25% nor a count such as 300"):
        count_of(subset, 10)


@given(total=st.integers(1, 60), small=st.integers(1, 60), big=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_a_bigger_subset_begins_with_the_smaller(total, small, big, seed):
    small, big = sorted((small, big))
    values = dataset(range(total))
    first, second = choose(values, str(small), seed).indices, choose(values, str(big), seed).indices
    assert second[: len(first)] == first
    assert len(set(second)) == len(second) == min(big, total)


def test_the_draw_is_the_same_in_every_version():
    assert choose(dataset(range(10)), "5", 0).indices == (3, 2, 1, 8, 6)
    assert choose(dataset(range(10)), "5", 1).indices != (3, 2, 1, 8, 6)


def test_labels_and_samples_follow_the_draw():
    chosen = choose(dataset(range(100)), "20%", 3)
    assert [int(sample["x"][0]) for sample in chosen] == list(chosen.labels) == list(chosen.indices)


def test_an_empty_dataset_is_refused():
    with pytest.raises(DatasetError, match="no samples"):
        choose(dataset([]), "100%", 0)


def test_asking_for_more_than_there_is_is_said():
    assert shortfall("300", 120) == "--subset 300 asks for more than there is; all 120 samples are used."
    assert shortfall("120", 120) is None
    assert shortfall("100%", 120) is None


@pytest.mark.parametrize(
    ("count", "total", "is_warned"),
    [(300, 50_000, False), (299, 50_000, True), (40, 1000, False), (29, 1000, True), (20, 20, True), (100, 100, False)],
)
def test_few_samples_are_warned_about(count, total, is_warned):
    assert (advice(count, total) is not None) == is_warned


def test_the_warning_says_what_is_advised():
    assert advice(10, 1000) == (
        "10 of 1000 samples are few for calibration: at least 3-5 % of the dataset or 300-1000 samples are advised."
    )


@given(st.lists(st.integers(0, 30), min_size=2).filter(lambda values: len(set(values)) > 1))
def test_halves_share_no_content_and_lose_nothing(values):
    first, second = split(dataset(values))
    assert sorted(first.indices + second.indices) == list(range(len(values)))
    assert overlap(first, second) == 0
    different = len({*values})
    assert abs(len({*first.labels}) - len({*second.labels})) == different % 2


@given(st.permutations(range(20)))
def test_the_order_of_the_dataset_moves_nothing(values):
    assert {*split(dataset(values))[0].labels} == {*split(dataset(range(20)))[0].labels}


def test_a_share_other_than_half_is_possible():
    first, second = split(dataset(range(10)), Fraction(1, 5))
    assert (len(first), len(second)) == (2, 8)


@pytest.mark.parametrize("values", [[], [1], [1, 1, 1]])
def test_one_content_cannot_be_split(values):
    with pytest.raises(DatasetError, match=r"sample.* cannot be split .* --validation DIR"):
        split(dataset(values))


def test_overlap_counts_contents():
    assert overlap(dataset([1, 2, 2, 3]), dataset([2, 2, 3, 4])) == 2


def test_subsets_of_subsets_are_subsets():
    outer = Subset(dataset(range(100)), tuple(range(50, 60)))
    inner = choose(outer, "3", 0)
    assert all(50 <= label < 60 for label in inner.labels)


def by_class(labels, subset, seed=0):
    chosen = choose_by_class(Arrays([{}] * len(labels)), labels, subset, seed)
    return chosen.indices, Counter(labels[index] for index in chosen.indices)


def test_every_class_gives_the_same_share():
    _, counts = by_class([0] * 100 + [1] * 50 + [2] * 10, "10%")
    assert counts == {0: 10, 1: 5, 2: 1}


def test_a_rare_class_is_there_where_the_count_allows():
    labels = [0] * 97 + [1, 2, 3]
    assert by_class(labels, "4")[1] == {0: 1, 1: 1, 2: 1, 3: 1}
    assert by_class(labels, "10")[1] == {0: 7, 1: 1, 2: 1, 3: 1}
    assert by_class(labels, "2")[1][0] >= 1


def test_the_order_of_a_choice_by_class_is_mixed_and_depends_on_the_seed():
    labels = [0] * 50 + [1] * 50
    indices, _ = by_class(labels, "50")
    assert 5 < sum(labels[index] for index in indices[:25]) < 20
    assert indices == by_class(labels, "50")[0]
    assert indices != by_class(labels, "50", seed=1)[0]


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=60), st.integers(1, 70), st.integers(0, 5))
def test_a_choice_by_class_has_the_count_and_is_fair(labels, count, seed):
    indices, counts = by_class(labels, str(count), seed)
    wanted = min(count, len(labels))
    assert len(set(indices)) == len(indices) == wanted
    sizes = Counter(labels)
    if wanted >= len(sizes):
        assert set(counts) == set(sizes)
    for label, size in sizes.items():
        assert counts[label] <= max(1, wanted * size / len(labels) + 1)


def test_an_empty_dataset_has_no_choice_by_class():
    with pytest.raises(DatasetError, match="no samples"):
        choose_by_class(Arrays([]), [], "1", 0)

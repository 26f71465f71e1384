"""Numbers as the pages write them."""

import pytest

from calibench.web import looks


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.42, "%", "0.42 points"), (-0.001, "%", "0.00 points"), (-1.5, "%", "-1.50 points"), (0.3, "dB", "0.30 dB")],
)
def test_a_drop_is_in_points_where_the_metric_is_in_percent(value: float, unit: str, words: str) -> None:
    assert looks.drop(value, unit) == words


def test_what_was_not_measured_is_a_dash() -> None:
    assert {looks.score(None), looks.drop(None), looks.fps(None), looks.ms(None), looks.size(None)} == {looks.NOTHING}


def test_a_slower_int8_model_is_called_so() -> None:
    assert looks.how_fast(1.742) == "1.74x as fast"
    assert looks.how_fast(0.8) == "0.80x, slower"
    assert not looks.is_slower(0.996)
    assert not looks.is_slower(None)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (46_800_000, "46.8 MB"),
        (999_960, "1.0 MB"),
        (1_400_000_000, "1.4 GB"),
    ],
)
def test_sizes_have_three_digits_at_most(count: int, words: str) -> None:
    assert looks.size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (95, "1 min 35 s"),
        (3599, "60 min"),
        (7500, "2 h 5 min"),
        (90_000, "1 day"),
    ],
)
def test_durations_are_as_exact_as_one_needs(seconds: float, words: str) -> None:
    assert looks.duration(seconds) == words


def test_the_time_left_is_a_range_and_one_number_where_both_ends_are_the_same() -> None:
    assert looks.eta((95.0, 240.0)) == "1 min 35 s to 4 min left"
    assert looks.eta((5.0, 5.2)) == "5 s left"
    assert looks.eta(None) == ""


def test_a_job_is_at_100_percent_only_when_it_is_whole() -> None:
    assert looks.percent(0.999) == "99 %"
    assert looks.percent(1.0) == "100 %"


def test_annotations_are_called_as_everywhere_else() -> None:
    from calibench.evaluation.tasks.task_choice import MEANINGS

    assert looks.ANNOTATION_WORDS == MEANINGS
    assert looks.annotations(("label", "pixels")) == "classes, classes of pixels"
    assert looks.annotations(()) == "none"


@pytest.mark.parametrize(
    ("number", "words"), [(9.3e6, "9.30 million"), (1.82e9, "1.82 billion"), (4.1e10, "41.0 billion"), (12.0, "12")]
)
def test_large_counts_are_in_words(number: float, words: str) -> None:
    assert looks.large(number) == words


def test_every_state_and_kind_of_the_values_has_its_word() -> None:
    from typing import get_args

    from calibench.things.kept import JobKind, JobState, ThingState

    assert set(looks.STATE_WORDS) == set(looks.STATE_ICONS) == {*get_args(JobState), *get_args(ThingState)}
    assert set(looks.KIND_WORDS) == set(get_args(JobKind))

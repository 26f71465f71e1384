"""Exact lines and the character error rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.truth import Truth
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.read_text import character_errors, compare_lines, edit_distance, exact

TEXTS = st.text("ab c", max_size=8)


def seen(own, truth):
    return Observation({}, {}, Truth(text=truth), prediction=own)


def scored(metric, *pairs):
    return metric.score([metric.observe(seen(own, truth)) for own, truth in pairs])


@pytest.mark.parametrize(
    ("own", "truth", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("ab", "ba", 2),
    ],
)
def test_edits_by_hand(own, truth, distance):
    assert edit_distance(own, truth) == distance


def test_exact_is_the_share_of_lines_without_an_error():
    summary = scored(exact(), ("one", "one"), ("two", "tow"), ("a b", "ab"), ("x", "X"))
    assert summary.score == 25
    assert summary.details == {"exact without spaces": 50}


def test_the_error_rate_weighs_lines_by_their_length():
    # 1 edit of 2 characters, 0 of 6
    summary = scored(character_errors(), ("aa", "ab"), ("ab cde", "ab cde"))
    assert summary.score == pytest.approx(100 / 8)
    assert summary.details == {"cer without spaces": pytest.approx(100 / 7)}


def test_the_value_of_a_line_is_its_own_rate():
    metric = character_errors()
    assert metric.value(metric.observe(seen("aa", "ab"))) == 50
    assert metric.value(metric.observe(seen("abc", ""))) == 300
    assert metric.value(metric.observe(seen("", ""))) == 0
    assert (metric.unit, metric.higher_is_better, exact().higher_is_better) == ("%", False, True)
    assert [exact().value(compare_lines(seen(own, "ab"))) for own in ("ab", "a b")] == [100, 0]


@pytest.mark.parametrize(("own", "truth"), [("  a   b ", "a b"), ("a\u3000b", "a b"), ("e\u0301", "\u00e9"), (" ", "")])
def test_spaces_at_the_ends_and_the_way_a_character_is_written_do_not_count(own, truth):
    assert scored(exact(), (own, truth)).score == 100


def test_a_missing_text_is_said():
    with pytest.raises(DatasetError, match="need the text of every line"):
        exact().observe(Observation({}, {}, prediction="a"))


@given(TEXTS, TEXTS, TEXTS)
def test_edits_are_a_distance(one, two, three):
    assert edit_distance(one, two) == edit_distance(two, one)
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)
    assert abs(len(one) - len(two)) <= edit_distance(one, two) <= max(len(one), len(two))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_the_order_of_lines_changes_nothing_and_the_truth_is_best(pairs):
    for metric, best in ((exact(), 100), (character_errors(), 0)):
        assert scored(metric, *pairs) == scored(metric, *reversed(pairs))
        assert scored(metric, *((truth, truth) for _, truth in pairs)).score == best

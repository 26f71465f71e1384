"""A search that was killed at any moment and goes on takes the same way to the same answer."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from test_accuracy_aware import Made, even

from calibench.progress import silent
from calibench.search.accuracy_aware import Bounds, Searched, search
from calibench.search.journal import Journal, journal_path, open_journal
from calibench.search.keep_accuracy import _name, recall_outcome
from calibench.search.values import Configuration, Outcome


class Killed(BaseException):
    """Stands for kill -9."""


def searched(out: Path, kill_after: int | None = None) -> tuple[Searched, list[tuple[Configuration, bool]]]:
    """One run; what it evaluated itself."""
    made = Made(even(60, {3: 1.0, 9: 0.7, 20: 0.5, 41: 0.3}, rest=0.002), limit=0.4)
    with open_journal(out, {}) as journal:

        def evaluate(configuration: Configuration, whole: bool) -> Outcome:
            kept = recall_outcome(journal, configuration, whole)
            return kept if kept is not None else anew(journal, configuration, whole)

        def anew(journal: Journal, configuration: Configuration, whole: bool) -> Outcome:
            if len(made.evaluated) == kill_after:
                raise Killed
            found = made.evaluate(configuration, whole)
            if not found.is_exact and found.drop > 0.38:  # an estimate that looks better than it is
                found = replace(found, holds=found.drop < 0.45)
            journal.write("trial", _name(configuration, whole), asdict(found))
            return found

        space = replace(made.space(), evaluate=evaluate)
        return search(space, Bounds(0.4), silent), made.evaluated


def test_killed_after_any_trial_the_answer_and_the_way_are_the_same(tmp_path: Path) -> None:
    whole, evaluated = searched(tmp_path / "whole")
    assert len(evaluated) > 8
    for killed_after in range(len(evaluated)):
        out = tmp_path / str(killed_after)
        with pytest.raises(Killed):
            searched(out, killed_after)
        found, again = searched(out)
        assert (found.best, found.trials) == (whole.best, whole.trials)
        assert again == evaluated[killed_after:], "nothing is evaluated twice"


def test_cut_in_the_middle_of_a_line_only_that_trial_is_evaluated_anew(tmp_path: Path) -> None:
    whole, evaluated = searched(tmp_path)
    data = journal_path(tmp_path).read_bytes()
    journal_path(tmp_path).write_bytes(data[:-20])
    found, again = searched(tmp_path)
    assert found.best == whole.best and again == evaluated[-1:]
    assert journal_path(tmp_path).read_bytes() == data

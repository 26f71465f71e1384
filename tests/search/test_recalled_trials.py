from dataclasses import asdict, replace
from pathlib import Path

import pytest

from calibench.errors import JobError
from calibench.search.journal import Journal, count_kept, open_journal
from calibench.search.keep_accuracy import ANNOTATIONS, _name, check_unchanged, recall_outcome
from calibench.search.values import Configuration, Outcome

SOME = Configuration(frozenset(("a", "b")), "bias")
EARLY = Outcome(0.1, {}, 20, 50, True, -0.1, interval=(0.0, 0.2), seconds=1.5)
EXACT = replace(EARLY, drop=0.4, scores={"top1": 70.0}, evaluated=50, holds=False)


def write(journal: Journal, outcome: Outcome, whole: bool) -> None:
    journal.write("trial", _name(SOME, whole), asdict(outcome))


def test_a_run_that_goes_on_sees_first_what_was_seen_first(tmp_path: Path) -> None:
    with open_journal(tmp_path, {}) as journal:
        write(journal, EARLY, whole=False)
        write(journal, EXACT, whole=True)
    with open_journal(tmp_path, {}) as journal:
        assert recall_outcome(journal, SOME, whole=False) == EARLY
        assert recall_outcome(journal, SOME, whole=True) == EXACT
    assert count_kept(tmp_path) == 2


def test_what_stopped_early_is_no_answer_to_the_whole_question() -> None:
    with open_journal(None, {}) as journal:
        write(journal, EARLY, whole=False)
        assert recall_outcome(journal, SOME, whole=True) is None
        assert recall_outcome(journal, Configuration(), whole=False) is None


def test_what_saw_all_samples_answers_both() -> None:
    with open_journal(None, {}) as journal:
        write(journal, EXACT, whole=False)
        assert recall_outcome(journal, SOME, whole=True) == EXACT
    with open_journal(None, {}) as journal:
        write(journal, EXACT, whole=True)
        assert recall_outcome(journal, SOME, whole=False) == EXACT


@pytest.mark.parametrize("change", [{"drop": "x"}, {"interval": 3}, {"more": 1}])
def test_an_outcome_that_was_changed_is_refused(change: dict[str, object]) -> None:
    with open_journal(None, {}) as journal:
        journal.write("trial", _name(SOME, whole=True), {**asdict(EXACT), **change})
        with pytest.raises(JobError, match="an entry of kind trial was changed"):
            recall_outcome(journal, SOME, whole=True)


def test_a_search_goes_on_only_with_the_same_annotations() -> None:
    with open_journal(None, {}) as journal:
        check_unchanged(journal, "one")
        journal.write(*ANNOTATIONS, "one")
        check_unchanged(journal, "one")
        with pytest.raises(JobError, match="annotations of the validation dataset have changed"):
            check_unchanged(journal, "other")

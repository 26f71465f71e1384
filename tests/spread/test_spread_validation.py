"""Evaluated on two processes, every model gets the outcome it gets on one: evidence, verdict, and where it fell."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spread_samples import Broken, Deadly, compiled, distance, graph, refusing, samples, validation

from calibench.datasets.dataset import Subset
from calibench.errors import Cancelled, DatasetError, SettingsError
from calibench.progress import silent
from calibench.search.validation import Begun, Validation
from calibench.search.values import Limit
from calibench.spread.held import Shared
from calibench.spread.spread_validation import SpreadModel, SpreadValidation
from calibench.spread.team import Team, rooted

pytestmark = pytest.mark.targets

LIMIT = [Limit("top1", 1.0)]


def spread(team: Team, noise: float, judged: Validation) -> SpreadModel:
    return SpreadValidation(team, "CPU", "f32")(graph(noise), judged)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.8])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("is_whole", [True, False])
def test_outcome_evidence_and_outputs_are_those_of_one_process(
    team: Team, noise: float, batch: int, is_whole: bool
) -> None:
    judged = validation(samples(230), batch=batch)
    alone, together = Begun(), Begun()
    wanted = judged.evaluate(compiled(noise), LIMIT, silent, alone, whole=is_whole)
    found = judged.evaluate(spread(team, noise, judged), LIMIT, silent, together, whole=is_whole)
    assert found == wanted
    assert (together.evidence, together.worse, together.changes) == (alone.evidence, alone.worse, alone.changes)
    assert len(together.outputs) == len(alone.outputs)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(together.outputs, alone.outputs, strict=True))


def test_an_early_verdict_falls_at_the_same_sample_and_the_evaluation_goes_on_from_there(team: Team) -> None:
    judged = validation(samples(400))
    model, begun = spread(team, 0.8, judged), Begun()
    early = judged.evaluate(model, LIMIT, silent, begun, whole=False)
    assert not early.is_exact and early == judged.evaluate(compiled(0.8), LIMIT, silent, whole=False)
    assert len(begun.evidence) == early.evaluated, "what is behind the verdict counts for nothing"
    later = judged.evaluate(model, LIMIT, silent, begun)
    assert later == judged.evaluate(compiled(0.8), LIMIT, silent)


def test_progress_is_told_sample_by_sample_in_order(team: Team) -> None:
    judged, told = validation(samples(50)), []
    judged.evaluate(spread(team, 0.0, judged), LIMIT, lambda stage, done, total: told.append((stage, done, total)))
    forward = list(dict.fromkeys(told))
    assert forward[-50:] == [("validate", done, 50) for done in range(1, 51)]
    assert told == sorted(told)


def test_a_metric_that_compares_with_fp32_is_given_its_outputs(team: Team) -> None:
    judged = validation(samples(40), distance())
    limit = [Limit("distance", 9.0)]
    assert judged.evaluate(spread(team, 0.3, judged), limit, silent) == judged.evaluate(compiled(0.3), limit, silent)


def test_large_outputs_stay_where_they_are_and_the_evidence_comes(team: Team) -> None:
    judged, begun = validation(samples(40)), Begun()
    found = judged.evaluate(spread(replace(team, most_sent=4), 0.8, judged), LIMIT, silent, begun)
    assert found == judged.evaluate(compiled(0.8), LIMIT, silent)
    assert not begun.outputs.is_whole


def test_a_worker_that_is_killed_loses_nothing(team: Team, tmp_path: Path) -> None:
    data = samples(230)
    deadly = Subset(Deadly(data.dataset, tmp_path / "killed", os.getpid(), 100), data.indices)
    judged = validation(deadly)
    assert judged.evaluate(spread(team, 0.8, judged), LIMIT, silent) == judged.evaluate(compiled(0.8), LIMIT, silent)
    assert int((tmp_path / "killed").read_text()) != os.getpid()


def test_a_metric_that_fails_does_so_at_the_same_sample_with_the_same_words(team: Team) -> None:
    data = samples(60)
    odd = float(data[37]["scores"][0, 0])
    judged = validation(data, refusing(odd), take=lambda sample: sample["scores"] + 1)
    limit, told = [Limit("own", 1.0)], []
    for model in (compiled(0.0), spread(team, 0.0, judged)):
        with pytest.raises(SettingsError) as refused:
            judged.evaluate(model, limit, silent)
        told.append(str(refused.value))
    assert told[0] == told[1] == "sample 22: this one is odd"


def test_a_sample_that_cannot_be_read_is_refused_in_its_turn(team: Team, tmp_path: Path) -> None:
    data = samples(60)
    judged = validation(Subset(Broken(data.dataset, tmp_path, os.getpid(), 30), data.indices))
    begun = Begun()
    with pytest.raises(DatasetError, match="sample 30 cannot be read"):
        judged.evaluate(spread(team, 0.0, judged), LIMIT, silent, begun)
    assert len(begun.evidence) <= 29


def test_a_worker_with_other_samples_at_the_same_path_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    data = samples(20)
    judged = validation(data)
    team.share(data.dataset)
    monkeypatch.setattr(type(data.dataset), "identity", lambda self, index: "another")
    with pytest.raises(DatasetError, match="has another file there"):
        judged.evaluate(spread(team, 0.0, judged), LIMIT, silent)


def test_a_cancelled_evaluation_leaves_workers_that_go_on_with_the_next(team: Team) -> None:
    judged = validation(samples(230))

    def cancel(stage: str, done: int, total: int) -> None:
        if done == 20:
            raise Cancelled

    with pytest.raises(Cancelled):
        judged.evaluate(spread(team, 0.0, judged), LIMIT, cancel)
    assert judged.evaluate(spread(team, 0.0, judged), LIMIT, silent).drop == 0.0


def test_the_dataset_below_any_subsets_is_found() -> None:
    data = samples(10)
    root, indices = rooted(Subset(data, (3, 1)), (1, 0))
    assert root is data.dataset and indices == (8, 6)


def test_what_cannot_leave_the_process_is_refused_in_one_sentence() -> None:
    with pytest.raises(SettingsError, match="cannot be sent to worker processes"):
        Shared("x", (each for each in ()))

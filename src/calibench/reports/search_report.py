"""The search in the report: every trial, the ranking, the front, and the promise; schema, and how it is filled."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

from calibench.reports.fields import decided, measured
from calibench.reports.promise import Certified, held_out_sentence, needed_sentence, promise
from calibench.search.values import Configuration, Found, FrontPoint, HeldOut, Limit, Outcome, Ranked, Trial
from calibench.settings import Frozen

State = Literal["int8", "mended", "float"]


class LimitRow(Frozen):
    """How much worse one score may become."""

    metric: str = decided(..., "its name")
    drop: float = measured(..., "largest drop, in the unit of the metric; a relative limit is turned into points")
    label: int | None = decided(None, "index of the class that it is for; None: all samples")
    class_name: str = decided("", "name of that class")


class TrialRow(Frozen):
    """One model that was evaluated."""

    number: int = measured(..., "in the order of the run")
    purpose: str = measured(..., "why it was tried")
    floats: tuple[str, ...] = measured((), "layers that kept their original precision")
    repair: str = measured("none", "what was mended: none, or bias: biases corrected one layer after the other")
    drop: float | None = measured(
        ...,
        "of the main metric, positive when worse; where it was stopped early, as if nothing else changed; None where "
        "it is no number",
    )
    scores: dict[str, float] = measured({}, "metric -> score; empty where it was stopped early")
    evaluated: int = measured(..., "samples that were evaluated")
    total: int = measured(..., "samples of the validation dataset")
    is_exact: bool = measured(..., "whether all samples were evaluated")
    holds: bool = measured(..., "whether all limits hold; certain where it is exact")
    broken: str = measured("", "the limit that is exceeded most, in words")
    excess: float | None = measured(None, "by how much it is exceeded, in its unit; negative: what is left")
    time_ms: float | None = measured(None, "of one inference, predicted from the measured times of the layers, ms")
    seconds: float = measured(0.0, "that the trial took")


class RankedRow(Frozen):
    """A layer of the ranking, the worst first."""

    layer: str = measured(..., "its name")
    error_db: float | None = measured(
        None, "noise over signal of the outputs when only this layer is quantized, dB, higher is worse"
    )
    own_db: float | None = measured(
        ..., "noise over signal of its own output in FP32 surroundings, dB; None where there is no noise"
    )
    share: float = measured(0.0, "of the output noise of all measured layers, 0..1")
    drop: float = measured(0.0, "estimated: its share of what plain INT8 loses, in the unit of the metric")
    multiply_adds: int = measured(0, "of one inference")
    saves_ms: float | None = measured(None, "by how much INT8 runs it faster, ms")
    state: State = measured("int8", "in the returned model; mended: it stays INT8, repaired")
    repairs: tuple[str, ...] = measured((), "repairs that were tried on it")
    returned: bool = measured(False, "was in float in a model within the limits, and went back to INT8")


class FrontRow(Frozen):
    """A model that no other beats in both accuracy and time, the most accurate first."""

    trial: int = measured(..., "number of its trial")
    drop: float = measured(..., "in the unit of the metric, positive when worse")
    drop_interval: tuple[float, float] | None = measured(None, "95 % confidence, paired")
    scores: dict[str, float] = measured({}, "metric -> score")
    floats: tuple[str, ...] = measured((), "layers that kept their original precision")
    repair: str = measured("none", "what was mended: none, bias")
    time_ms: float | None = measured(None, "of one inference, predicted, ms")
    fps: float | None = measured(None, "throughput as measured, samples a second")
    int8_bytes: int | None = measured(None, "size of model.xml and model.bin")
    folder: str = measured("", "where its files lie, relative to the result")


class HeldOutRow(Frozen):
    """The drop on samples that decided nothing."""

    samples: int = measured(..., "how many")
    baseline: float = measured(..., "score of exact FP32")
    int8: float = measured(..., "score of INT8 as it will be deployed")
    drop: float = measured(..., "positive when worse")
    drop_interval: tuple[float, float] | None = measured(None, "95 % confidence, paired")
    sentence: str = measured("", "the same in words")


class SearchReport(Frozen):
    """What the accuracy-aware method promises, and how it came to it."""

    metric: str = decided(..., "the main metric")
    limits: tuple[LimitRow, ...] = measured(..., "as they were applied, main first")
    drop_type: Literal["absolute", "relative"] = decided("absolute", "what the settings count limits in")
    label_free: bool = decided(False, "no annotations: the drop is bounded by how often INT8 disagrees with FP32")
    is_reached: bool = measured(..., "every limit holds, a layer is INT8, and it is faster than what is deployed now")
    why_not: str = measured("", "one sentence where it is not reached")
    promise: str = measured("", "what INT8 loses, on what, and under which conditions that was measured")
    needed_samples: int | None = measured(None, "samples that tell a drop as large as the limit from noise")
    needed: str = measured("", "the same in words")
    best: int = measured(..., "number of the trial that is returned")
    trials: tuple[TrialRow, ...] = measured((), "every model that was evaluated, in order")
    most_trials: int = measured(0, "that the search could have needed at most")
    ranking: tuple[RankedRow, ...] = measured((), "layers by what they cost, the worst first")
    front: tuple[FrontRow, ...] = measured((), "accuracy against speed; calibench pick takes another point of it")
    float_multiply_adds_share: float | None = measured(
        None, "multiply-adds of the layers given back to float, of all ranked layers, 0..1"
    )
    held_out: HeldOutRow | None = measured(None, "the drop on samples that decided nothing")
    overlap: int = measured(0, "samples that both set the ranges and decided, or were held out as well")
    notes: tuple[str, ...] = measured((), "what the person should know, one sentence each")


def search_report(found: Found, certified: Certified, drop_type: Literal["absolute", "relative"]) -> SearchReport:
    """What a search found, as it goes into the report.

    Args:
        certified: the final judgement of the returned model on all validation samples.
    """
    main = found.limits[0]
    trials = {trial.number: trial for trial in found.trials}
    best = trials[found.best]
    return SearchReport(
        metric=main.metric,
        limits=tuple(_limit(limit, certified.classes) for limit in found.limits),
        drop_type=drop_type,
        label_free=found.label_free,
        is_reached=found.is_reached,
        why_not=found.why_not,
        promise=promise(certified, label_free=found.label_free),
        needed_samples=found.needed_samples,
        needed=needed_sentence(certified, main.drop, found.needed_samples),
        best=found.best,
        trials=tuple(trial_row(trial) for trial in found.trials),
        most_trials=found.most_trials,
        ranking=tuple(_ranked(each, best, found) for each in found.ranking),
        front=tuple(_point(each, trials) for each in sorted(found.front, key=lambda point: point.drop)),
        float_multiply_adds_share=_float_share(found.ranking, best.configuration.floats),
        held_out=_held_out(found.held_out, certified) if found.held_out else None,
        overlap=found.overlap,
        notes=found.notes,
    )


def _limit(limit: Limit, classes: Mapping[int, str]) -> LimitRow:
    name = "" if limit.label is None else classes.get(limit.label, "")
    return LimitRow(metric=limit.metric, drop=limit.drop, label=limit.label, class_name=name)


def trial_row(trial: Trial) -> TrialRow:
    """One trial as it goes into the report."""
    outcome = trial.outcome
    return TrialRow(
        number=trial.number,
        purpose=trial.purpose,
        floats=tuple(sorted(trial.configuration.floats)),
        repair=trial.configuration.repair,
        drop=_finite(outcome.drop),
        scores=_scores(outcome),
        evaluated=outcome.evaluated,
        total=outcome.total,
        is_exact=outcome.is_exact,
        holds=outcome.holds,
        broken=outcome.broken,
        excess=_finite(outcome.excess),
        time_ms=trial.time_ms,
        seconds=trial.outcome.seconds,
    )


def trial_of(row: Mapping[str, Any]) -> Trial:
    """The trial of a row that was read, as far as it is known from that."""
    drop = float("nan") if row["drop"] is None else row["drop"]
    outcome = Outcome(
        drop, row["scores"], row["evaluated"], row["total"], row["holds"], row["excess"] or 0.0, seconds=row["seconds"]
    )
    return Trial(row["number"], Configuration(frozenset(row["floats"]), row["repair"]), row["purpose"], outcome)


def _ranked(ranked: Ranked, best: Trial, found: Found) -> RankedRow:
    repairs = tuple(found.tried_repairs.get(ranked.name, ()))
    chosen = best.configuration
    state: State = (
        "float" if ranked.name in chosen.floats else "mended" if repairs and _mends(chosen.repair) else "int8"
    )
    return RankedRow(
        layer=ranked.name,
        error_db=_finite(ranked.error_db),
        own_db=_finite(ranked.own_db),
        share=_finite(ranked.share) or 0.0,
        drop=_finite(ranked.drop) or 0.0,
        multiply_adds=ranked.multiply_adds,
        saves_ms=ranked.saves_ms,
        state=state,
        repairs=repairs,
        returned=state != "float" and any(ranked.name in floats for floats in _larger(best, found)),
    )


def _mends(repair: str) -> bool:
    return repair != "none"


def _larger(best: Trial, found: Found) -> list[frozenset[str]]:
    """Sets of float layers that held before the best one, and that contain its own."""
    own = best.configuration.floats
    held = (trial.configuration.floats for trial in found.trials if trial.outcome.holds and trial.number < best.number)
    return [floats for floats in held if floats > own]


def _point(point: FrontPoint, trials: dict[int, Trial]) -> FrontRow:
    outcome = trials[point.trial].outcome
    return FrontRow(
        trial=point.trial,
        drop=point.drop,
        drop_interval=point.drop_interval or outcome.interval,
        scores=_scores(outcome),
        floats=tuple(sorted(point.configuration.floats)),
        repair=point.configuration.repair,
        time_ms=point.time_ms,
        fps=point.fps,
        int8_bytes=point.int8_bytes,
        folder=point.folder,
    )


def _float_share(ranking: tuple[Ranked, ...], floats: frozenset[str]) -> float | None:
    total = sum(each.multiply_adds for each in ranking)
    return sum(each.multiply_adds for each in ranking if each.name in floats) / total if total else None


def _held_out(held: HeldOut, certified: Certified) -> HeldOutRow:
    return HeldOutRow(
        samples=held.samples,
        baseline=held.baseline,
        int8=held.int8,
        drop=held.drop,
        drop_interval=held.interval,
        sentence=held_out_sentence(held, certified),
    )


def _scores(outcome: Outcome) -> dict[str, float]:
    return {name: score for name, score in outcome.scores.items() if isfinite(score)}


def _finite(value: float | None) -> float | None:
    """What JSON can hold, else None."""
    return value if value is not None and isfinite(value) else None

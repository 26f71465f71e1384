"""Evaluation against limits: verdicts that stop early are those of the whole set, and nothing is promised early."""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.dataset import Arrays
from calibench.errors import SettingsError
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import Metric, Observation, mean_of
from calibench.evaluation.metrics.top_k import agreement, top_k
from calibench.evaluation.tasks.task import Task
from calibench.inference.runner import compile_for_samples
from calibench.progress import silent
from calibench.search.validation import Begun, Validation, _Bounds, run_baseline
from calibench.search.values import Limit

CLASSES = 4


def model(change: Callable[[Any], Any] = lambda scores: scores) -> ov.CompiledModel:
    scores = ops.parameter([-1, CLASSES], np.float32, name="scores")
    scores.output(0).get_tensor().set_names({"scores"})
    result = ops.result(change(scores))
    return compile_for_samples(ov.Model([result], [scores]), "CPU", 2)


def samples(count: int, wrong: float = 0.1, seed: int = 0) -> Arrays:
    """Scores of which the highest is the label, but for a share of them."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(count, 1, CLASSES)).astype(np.float32)
    labels = scores.reshape(count, CLASSES).argmax(1)
    labels = np.where(random.random(count) < wrong, (labels + 1) % CLASSES, labels)
    return Arrays([{"scores": each} for each in scores], labels.tolist())


def judge(metric: Metric | None = None) -> Judge:
    return Judge(Task("classification", lambda outputs, frame: None, {}), metric or top_k(1), ("out",))


def validation(data: Arrays, metric: Metric | None = None, further: tuple[Metric, ...] = ()) -> Validation:
    judged = judge(metric)
    outputs = ((np.asarray(sample["scores"]),) for sample in data.samples)
    return Validation(data, judged, further, run_baseline(outputs, data, judged, further), 1, 2)


def noisy(strength: float, seed: int = 1) -> Callable[[Any], Any]:
    noise = np.random.default_rng(seed).normal(size=(1, CLASSES)).astype(np.float32)
    return lambda scores: ops.add(scores, ops.constant(strength * noise))


def test_the_same_model_loses_nothing() -> None:
    found = validation(samples(100)).evaluate(model(), [Limit("top1", 0.0)], silent)
    assert found.drop == 0.0 and found.holds and found.is_exact
    assert found.excess == 0.0 and found.broken == ""


def test_the_drop_is_that_of_the_metric_counted_by_hand() -> None:
    data = samples(200)
    shift = np.array([[2.0, 0, 0, 0]], np.float32)
    found = validation(data).evaluate(
        model(lambda scores: ops.add(scores, ops.constant(shift))), [Limit("top1", 1.0)], silent
    )
    scores = np.stack([sample["scores"][0] for sample in data.samples])
    labels = np.asarray(data.labels)
    right = [100 * float((array.argmax(1) == labels).mean()) for array in (scores, scores + shift)]
    assert found.drop == pytest.approx(right[0] - right[1])
    assert found.scores == {"top1": pytest.approx(right[1])}
    assert not found.holds and found.broken == "top1"


@given(strength=st.floats(0.0, 0.6), limit=st.floats(0.0, 12.0), wrong=st.floats(0.0, 0.5), seed=st.integers(0, 10**6))
def test_curtailment_gives_the_verdict_of_the_whole_set(strength: float, limit: float, wrong: float, seed: int) -> None:
    """Without a margin order only what is certain stops early."""
    random = np.random.default_rng(seed)
    before = np.where(random.random(200) < wrong, 0.0, 100.0)
    after = np.where(random.random(200) < strength / 2, 100.0 - before, before)
    bounds, begun, said = _Bounds(before, limit, False, True), Begun(), None
    for place in range(199):
        begun.add((), float(before[place] - after[place]))
        said = bounds.verdict(begun)
        if said is not None:
            break
    holds = float((before - after).mean()) <= limit + 1e-9
    assert said in (None, holds)


def test_hopeless_models_are_told_after_a_part_of_the_samples() -> None:
    data = samples(1000)
    found = validation(data).evaluate(model(ops.negative), [Limit("top1", 0.5)], silent, whole=False)
    assert not found.holds and not found.is_exact
    assert found.evaluated <= 250
    assert found.scores == {}


def test_samples_that_fp32_decides_by_a_hair_come_first() -> None:
    data = samples(300)
    order = validation(data).order
    gaps = [np.diff(np.sort(data.samples[i]["scores"][0])[-2:])[0] for i in order]
    assert gaps == sorted(gaps)


def test_whatever_stops_early_agrees_with_the_whole_set_far_from_the_limit() -> None:
    data = samples(2000)
    judged = validation(data)
    for strength in (0.0, 0.02, 0.5, 1.0):
        changed = model(noisy(strength))
        whole = judged.evaluate(changed, [Limit("top1", 3.0)], silent)
        early = judged.evaluate(changed, [Limit("top1", 3.0)], silent, whole=False)
        assert early.holds == whole.holds
        assert early.evaluated < 2000


def test_an_evaluation_that_stopped_early_goes_on_to_the_same_end() -> None:
    data = samples(1000)
    judged, begun = validation(data), Begun()
    changed = model(noisy(0.4))
    early = judged.evaluate(changed, [Limit("top1", 0.5)], silent, begun, whole=False)
    assert not early.is_exact
    later = judged.evaluate(changed, [Limit("top1", 0.5)], silent, begun)
    assert later == judged.evaluate(changed, [Limit("top1", 0.5)], silent)
    assert len(begun.outputs) == 1000


def test_a_verdict_waits_for_what_may_still_change() -> None:
    """The last third of what was seen tells how many changes may still come."""
    values = np.where(np.arange(1000) % 2, 100.0, 0.0)
    calm, restless = Begun(), Begun()
    for place in range(300):
        calm.add((), 100.0 if place < 10 else 0.0)
        restless.add((), 100.0 if place < 4 or place >= 294 else 0.0)
    bounds = _Bounds(values, 0.5, True, True)
    assert bounds.verdict(calm) is False
    assert bounds.verdict(restless) is None


def test_two_limits_need_every_sample_to_accept() -> None:
    data = samples(400)
    judged = validation(data, further=(top_k(2),))
    found = judged.evaluate(model(noisy(0.01)), [Limit("top1", 5.0), Limit("top2", 5.0)], silent, whole=False)
    assert found.is_exact and set(found.scores) == {"top1", "top2"}


def test_the_tightest_limit_is_named() -> None:
    data = samples(400)
    judged = validation(data, further=(top_k(2),))
    limits = [Limit("top1", 50.0), Limit("top2", 0.0)]
    found = judged.evaluate(model(noisy(1.0)), limits, silent)
    assert not found.holds and found.broken == "top2"


def test_a_class_may_have_a_limit_of_its_own() -> None:
    data = samples(400, wrong=0.0)
    spoil = np.array([[-10.0, 0, 0, 0]], np.float32)
    changed = model(lambda scores: ops.add(scores, ops.constant(spoil)))
    found = validation(data).evaluate(changed, [Limit("top1", 90.0), Limit("top1", 50.0, 0)], silent)
    assert not found.holds
    assert found.broken == "class 0 of top1"
    assert found.excess == pytest.approx(50.0)


def test_agreement_compares_with_what_fp32_gave() -> None:
    data = samples(200)
    judged = validation(data, agreement())
    assert judged.evaluate(model(), [Limit("agreement", 0.0)], silent).drop == 0.0
    assert judged.evaluate(model(ops.negative), [Limit("agreement", 0.5)], silent).drop > 50


def test_a_top1_drop_is_never_larger_than_the_disagreement() -> None:
    data = samples(500)
    for strength in (0.05, 0.2, 0.6):
        changed = model(noisy(strength))
        drops = [
            validation(data, metric).evaluate(changed, [Limit(metric.name, 1.0)], silent).drop
            for metric in (top_k(1), agreement())
        ]
        assert drops[0] <= drops[1] + 1e-9


def test_outputs_are_kept_in_the_order_of_the_samples() -> None:
    data = samples(50)
    judged, begun = validation(data), Begun()
    judged.evaluate(model(noisy(0.3)), [Limit("top1", 1.0)], silent, begun)
    shift = 0.3 * np.random.default_rng(1).normal(size=(1, CLASSES)).astype(np.float32)
    for sample, (out,) in zip(data.samples, judged.in_order(begun.outputs), strict=True):
        np.testing.assert_allclose(out, sample["scores"] + shift, rtol=1e-5)


def test_a_metric_that_is_not_deterministic_is_found_out() -> None:
    random = np.random.default_rng(0)

    def value(seen: Observation) -> float:
        return float(random.random())

    with pytest.raises(SettingsError, match="for the same outputs"):
        validation(samples(10), mean_of("mine", "%", True, "nothing", value))


def test_a_metric_that_fails_on_a_sample_names_it() -> None:
    def value(seen: Observation) -> float:
        if seen.truth.label == 3:
            raise SettingsError("--metric mine failed (ValueError: no). It gets outputs out.")
        return 1.0

    with pytest.raises(SettingsError, match=r"sample \d+: --metric mine failed"):
        validation(samples(50), mean_of("mine", "%", True, "nothing", value))


def test_a_metric_without_samples_values_needs_them_all() -> None:
    """A score that is no mean, such as mean average precision, tells nothing before the end."""
    base = top_k(1)
    odd = Metric("odd", "%", True, "label", base.observe, lambda e: base.score(e[: len(e) // 2]), base.value)
    data = samples(300)
    found = validation(data, odd).evaluate(model(ops.negative), [Limit("odd", 0.5)], silent, whole=False)
    assert found.is_exact

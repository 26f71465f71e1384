"""Try the settings on a few annotated samples, and find the one that is wrong by trying what people get wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.datasets.pictures import Pictures
from calibench.datasets.subset import choose
from calibench.errors import DatasetError
from calibench.evaluation.alternatives import Cause, Change, alternatives
from calibench.evaluation.judge import Judge, at_sample
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation
from calibench.evaluation.metrics.top_k import class_scores
from calibench.inference.rehearsal import Rehearsal
from calibench.progress import Progress
from calibench.settings import InputSettings, TaskSettings

FloatArray = NDArray[np.float64]

FIRST = 24
"""Samples that every change is tried on, where the model is not too heavy for it."""
STEPS = (1, 2, 4)
"""Times as many, where it is not clear yet whether a change helps."""
LEAST = 8
"""Fewer annotated samples tell nothing."""
SURE = 3.5
"""Standard errors by which a change must be better: of some fifteen changes one is by chance better by 2.5."""
SLACK = 2.0
"""Standard errors by which a change may lag behind the way to being sure and still be looked at on more samples: one
that just matters lags by more in one case of forty. (BGR for RGB costs EfficientNet-Lite0 11 points of top-1; the
change back is better by -0.1 standard errors on the first 24 samples, by 3.7 on 96.)"""
FINALISTS = 3
"""Helping changes that are held against each other on all samples."""
BUDGET = 1e12
"""Multiplications with addition to try every change, some 20 s on two cores: heavy networks get fewer samples. It is no
budget of seconds, so that the same input gives the same findings."""
AS_GOOD = 1.0
"""Standard errors below which two changes help equally."""
ROUNDS = 3
"""Mistakes that are looked for, one on top of the other."""
LEAST_LIKELY = 1e-3
"""Probability below which a class counts as not seen at all, so that one sample cannot rule."""


@dataclass(frozen=True)
class Finding:
    """A setting that seems wrong.

    Attributes:
        says: the options that mend it.
        before, after: score of the metric on the samples tried, in its unit.
        samples: how many they were.
    """

    cause: Cause
    says: str
    before: float
    after: float
    samples: int


@dataclass(frozen=True)
class Diagnosis:
    """What trying has shown.

    Attributes:
        findings: in the order in which they were found, each on top of the others; empty when nothing seems wrong.
        inputs, task: the settings with everything put right.
        score: with the settings as they were given, in the unit of the metric.
        is_near_chance: `score` is what guessing would give.
        samples: how many were tried.
    """

    findings: tuple[Finding, ...]
    inputs: InputSettings
    task: TaskSettings
    metric: str
    unit: str
    score: float
    is_near_chance: bool
    samples: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """For a person."""
        said = [
            f"Wrong {each.cause}, it seems: with {each.says} {self.metric} is {each.after:.1f} {self.unit} instead of "
            f"{each.before:.1f}, on {each.samples} samples."
            for each in self.findings
        ]
        if self.is_near_chance and not self.findings:
            said.append(
                f"{self.metric} is {self.score:.1f} {self.unit} on {self.samples} samples, as if by guessing. "
                "Another colour order, mean and scale, resize, or labels off by one do not mend it: look at the "
                "order of the classes (--labels), the task and the decoder."
            )
        return tuple(said)


@dataclass(frozen=True)
class _Setup:
    """Input and task settings that are tried together."""

    inputs: InputSettings
    task: TaskSettings

    @property
    def key(self) -> str:
        """Equal for equal setups."""
        return self.inputs.model_dump_json() + self.task.model_dump_json()

    def with_change(self, change: Change) -> "_Setup":
        """The same but for the change."""
        inputs = self.inputs.model_copy(update=dict(change.inputs))
        return _Setup(inputs, self.task.model_copy(update=dict(change.task)))


def diagnose(
    model: ov.Model,
    pictures: Pictures,
    make_judge: Callable[[TaskSettings], Judge],
    task: TaskSettings,
    device: str,
    threads: int,
    progress: Progress,
) -> Diagnosis | None:
    """Look for mistakes in the settings of a model that takes pictures.

    Args:
        pictures: annotated, with the input settings that are in question.
        make_judge: task settings -> judge.

    Returns:
        None where there are too few annotated samples, or the metric compares with FP32. A person's own metric counts.
    """
    metric = make_judge(task).metric
    if len(pictures) < LEAST or metric.needs == "reference" or not pictures.about.annotated:
        return None
    trial = _Trial(Rehearsal(model, pictures.image, device, threads), pictures, make_judge)
    given = now = _Setup(pictures.image.settings, task)
    if trial.readable(given, LEAST) < LEAST:
        return None
    trial.fits(given, 1)  # shows how many classes the model has
    steps = trial.steps(given)
    findings: list[Finding] = []
    for number in range(ROUNDS):
        progress("diagnose", number, ROUNDS)
        change = _best_change(trial, now, steps)
        if change is None:
            break
        then = now.with_change(change)
        count = min(trial.seen(now), trial.seen(then))
        findings.append(Finding(change.cause, change.says, trial.score(now, count), trial.score(then, count), count))
        now = then
    progress("diagnose", ROUNDS, ROUNDS)
    count = trial.seen(given)
    score = trial.score(given, count)
    near = _is_near_chance(metric, score, count, trial.classes)
    return Diagnosis(tuple(findings), now.inputs, now.task, metric.name, metric.unit, score, near, count)


def _best_change(trial: "_Trial", now: _Setup, steps: tuple[int, ...]) -> Change | None:
    """The change that helps most, if any surely does; of those that help as much, the one that is tried first."""
    helping: list[Change] = []
    for change in trial.changes(now):
        then = now.with_change(change)
        for count in steps:
            sure = _errors(trial.fits(then, count) - trial.fits(now, count))
            if not SURE * np.sqrt(count / steps[-1]) - SLACK < sure < SURE:
                break
        if sure >= SURE and trial.is_worth_it(now, then):
            helping.append(change)
    if not helping:
        return None
    count = max(trial.seen(now.with_change(change)) for change in helping)
    means = [float(trial.fits(now.with_change(change), count).mean()) for change in helping]
    least = sorted(means)[-FINALISTS:][0]
    finalists = [change for change, mean in zip(helping, means, strict=True) if mean >= least]
    count = steps[-1] if len(finalists) > 1 else count
    fits = [trial.fits(now.with_change(change), count) for change in finalists]
    best = max(fits, key=lambda each: float(each.mean()))
    return next(change for change, own in zip(finalists, fits, strict=True) if _errors(best - own) < AS_GOOD)


def _errors(differences: FloatArray) -> float:
    """Mean of paired differences in its standard errors; 0 where nothing differs."""
    spread = float(differences.std(ddof=1)) / np.sqrt(len(differences))
    mean = float(differences.mean())
    return 0.0 if mean == 0.0 else mean / max(spread, 1e-9)


class _Trial:
    """Runs setups on the first samples of a random choice, and keeps what they gave."""

    def __init__(self, rehearsal: Rehearsal, pictures: Pictures, make_judge: Callable[[TaskSettings], Judge]) -> None:
        self._rehearsal, self._make_judge = rehearsal, make_judge
        self._pictures = pictures
        self._chosen = list(choose(pictures, str(FIRST * STEPS[-1]), seed=0).indices)
        self._readable = 0
        self._kept: dict[str, list[tuple[float, Any]]] = {}
        self._pixels: dict[tuple[int, str], NDArray[np.uint8]] = {}
        self.classes = 0

    def steps(self, setup: _Setup) -> tuple[int, ...]:
        """How many samples are looked at, in turn, within what there is and what can be afforded."""
        rounds = (len(self.changes(setup)) + 1) * max(self._rehearsal.multiply_adds, 1)
        affordable = min(FIRST, int(BUDGET / rounds))
        first, most = max(LEAST, affordable), max(LEAST, affordable * STEPS[-1])
        counts = (LEAST, *(min(first * step, most) for step in STEPS))
        return tuple(sorted({min(count, len(self._chosen)) for count in counts}))

    def readable(self, setup: _Setup, count: int) -> int:
        """How many of the first `count` samples there are. Unreadable ones leave here; opening the sets names them."""
        pictures = self._with(setup)
        while self._readable < min(count, len(self._chosen)):
            index = self._chosen[self._readable]
            try:
                self._decoded(pictures, index)
                pictures.describe(index)
                self._readable += 1
            except DatasetError:
                self._chosen.remove(index)
        return min(count, self._readable)

    def changes(self, setup: _Setup) -> list[Change]:
        """What may be tried on top of a setup: labels are not shifted to where the model has no class."""
        has_labels = self._make_judge(setup.task).metric.needs == "label"
        found = alternatives(setup.inputs, setup.task, self._pictures.image.channels, has_labels)
        return [change for change in found if change.cause != "labels" or self._has_classes(setup.with_change(change))]

    def _has_classes(self, setup: _Setup) -> bool:
        """Whether every label of the dataset is a class of the model; True where they are not counted."""
        labels, offset = self._pictures.labels or (), setup.task.label_offset
        if not self.classes or not labels:
            return True
        return min(labels) + offset >= 0 and max(labels) + offset < self.classes

    def fits(self, setup: _Setup, count: int) -> FloatArray:
        """float64 [count]: how well the model does on each sample; higher is better."""
        return np.array([fit for fit, _ in self._run(setup, count)], np.float64)

    def seen(self, setup: _Setup) -> int:
        """On how many samples a setup was tried so far."""
        return len(self._kept.get(setup.key, ()))

    def score(self, setup: _Setup, count: int) -> float:
        """The metric on these samples."""
        evidence = [evidence for _, evidence in self._run(setup, count)]
        return self._make_judge(setup.task).metric.score(evidence).score

    def is_worth_it(self, now: _Setup, then: _Setup) -> bool:
        """Whether the metric itself gains, too: a surer answer that is as often right is no reason to alarm."""
        sign = 1.0 if self._make_judge(now.task).metric.higher_is_better else -1.0
        count = min(self.seen(now), self.seen(then))
        return sign * (self.score(then, count) - self.score(now, count)) > 0.0

    def _run(self, setup: _Setup, count: int) -> list[tuple[float, Any]]:
        kept = self._kept.setdefault(setup.key, [])
        missing = self._chosen[len(kept) : self.readable(setup, count)]
        if missing:
            judge = self._make_judge(setup.task)
            pictures = self._with(setup)
            found = self._rehearsal.run((self._decoded(pictures, index) for index in missing), pictures.image)
            for index, each in zip(missing, found, strict=True):
                outputs = judge.named(each)
                described = pictures.describe(index)
                with at_sample(described.name):
                    seen = judge.observe(outputs, outputs, described)
                    evidence = judge.metric.observe(seen)
                kept.append((self._fit(seen, evidence, judge.metric), evidence))
        return kept[:count]

    def _with(self, setup: _Setup) -> Pictures:
        return replace(self._pictures, image=replace(self._pictures.image, settings=setup.inputs))

    def _decoded(self, pictures: Pictures, index: int) -> NDArray[np.uint8]:
        key = (index, pictures.image.decoding)
        if key not in self._pixels:
            (pixels,) = pictures[index].values()
            self._pixels[key] = np.asarray(pixels, np.uint8)
        return self._pixels[key]

    def _fit(self, seen: Observation, evidence: Any, metric: Metric) -> float:
        """The log probability of the right class, which tells more than right or wrong; else the metric's own value."""
        scores = class_scores(seen.outputs) if metric.needs == "label" else None
        if scores is None or seen.truth.label is None or not isinstance(seen.prediction, int):
            return metric.value(evidence) * (1.0 if metric.higher_is_better else -1.0)
        self.classes = len(scores)
        label = seen.truth.label + int(scores.argmax()) - seen.prediction  # the shift that the task has settled on
        if not 0 <= label < len(scores):
            return float(np.log(LEAST_LIKELY))
        return float(np.log(max(_probabilities(scores)[label], LEAST_LIKELY)))


def _probabilities(scores: NDArray[np.generic]) -> FloatArray:
    """Of logits or of probabilities, float64 [C]."""
    values = np.nan_to_num(np.asarray(scores, np.float64))
    if values.min() >= 0.0 and abs(values.sum() - 1.0) < 1e-2:
        return values
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())


def _is_near_chance(metric: Metric, score: float, count: int, classes: int) -> bool:
    """Whether a score on so many samples is what guessing would give, or what no model would be kept for."""
    if metric.needs == "label" and classes:
        chance = 1.0 / classes
        return score <= 100.0 * (chance + 2.0 * float(np.sqrt(chance * (1.0 - chance) / count)))
    if metric.unit == PERCENT:
        return score < 1.0 if metric.higher_is_better else score > 90.0
    return metric.unit == "dB" and score < 10.0

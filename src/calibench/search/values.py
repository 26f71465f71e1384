"""What the search decides and learns: configurations, limits, outcomes, rankings; plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Repair = Literal["none", "bias"]
"""What was mended before anything was given back: `bias`: biases corrected one layer after the other."""


@dataclass(frozen=True)
class Configuration:
    """One INT8 model of the many that can be made of one network.

    Attributes:
        floats: names of the layers that keep their original precision.
    """

    floats: frozenset[str] = frozenset()
    repair: Repair = "none"

    def as_json(self) -> dict[str, Any]:
        return {"floats": sorted(self.floats), "repair": self.repair}


@dataclass(frozen=True)
class Limit:
    """How much worse one score may become.

    Attributes:
        metric: its name.
        drop: in the unit of the metric (percentage points for '%'), >= 0.
        label: of one class, index into the classes of the dataset; None: of all samples.
    """

    metric: str
    drop: float
    label: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What an evaluation of a configuration gave.

    Attributes:
        drop: of the main metric, in its unit, positive when INT8 is worse; over the samples evaluated where the
            evaluation stopped early, counted as if nothing changed on the others.
        scores: main metric first, then the others with a limit: metric -> score; empty where it stopped early.
        evaluated, total: samples.
        holds: every limit holds; certain where `is_exact`, else as far as could be seen.
        excess: by how much the tightest limit is exceeded, in its unit; negative: what is left.
        broken: which limit that is, in words; '' where all hold.
        interval: 95 % for `drop`, paired; None where it was not worked out.
        seconds: that building, compiling and running it took.
    """

    drop: float
    scores: Mapping[str, float]
    evaluated: int
    total: int
    holds: bool
    excess: float
    broken: str = ""
    interval: tuple[float, float] | None = None
    seconds: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Were all samples evaluated?"""
        return self.evaluated == self.total


@dataclass(frozen=True)
class Trial:
    """One evaluated configuration, in the order of the run.

    Attributes:
        purpose: why it was tried, for a person: 'plain INT8', 'biases corrected', '4 worst layers in float', ...
        time_ms: of one inference, predicted from the measured time of the layers; None where they were not measured.
    """

    number: int
    configuration: Configuration
    purpose: str
    outcome: Outcome
    time_ms: float | None = None


@dataclass(frozen=True)
class Ranked:
    """One layer of the ranking.

    Attributes:
        error_db: output noise over signal when only this layer is quantized, dB, higher is worse; None where it was not
            measured because its own error is small.
        own_db: noise over signal of its own output in FP32 surroundings, dB.
        share: of the output noise of all measured layers, 0..1.
        drop: estimated: its share of what plain INT8 loses, in the unit of the metric.
        multiply_adds: of one inference.
        saves_ms: by how much INT8 runs it faster, measured; None where it is not known.
    """

    name: str
    error_db: float | None
    own_db: float
    share: float
    drop: float
    multiply_adds: int
    saves_ms: float | None = None


@dataclass(frozen=True)
class FrontPoint:
    """A model that no other one beats in both accuracy and time.

    Attributes:
        trial: number of the trial.
        fps: throughput as measured, samples a second; None where it was not.
        folder: where its files lie, relative to the result.
        drop_interval: 95 %, paired; None where it is not known.
        int8_bytes: size of its files.
    """

    trial: int
    configuration: Configuration
    drop: float
    time_ms: float | None
    fps: float | None = None
    folder: str = ""
    drop_interval: tuple[float, float] | None = None
    int8_bytes: int | None = None


@dataclass(frozen=True)
class HeldOut:
    """The drop on samples that decided nothing. `interval`: 95 %, paired."""

    samples: int
    baseline: float
    int8: float
    drop: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Found:
    """How a search ended.

    Attributes:
        best: number of the trial that is returned.
        is_reached: every limit holds on all validation samples, with an INT8 layer left, and it is faster.
        why_not: one sentence where it is not reached.
        limits: as they were applied, main first; relative ones turned into points.
        most_trials: that the search could have needed at most.
        tried_repairs: layer -> repairs that were tried on it, in words.
        label_free: no annotations: the drop is bounded by how often INT8 disagrees with FP32.
        needed_samples: validation samples that tell a drop of the asked size from noise; None where not known.
        overlap: samples that both set the ranges and decided.
        notes: what the person should know, one sentence each.
    """

    best: int
    is_reached: bool
    why_not: str
    limits: tuple[Limit, ...]
    trials: tuple[Trial, ...]
    ranking: tuple[Ranked, ...]
    front: tuple[FrontPoint, ...]
    most_trials: int
    tried_repairs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label_free: bool = False
    needed_samples: int | None = None
    overlap: int = 0
    held_out: HeldOut | None = None
    notes: tuple[str, ...] = ()

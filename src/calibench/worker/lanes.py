"""Which jobs wait for which: queues, so that nothing waits for an hour of calibration that it need not wait for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from calibench.things.kept import Job, JobKind, Target
from calibench.things.target_spec import QUEUES

Lane = Literal["work", "away", "imports", "quick"]

AT_ONCE: dict[Lane, int] = {"work": 1, "away": 8, "imports": 2, "quick": 1}
"""Jobs of a lane that run at the same time.

`work` measures speed, and two that measure at once measure each other. `away` is work that other machines do: one after
the other on each of them, and as many at once as a batch queue likes. `quick` is what a person waits for in front of
the page: it runs beside a calibration, which loses the few seconds of 20 pictures by that. Speeds are measured in
turns (FP32, INT8, FP32 ...), so that a disturbance meets both sides; waiting an hour for a preview would be worse.
"""

LANES: dict[JobKind, Lane] = {
    "import-model": "imports",
    "import-dataset": "imports",
    "sample": "imports",
    "machine": "quick",
    "try-settings": "quick",
    "baseline": "work",
    "calibrate": "work",
    "benchmark": "work",
    "evaluate": "work",
    "compare": "work",
    "pick": "work",
}

ON_TARGET: tuple[JobKind, ...] = ("baseline", "calibrate", "benchmark", "evaluate", "compare", "machine")
"""Jobs whose work is done on their target; all others are done here, whatever the target of their project."""

PRIORITIES: dict[JobKind, int] = {"pick": 1}
"""Smaller runs first within a lane. A picked model is built in seconds, and a person holds the slider."""

Targets = Mapping[int, Target]


@dataclass(frozen=True)
class Turn:
    """Where a job waits.

    Attributes:
        part: of the lane `away`: one job of a part runs at a time; '' elsewhere.
        priority: place of its kind; smaller runs first.
    """

    lane: Lane
    part: str
    priority: int

    def is_beside(self, other: "Turn") -> bool:
        """Whether one of the two waits for the other."""
        return (self.lane, self.part) == (other.lane, other.part)


def turn(job: Job, targets: Targets) -> Turn:
    """Where a job waits.

    Args:
        targets: by id; that of the job at least.
    """
    lane, target = LANES[job.kind], targets.get(job.target_id or 0)
    if lane != "work" or target is None or not is_away(job, target):
        return Turn(lane, "", priority(job.kind))
    part = f"job-{job.id}" if target.spec.carrier.kind in QUEUES else f"target-{target.id}"
    return Turn("away", part, priority(job.kind))


def is_away(job: Job, target: Target | None) -> bool:
    """Whether another machine does the work of a job, or is what it looks at.

    Args:
        target: of the job; None: it has none.
    """
    if target is None or job.kind not in ON_TARGET:
        return False
    return target.spec.is_carried or (job.kind == "machine" and not target.spec.is_here)


def priority(kind: JobKind) -> int:
    """Place of a kind within its queue; smaller runs first."""
    return PRIORITIES.get(kind, 10)


def order(job: Job) -> tuple[int, int]:
    """What the jobs of one lane are sorted by: the next to run first."""
    return priority(job.kind), job.id

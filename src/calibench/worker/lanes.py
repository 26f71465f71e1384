"""Which jobs wait for which: three queues, so that nothing quick waits behind an hour of calibration."""

from typing import Literal

from calibench.things.kept import Job, JobKind

Lane = Literal["work", "imports", "quick"]

AT_ONCE: dict[Lane, int] = {"work": 1, "imports": 2, "quick": 1}
"""Jobs of a lane that run at the same time.

`work` measures speed, and two that measure at once measure each other. `quick` is what a person waits for in front of
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
    "pick": "work",
}

PRIORITIES: dict[JobKind, int] = {"pick": 1}
"""Smaller runs first within a lane. A picked model is built in seconds, and a person holds the slider."""


def lane(kind: JobKind) -> Lane:
    """The queue that jobs of a kind wait in."""
    return LANES[kind]


def priority(kind: JobKind) -> int:
    """Place of a kind within its queue; smaller runs first."""
    return PRIORITIES.get(kind, 10)


def order(job: Job) -> tuple[int, int]:
    """What the jobs of one lane are sorted by: the next to run first."""
    return priority(job.kind), job.id

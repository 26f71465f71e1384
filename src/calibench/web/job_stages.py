"""The way of a job that another machine does: its stages by name, where it is, and never back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.store.refused import NotThere
from calibench.targets.carried_progress import INSTALLING
from calibench.targets.overall import OUTER
from calibench.things.kept import Job, JobKind, Target
from calibench.things.target_spec import QUEUES
from calibench.web import looks
from calibench.web.job_strip import line
from calibench.web.words import text
from calibench.worker.lanes import ON_TARGET

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

NAMES = {
    "prepare": "Prepare",
    "upload": "Upload",
    "queued": "Queue",
    "calibrate": "Calibrate",
    "inference": "Inference",
    "download": "Download",
}
LATE = ("inference", "search", "measure", "write")
"""What the work tells once it has calibrated."""
BEGUN = OUTER["work"][0]
"""Share of the bar from which on the work itself goes on, which has stages of its own."""


def target_of(workbench: "Workbench", job: Job) -> Target | None:
    """The other machine that does a job; None: this one does."""
    if job.target_id is None or job.kind not in ON_TARGET:
        return None
    try:
        target = workbench.targets.get(job.target_id)
    except NotThere:
        return None
    return None if target.spec.is_here else target


def stages_of(kind: JobKind, target: Target | None) -> tuple[str, ...]:
    """The stages of a job, in order; () where this machine does it, whose way is short."""
    if target is None or not target.spec.is_carried or kind == "machine":
        return ()
    queued = ("queued",) if target.spec.carrier.kind in QUEUES else ()
    return ("prepare", "upload", *queued, *(("calibrate",) if kind == "calibrate" else ()), "inference", "download")


def place_of(stages: Sequence[str], stage: str, progress: float) -> int:
    """Where in its stages a job is.

    Args:
        stage: as the job tells it; the work in the middle tells `prepare` again, of its samples.
    """
    if not stages or not stage:
        return 0
    if stage in ("upload", "queued", "download"):
        return stages.index(stage) if stage in stages else 0
    if stage == "prepare" and progress < BEGUN:
        return 0
    return stages.index("inference" if stage in LATE or "calibrate" not in stages else "calibrate")


def line_words(job: Job, said: Mapping[str, Any], stages: Sequence[str]) -> str:
    """How far a job is, in one line: percent, stage with its bytes, time left."""
    if not stages:
        return line(job)
    stage = job.stage
    if stage == "prepare" and job.progress >= BEGUN:
        stage = "prepare the samples"
    elif stage == "prepare" and said.get("step") == INSTALLING:
        stage = f"{INSTALLING}, {said.get('done')} of {said.get('total')} packages"
    if stage == "queued":
        stage = "waits in the queue"
    if stage == "upload" and said.get("stage") == "upload" and said.get("total"):
        stage = f"upload, {bytes_words(int(said.get('done') or 0), int(said['total']))}"
    return line(job.model_copy(update={"stage": stage}))


def bytes_words(done: int, total: int) -> str:
    """How much of a whole: '18.0 of 46.8 MB', '512 kB of 46.8 MB'."""
    part, whole = looks.size(done), looks.size(total)
    number, _, unit = part.partition(" ")
    return f"{number if whole.endswith(f' {unit}') or not done else part} of {whole}"


class StageLine:
    """The stages in a row; those that are done are ticked, the present one stands out."""

    def __init__(self, stages: Sequence[str]) -> None:
        self.stages, self.place = stages, -1
        self.row = ui.element("ol").classes("stages").props('aria-label="Stages"')
        self.row.set_visibility(bool(stages))

    def show(self, stage: str, progress: float) -> None:
        """Go on to where the job is; never back."""
        place = max(self.place, place_of(self.stages, stage, progress))
        if place == self.place:
            return
        self.place = place
        self.row.clear()
        with self.row:
            for number, name in enumerate(self.stages):
                with ui.element("li").classes("stage" + (" stage-done" if number < place else "")) as item:
                    if number < place:
                        ui.icon("check").props('aria-hidden="true"')
                    text(NAMES[name])
                if number == place:
                    item.classes("stage-now").props('aria-current="step"')

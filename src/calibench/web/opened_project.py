"""A project with all that its page shows, as it stood at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calibench.things.kept import Job, KeptDataset, KeptModel, Project, Target

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

Row = dict[str, Any]


@dataclass(frozen=True)
class OpenedProject:
    """What the tabs of a project's page are drawn from.

    Attributes:
        family: the FP32 project and its INT8 projects, parent first.
        job: the last job of the project; None: it was deleted, or there was none.
        draft: what was typed on this page and must outlive a redrawing.
    """

    workbench: "Workbench"
    project: Project
    model: KeptModel
    dataset: KeptDataset
    target: Target
    family: tuple[Project, ...]
    job: Job | None
    draft: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.project.id

    @property
    def is_int8(self) -> bool:
        return self.project.parent_id is not None

    @property
    def parent(self) -> Project | None:
        """The FP32 project that an INT8 project was calibrated in."""
        return next((each for each in self.family if each.id == self.project.parent_id), None)

    @property
    def is_busy(self) -> bool:
        return self.job is not None and self.job.state in ("queued", "running", "cancelling")

    @cached_property
    def report(self) -> Row:
        """report.json of an INT8 project; {} of an FP32 one, or where there is no result yet."""
        return self.workbench.projects.report(self.id) or {}

    @cached_property
    def points(self) -> Sequence[Row]:
        return self.workbench.projects.points(self.id)

    @cached_property
    def search(self) -> Row | None:
        return self.workbench.projects.search(self.id)

    @cached_property
    def layers(self) -> Sequence[Row]:
        return self.workbench.projects.layers(self.id)

    @cached_property
    def timed(self) -> dict[str, list[Row]]:
        """Layers as the runtime ran them, by series: rows of type and time_ms."""
        ran = self.report.get("runtime_layers")
        return {name: list(rows) for name, rows in ran.items() if rows} if ran else times_of(self.layers)


def open_project(workbench: "Workbench", project_id: int, draft: dict[str, Any] | None = None) -> OpenedProject:
    """Read it from the Workbench.

    Raises:
        NotThere: it was deleted.
    """
    project = workbench.projects.get(project_id)
    return OpenedProject(
        workbench,
        project,
        workbench.models.get(project.model_id),
        workbench.datasets.get(project.dataset_id),
        workbench.targets.get(project.target_id),
        tuple(workbench.projects.family(project_id)),
        _job(workbench, project),
        {} if draft is None else draft,
    )


def _job(workbench: "Workbench", project: Project) -> Job | None:
    """The job that speaks for the project: one that goes on, else the last."""
    going = workbench.jobs.all(states=("queued", "running", "cancelling"), project_id=project.id, limit=1)
    if going:
        return going[0]
    last = workbench.jobs.all(project_id=project.id, limit=1)
    return last[0] if last else None


def times_of(layers: Sequence[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """The same out of the layers of a model that was measured as it is: exact FP32 beside the default precision."""
    found = {
        name: [{"type": layer["type"], "time_ms": layer[key]} for layer in layers if layer.get(key) is not None]
        for name, key in (("fp32", "fp32_ms"), ("default", "default_ms"))
    }
    return {name: rows for name, rows in found.items() if rows}

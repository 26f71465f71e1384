"""A project with all that its page shows, as it stood at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calibench.things.kept import Job, KeptDataset, KeptModel, Project, Target
from calibench.web.headline import is_default_fp32
from calibench.web.measured_spread import Spread, spread_of
from calibench.web.project_verdict import verdict_of, with_doubt

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

Row = dict[str, Any]
NO_LAYERS = "Only the speed of this model was measured here, not its layers."


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
        """report.json of an INT8 project, baseline.json of an FP32 one; {} where there is no result yet."""
        return self.workbench.projects.report(self.id) or {}

    @cached_property
    def advice(self) -> Sequence[Row]:
        return self.workbench.projects.advice(self.id)

    @property
    def verdict(self) -> Mapping[str, Any] | None:
        """What sums an INT8 result up."""
        if not self.is_int8 or not self.project.result:
            return None
        return with_doubt(verdict_of(self.advice, self.project.headline), self.spread)

    @property
    def spread(self) -> Spread:
        """How far the rounds of the measurement lay apart."""
        return spread_of(self.report, self.is_int8)

    @property
    def is_default_fp32(self) -> bool:
        """Is the default precision of the device FP32, so that it needs no rows of its own?"""
        return is_default_fp32(self.project.headline)

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
        found = {name: list(rows) for name, rows in ran.items() if rows} if ran else times_of(self.layers)
        return self.told_apart(found)

    def told_apart(self, of_series: Mapping[str, Any]) -> dict[str, Any]:
        """By series, without the default precision where it is FP32 anyway."""
        is_twice = self.is_default_fp32 and "fp32" in of_series
        return {name: rows for name, rows in of_series.items() if not (is_twice and name == "default")}


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

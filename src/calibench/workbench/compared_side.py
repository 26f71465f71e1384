"""One of two projects that are compared: its numbers and layers, as far as they can be held against the other's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calibench.things.kept import Headline, Project
from calibench.workbench.adopted_results import median_latency
from calibench.workbench.projects import Projects
from calibench.workbench.ran_layers import baseline_layers

Plain = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """What is compared of a project.

    Attributes:
        headline: where its FP32 and INT8 numbers stand.
        layers: as `Projects.layers`.
        ran: the layers of its model as the runtime ran them, for shares of precisions.
        points_up: a higher score is a better one, as far as is known.
        is_beside: the numbers of this FP32 project come from the run of the INT8 project it is compared with.
    """

    project: Project
    headline: Headline
    layers: list[Plain]
    ran: Sequence[Plain]
    points_up: bool
    is_beside: bool = False

    @property
    def is_int8(self) -> bool:
        return self.project.parent_id is not None


def side_of(projects: Projects, project: Project, other: Project) -> Side:
    """A project as it stands beside another one of its family."""
    report = projects.report(project.id) or {}
    beside = projects.report(other.id) if other.parent_id == project.id else None
    if beside is not None:
        return _beside(project, other, beside)
    ran = report.get("runtime_layers", {}).get("int8") or report.get("default_layers") or []
    points_up = bool(report.get("higher_is_better", True))
    return Side(project, project.headline, projects.layers(project.id), ran, points_up)


def numbers(side: Side, points_up: bool) -> dict[str, Plain]:
    """What the page says of a side, by name: of INT8 the INT8 numbers, else those of FP32 as it would be deployed."""
    head, is_int8 = side.headline, side.is_int8
    found = (
        ("accuracy", f"Accuracy ({head.metric})" if head.metric else "Accuracy", head.unit,
         head.int8 if is_int8 else head.baseline, points_up),
        ("throughput", "Throughput", "samples/s", head.int8_fps if is_int8 else head.default_fps, True),
        ("latency", "Latency", "ms", head.latency_ms, False),
        ("size", "Size", "bytes", head.int8_bytes if is_int8 else head.fp32_bytes, False),
    )  # fmt: skip
    return {
        name: {"what": what, "unit": unit, "value": value, "higher_is_better": is_higher}
        for name, what, unit, value, is_higher in found
        if value is not None
    }


def _beside(project: Project, other: Project, report: Plain) -> Side:
    """The FP32 side of a calibration: measured in turns with INT8, on the samples that INT8 was judged on."""
    speeds, ran = report.get("speeds") or {}, report.get("runtime_layers", {}).get("fp32") or []
    latency = median_latency(speeds.get("default") or speeds.get("fp32"))
    head = other.headline.model_copy(update={"latency_ms": latency})
    return Side(project, head, baseline_layers({"layers": ran}), ran, bool(report.get("higher_is_better", True)), True)

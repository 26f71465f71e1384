"""One model on several targets: what its projects measured, and where it is still to be measured."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from calibench.reports.int8_reasons import INTEGER, Ran, gain_of, why_not
from calibench.things.asked import AskBenchmark, NewProject, Points
from calibench.things.kept import ENDED, Hindrance, Job, KeptModel, Project, Target
from calibench.things.machine_row import MachineRow
from calibench.workbench.refusals import NotPossible, refuse

Plain = Mapping[str, Any]


class Models(Protocol):
    """The models of a Workbench."""

    def get(self, id: int) -> KeptModel: ...

    def family(self, id: int) -> tuple[KeptModel, ...]: ...


class Projects(Protocol):
    """The projects of a Workbench."""

    def all(self) -> tuple[Project, ...]: ...

    def get(self, id: int) -> Project: ...

    def create(self, new: NewProject) -> Project: ...

    def report(self, id: int) -> dict[str, Any] | None: ...

    def beside(self, id: int) -> dict[str, Any] | None: ...

    def benchmark(self, id: int, points: Points) -> Job: ...


@dataclass(frozen=True)
class Layer:
    """A layer that ran, as int8_reasons takes it."""

    type: str
    precision: str
    time_ms: float


def machine_rows(models: Models, projects: Projects, targets: Sequence[Target], model_id: int) -> list[MachineRow]:
    """A row for each target and device where the family of a model was measured, the fastest first.

    Of several INT8 models on one target the fastest is shown.

    Raises:
        NotThere: there is no such model.
    """
    family = {model.id: model for model in models.family(model_id)}
    named = {target.id: target for target in targets}
    found: dict[tuple[int, str], Project] = {}
    for project in projects.all():
        key = (project.target_id, project.device)
        if project.model_id not in family or project.target_id not in named or not _is_measured(project):
            continue
        if key not in found or _speed(project) > _speed(found[key]):
            found[key] = project
    rows = [_row(projects, project, named[project.target_id]) for project in found.values()]
    return sorted(rows, key=lambda row: -(row.int8_fps or row.fp32_fps or 0.0))


def measure_elsewhere(models: Models, projects: Projects, model_id: int, targets: Sequence[Target]) -> list[Project]:
    """Make the projects that are missing on targets: the FP32 model's, whose baseline runs, and that of its fastest
    INT8 model (or of the one that is asked for), which runs beside FP32.

    What is there and was measured is left as it is.

    Raises:
        NotThere: there is no such model.
        NotPossible: the model is in no project that says with which samples, or cannot be measured; or a target is a
            cluster.
    """
    for target in targets:
        refuse(cluster_hindrance(target))
    family = models.family(model_id)
    root, known = family[0], projects.all()
    of_root = [each for each in known if each.model_id == root.id] or [
        each for each in known if each.model_id == model_id
    ]
    if not of_root:
        sentence = f"{root.name} is in no project yet, which says with which samples it is measured. Make one first."
        link = f"/projects/new?model={root.id}"
        raise NotPossible(Hindrance(code="no-project", sentence=sentence, action="New project", link=link))
    dataset_id, device = of_root[0].dataset_id, of_root[0].device
    asked = models.get(model_id)
    int8 = asked if asked.id != root.id else _fastest(family[1:], known)
    made = [
        projects.create(NewProject(model_id=each.id, dataset_id=dataset_id, target_id=target.id, device=device))
        for target in targets
        for each in (root, int8)
        if each is not None
    ]
    return [_with_speed(projects, each, root) for each in made]


def _with_speed(projects: Projects, project: Project, root: KeptModel) -> Project:
    """An INT8 model that was calibrated here without a measurement is measured now."""
    if project.model_id == root.id or project.result is None or project.headline.int8_fps is not None:
        return project
    if project.state in ENDED:
        projects.benchmark(project.id, AskBenchmark(baseline_model_id=root.id, is_compared=True))
    return projects.get(project.id)


def cluster_hindrance(target: Target) -> Hindrance | None:
    """Why a target is no machine to be compared; None: it is one."""
    if target.kind != "dask" or target.spec.is_carried:
        return None
    sentence = f"{target.name}: is a cluster, whose machines are not measured one by one. Add one of them over SSH."
    return Hindrance(code="cluster", sentence=sentence, action="Add a target", link="/targets/new")


def _fastest(children: Sequence[KeptModel], projects: Sequence[Project]) -> KeptModel | None:
    """The INT8 model that ran fastest anywhere; None: there is none that is whole."""
    fps = {
        child.id: max((each.headline.int8_fps or 0.0 for each in projects if each.model_id == child.id), default=0.0)
        for child in children
        if child.state == "ready"
    }
    return max((child for child in children if child.id in fps), key=lambda child: fps[child.id], default=None)


def _is_measured(project: Project) -> bool:
    return project.headline.int8_fps is not None or project.headline.fp32_fps is not None


def _speed(project: Project) -> tuple[float, float]:
    """INT8 goes before FP32."""
    return project.headline.int8_fps or 0.0, project.headline.fp32_fps or 0.0


def _row(projects: Projects, project: Project, target: Target) -> MachineRow:
    head = project.headline
    own = projects.report(project.id) or {}
    beside = None if own.get("speeds") else projects.beside(project.id)
    machine = own.get("machine") or {}
    if not machine and beside is None:
        machine = target.machine or {}
    rounds = _ratios(own)
    if head.speedup is None or not rounds or not min(rounds) <= head.speedup <= max(rounds):
        rounds = []  # of another measurement than this number
    values: dict[str, Any] = beside or {
        "cpu": machine.get("cpu"),
        "flags": machine.get("flags"),
        "cores": machine.get("physical_cores"),
        "speedup_low": min(rounds, default=None),
        "speedup_high": max(rounds, default=None),
        "why": why_not(_ran(project, own, machine)),
    }
    speeds = {name: getattr(head, name) for name in ("fp32_fps", "default_fps", "int8_fps", "speedup", "latency_ms")}
    return MachineRow.model_validate(
        {
            **values,
            **{name: value for name, value in speeds.items() if value is not None},
            "target": target.name,
            "target_id": target.id,
            "device": project.device,
            "project_id": project.id,
            "dataset_id": project.dataset_id,
        }
    )


def _ran(project: Project, report: Plain, machine: Plain) -> Ran:
    """How INT8 ran, by its report; by flags alone where there is none."""
    layers = report.get("runtime_layers") or {}
    rows = report.get("layers") or [] if layers else []
    return Ran(
        project.headline.speedup,
        report.get("speedup_fp32"),
        report.get("default_precision"),
        flags=machine.get("flags") if project.device.upper().startswith("CPU") else None,
        fp32=_layers(layers.get("fp32", ())),
        int8=_layers(layers.get("int8", ())),
        kernels_gain=gain_of(
            (row.get("fp32_ms"), row.get("int8_ms")) for row in rows if row.get("runtime_precision") in INTEGER
        ),
    )


def _layers(rows: Sequence[Plain]) -> tuple[Layer, ...]:
    return tuple(Layer(row["type"], row.get("precision") or "", row["time_ms"]) for row in rows)


def _ratios(report: Plain) -> list[float]:
    """INT8 over FP32 as deployed, round by round, each at its fastest point; [] where single rounds are not known."""
    speeds = report.get("speeds") or {}
    after, before = (
        best_rounds(speeds.get(name) or {}) for name in ("int8", "default" if "default" in speeds else "fp32")
    )
    return ratios(after, before)


def ratios(after: Sequence[float], before: Sequence[float]) -> list[float]:
    """Round by round; [] where there are not as many of both."""
    if len(after) != len(before):
        return []
    return [int8 / fp32 for int8, fp32 in zip(after, before, strict=True) if fp32 > 0]


def best_rounds(speed: Plain) -> Sequence[float]:
    """Samples a second of every round at the point with the highest median, out of a Speed as plain values; () where
    it was measured once.
    """
    several = [found for found in _rounds(speed) if len(found) > 1]
    return max(several, key=statistics.median_high, default=())


def _rounds(speed: Plain) -> Iterator[Sequence[float]]:
    for point in speed.get("throughput") or ():
        yield list((point.get("fps") or {}).get("raw") or ())

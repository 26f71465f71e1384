"""What inspect, evaluate and a dry run answer: values with lines for a person and plain values for a program."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from calibench.datasets.dataset import About
from calibench.datasets.facts import DatasetFacts
from calibench.evaluation.metrics.metric import PERCENT, Metric
from calibench.evaluation.score import Score
from calibench.evaluation.tasks.task_choice import MEANINGS
from calibench.models.ports import port_name
from calibench.models.read import Model
from calibench.quantizers.sites import Placement
from calibench.search.accuracy_aware import most_trials
from calibench.settings import Settings

NAMES_SHOWN = 3

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class Inspection:
    """What a model is, and what would become of its layers, before any sample is seen."""

    model: Model
    placement: Placement

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        model, graph = self.model, self.model.graph
        weights = "FP16, computed as FP32" if model.has_fp16_weights else "FP32"
        kinds = Counter(layer.type for layer in self.placement.layers)
        read = {port.operation for point in self.placement.points for port in point.consumers}
        further = len(read - {layer.name for layer in self.placement.layers})
        return (
            f"{model.path}: {model.format}, {len(graph.get_ops())} operations, "
            f"{model.weights_bytes / 1e6:.1f} MB of weights ({weights})",
            *(f"input   {port_name(port)} {_shape(port)} {_type(port)}" for port in graph.inputs),
            *(f"output  {port_name(port)} {_shape(port)} {_type(port)}" for port in graph.outputs),
            f"INT8    {len(self.placement.layers)} layers with weights: "
            + (", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none")
            + (f"; {further} without, such as additions" if further else ""),
            *self._float_lines(),
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, with every layer."""
        graph = self.model.graph
        return {
            "path": str(self.model.path),
            "format": self.model.format,
            "sha256": self.model.sha256,
            "operations": len(graph.get_ops()),
            "weights_bytes": self.model.weights_bytes,
            "has_fp16_weights": self.model.has_fp16_weights,
            "inputs": ports_of(graph.inputs),
            "outputs": ports_of(graph.outputs),
            "int8": [{"name": layer.name, "type": layer.type} for layer in self.placement.layers],
            "float": [
                {"name": layer.name, "type": layer.type, "reason": layer.reason} for layer in self.placement.left_float
            ],
        }

    def _float_lines(self) -> list[str]:
        reasons: dict[str, list[str]] = {}
        for layer in self.placement.left_float:
            reasons.setdefault(layer.reason, []).append(layer.name)
        lines = []
        for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
            shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
            lines.append(f"float   {len(names)} x {reason}: {shown}")
        return lines


@dataclass(frozen=True)
class DatasetInspection:
    """What a dataset holds; `sheet`: the contact sheet that was drawn."""

    facts: DatasetFacts
    sheet: Path | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        return dataset_lines(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, with every class and every fault."""
        facts = self.facts
        return {
            "path": str(facts.path),
            "format": facts.format,
            "title": facts.title,
            "samples": facts.samples,
            "looked_at": facts.looked_at,
            "annotated": list(facts.annotated),
            "classes": list(facts.classes),
            "label_source": facts.label_source,
            "counts": {str(label): count for label, count in facts.counts},
            "objects": facts.objects,
            "sizes": facts.sizes,
            "columns": list(facts.columns),
            "problems": [{"rule": each.rule, "what": str(each)} for each in facts.problems],
            "unreadable": list(facts.unreadable),
            "sheet": str(self.sheet) if self.sheet else None,
        }


def dataset_lines(facts: Plain) -> tuple[str, ...]:
    """What `DatasetInspection.as_json` gives, for a person."""
    annotated = ", ".join(MEANINGS.get(kind, kind) for kind in facts["annotated"]) or "nothing"
    return (
        f"{facts['path']}: {facts['title']} ({facts['format']}), {facts['samples']} samples",
        f"annotated  {annotated}",
        *_class_lines(facts),
        *_content_lines(facts),
        *_fault_lines(facts),
        *((f"sheet      {facts['sheet']}",) if facts["sheet"] else ()),
    )


def _class_lines(facts: Plain) -> list[str]:
    classes, counts = facts["classes"], [(int(label), count) for label, count in facts["counts"].items()]
    if not counts:
        return []
    names = [classes[label] if label < len(classes) else str(label) for label, _ in counts]
    shown = ", ".join(f"{name} {count}" for name, (_, count) in list(zip(names, counts, strict=True))[:8])
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    what = "objects" if facts["objects"] is not None else "samples"
    source = f", in the order of {facts['label_source']}" if facts["label_source"] else ""
    few = f" of the first {facts['looked_at']} samples" if facts["looked_at"] < facts["samples"] else ""
    return [f"classes    {len(classes) or len(names)}{source}; {what}{few}: {shown}{more}"]


def _content_lines(facts: Plain) -> list[str]:
    lines = []
    if facts["sizes"]:
        low, high = facts["sizes"][:2], facts["sizes"][2:]
        between = "" if low == high else f" to {high[0]} x {high[1]}"
        lines.append(f"pictures   {low[0]} x {low[1]}{between} pixels, height first")
    return lines + ([f"holds      {', '.join(facts['columns'])}"] if facts["columns"] else [])


def _fault_lines(facts: Plain) -> list[str]:
    rules: dict[str, list[str]] = {}
    for problem in facts["problems"]:
        rules.setdefault(problem["rule"], []).append(problem["what"])
    lines = [f"fault      {len(said)} x {rule}: {said[0]}" for rule, said in rules.items()]
    if facts["unreadable"]:
        lines.append(f"fault      {len(facts['unreadable'])} pictures cannot be read: {facts['unreadable'][0]}")
    return lines or ["faults     none"]


@dataclass(frozen=True)
class PlannedSearch:
    """What the accuracy-aware method would look for.

    Attributes:
        unit: of the limits: points, % or the unit of the metric.
        layers: that can be given back one by one.
        most_trials: models that would be evaluated at most.
    """

    metric: str
    max_drop: float
    unit: str
    limits: Mapping[str, float]
    layers: int
    most_trials: int

    @property
    def line(self) -> str:
        """For a person."""
        further = "".join(f", of {name} at most {drop:g} {self.unit}" for name, drop in self.limits.items())
        return (
            f"search  accuracy-aware: drop of {self.metric} at most {self.max_drop:g} {self.unit}{further}; "
            f"{self.layers} layers can be given back, {self.most_trials} trials at most"
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "limits": dict(self.limits)}


def planned_search(settings: Settings, metric: Metric, placement: Placement) -> PlannedSearch | None:
    """What would be searched; None for the Default method."""
    if settings.method == "default":
        return None
    accuracy = settings.accuracy
    unit = "points" if metric.unit == PERCENT else metric.unit
    layers = {port.operation for point in placement.points for port in point.consumers}
    most = most_trials(len(layers), accuracy.front)
    return PlannedSearch(
        metric=metric.name,
        max_drop=accuracy.max_drop,
        unit="% of the FP32 score" if accuracy.drop_type == "relative" else unit,
        limits=accuracy.limits,
        layers=len(layers),
        most_trials=min(most, accuracy.max_trials or most),
    )


@dataclass(frozen=True)
class Plan:
    """What a calibration would do (`--dry-run`); `is_scored`: by annotations, not by how like FP32 the answers are."""

    inspection: Inspection
    sets: dict[str, int]
    recipes: tuple[str, ...]
    notes: tuple[str, ...]
    search: PlannedSearch | None = None
    is_scored: bool = True

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        rest = "decide accuracy" if self.is_scored or self.search else "set INT8 beside FP32"
        return (
            *self.inspection.lines,
            f"samples {self.sets['calibration']} of {self.sets['total']} set the ranges, "
            f"{self.sets['validation']} {rest}",
            f"recipes {', '.join(self.recipes)}",
            *((self.search.line,) if self.search else ()),
            *(f"Note: {note}" for note in self.notes),
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "model": self.inspection.as_json(),
            "samples": self.sets,
            "recipes": list(self.recipes),
            "search": self.search.as_json() if self.search else None,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Evaluation:
    """How good one model is on a dataset."""

    model: Path
    score: Score
    about: About
    notes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        return evaluation_lines(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        found = self.score
        return {
            "model": str(self.model),
            "metric": found.metric,
            "unit": found.unit,
            "score": found.score,
            "samples": len(found.values),
            "not_finite": found.not_finite,
            "details": dict(found.details),
            "classes": [
                {"label": row.label, "name": class_name(self.about, row.label), "score": row.score, "count": row.count}
                for row in found.classes
            ],
            "notes": list(self.notes),
        }


def evaluation_lines(found: Plain) -> tuple[str, ...]:
    """What `Evaluation.as_json` gives, for a person; None: no number."""
    return (
        f"{found['model']}: {found['metric']} {_number(found['score'])} {found['unit']} on {found['samples']} samples",
        *(f"  {name} {_number(value)} {found['unit']}" for name, value in found["details"].items()),
        *(f"Note: {note}" for note in found["notes"]),
    )


def _number(value: float | None) -> str:
    return "nan" if value is None else f"{value:.2f}"


def class_name(about: About, label: int) -> str:
    """The name of a class; empty where the dataset has none."""
    return about.classes[label] if 0 <= label < len(about.classes) else ""


def _type(port: Any) -> str:
    return str(port.get_element_type().get_type_name())


def _shape(port: Any) -> str:
    """A free axis is ?, whatever OpenVINO knows of its limits."""
    return re.sub(r"\d*\.\.\d*", "?", str(port.get_partial_shape()))


def ports_of(ports: Iterable[Any]) -> list[dict[str, str]]:
    """Inputs or outputs of a graph as plain values; a free axis is ?."""
    return [{"name": port_name(port), "shape": _shape(port), "type": _type(port)} for port in ports]

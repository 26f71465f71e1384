"""What inspect, evaluate and a dry run answer: values with lines for a person and plain values for a program."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench.datasets.dataset import About
from calibench.evaluation.score import Score
from calibench.models.ports import port_name
from calibench.models.read import Model
from calibench.quantizers.sites import Placement

NAMES_SHOWN = 3


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
        return (
            f"{model.path}: {model.format}, {len(graph.get_ops())} operations, "
            f"{model.weights_bytes / 1e6:.1f} MB of weights ({weights})",
            *(f"input   {port_name(port)} {port.get_partial_shape()} {_type(port)}" for port in graph.inputs),
            *(f"output  {port_name(port)} {port.get_partial_shape()} {_type(port)}" for port in graph.outputs),
            f"INT8    {len(self.placement.layers)} layers: "
            + (", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"),
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
            "inputs": [_port(port) for port in graph.inputs],
            "outputs": [_port(port) for port in graph.outputs],
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
class Plan:
    """What a calibration would do (`--dry-run`)."""

    inspection: Inspection
    sets: dict[str, int]
    recipes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        return (
            *self.inspection.lines,
            f"samples {self.sets['calibration']} of {self.sets['total']} set the ranges, "
            f"{self.sets['validation']} decide accuracy",
            f"recipes {', '.join(self.recipes)}",
            *(f"Note: {note}" for note in self.notes),
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "model": self.inspection.as_json(),
            "samples": self.sets,
            "recipes": list(self.recipes),
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
        found = self.score
        return (
            f"{self.model}: {found.metric} {found.score:.2f} {found.unit} on {len(found.values)} samples",
            *(f"  {name} {value:.2f} {found.unit}" for name, value in found.details.items()),
            *(f"Note: {note}" for note in self.notes),
        )

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


def class_name(about: About, label: int) -> str:
    """The name of a class; empty where the dataset has none."""
    return about.classes[label] if 0 <= label < len(about.classes) else ""


def _type(port: Any) -> str:
    return str(port.get_element_type().get_type_name())


def _port(port: Any) -> dict[str, str]:
    return {"name": port_name(port), "shape": str(port.get_partial_shape()), "type": _type(port)}

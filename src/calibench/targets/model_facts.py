"""What is known of a model from its file alone: the fields of a KeptModel, and settings guessed from it."""

from typing import Any

import openvino as ov

from calibench.datasets.guess import guess_inputs
from calibench.errors import CalibenchError
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_task
from calibench.models.graph import WEIGHTED, is_float, multiply_adds
from calibench.models.metadata import metadata
from calibench.models.normalise import normalise
from calibench.models.ports import port_name
from calibench.models.read import Model, is_quantized
from calibench.quantizers.quantize import placed
from calibench.quantizers.read_back import is_int8
from calibench.reports.answers import ports_of
from calibench.settings import InputSettings, Settings, TaskSettings


def model_facts(source: Model) -> dict[str, Any]:
    """Plain values under the names of KeptModel's fields."""
    graph = source.graph
    quantized = is_quantized(graph)
    int8, floats = _of_int8(graph) if quantized else _of_fp32(graph)
    settings, guessed = guessed_settings(graph)
    fp16 = ("Its weights are stored as FP16; it is computed with as FP32.",) if source.has_fp16_weights else ()
    return {
        "format": source.format,
        "is_quantized": quantized,
        "has_fp16_weights": source.has_fp16_weights,
        "size_bytes": source.size_bytes,
        "operations": len(graph.get_ops()),
        "int8_layers": int8,
        "float_layers": floats,
        "multiply_adds": _multiply_adds(graph),
        "inputs": ports_of(graph.inputs),
        "outputs": ports_of(graph.outputs),
        "notes": [*source.notes, *fp16, *guessed],
        "accuracy_settings": settings,
    }


def guessed_settings(graph: ov.Model) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the file says of how samples enter and what comes out, as in Settings; and in words what was guessed."""
    inputs, note = guess_inputs(graph, InputSettings(), None)
    found: dict[str, Any] = {}
    if inputs.model_fields_set:
        found["inputs"] = {"": inputs.model_dump(mode="json", exclude_unset=True)}
    kind = _task_kind(graph)
    if kind is not None:
        found["task"] = {"kind": kind}
    return found, () if note is None else (note,)


def _task_kind(graph: ov.Model) -> str | None:
    """The task, from the outputs; None where they tell none, or do not fit the one they look like."""
    context = Context(outputs={port_name(port): _shape(port) for port in graph.outputs}, metadata=metadata(graph))
    try:
        kind = choose_task(Context(**{**context.__dict__, "settings": TaskSettings()})).kind
    except CalibenchError:
        return None
    return None if kind == "custom" else kind


def _shape(port: Any) -> tuple[int, ...]:
    shape = port.get_partial_shape()
    return tuple(side.get_length() if side.is_static else -1 for side in shape) if shape.rank.is_static else ()


def _of_fp32(graph: ov.Model) -> tuple[int, int]:
    """Layers that can run in INT8, and those with weights that cannot."""
    placement = placed(normalise(graph), Settings())
    return len(placement.layers), sum(layer.type in WEIGHTED for layer in placement.left_float)


def _of_int8(graph: ov.Model) -> tuple[int, int]:
    """Layers with weights that do run in INT8, and those that do not."""
    layers = [op for op in graph.get_ops() if op.get_type_name() in WEIGHTED and is_float(op.output(0))]
    int8 = sum(is_int8(op) for op in layers)
    return int8, len(layers) - int8


def _multiply_adds(graph: ov.Model) -> float | None:
    """Of one sample; None where an axis besides the first is free."""
    shapes = [port.get_partial_shape() for port in graph.inputs]
    is_known = all(shape.rank.is_static and all(side.is_static for side in list(shape)[1:]) for shape in shapes)
    return float(multiply_adds(graph)) if is_known else None

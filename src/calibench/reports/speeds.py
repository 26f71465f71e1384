"""From measurements to the fields of the report, and the snippet that runs the result as it was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.evaluation.both_models import Performance
from calibench.inference.benchmark import Speed
from calibench.inference.profile import LayerTime
from calibench.reports.report import LayerRow, TimedLayer, capped

NOT_EXECUTED = "not executed"
"""Where the precision of a layer would stand that the runtime had nothing to do for."""


def speed_fields(speeds: Mapping[str, Speed]) -> dict[str, Any]:
    """The report's fields about speed.

    Args:
        speeds: of 'fp32' (exact), 'default' (as the device would deploy it) and 'int8', any of them may be missing.
            Where the device's default is f32, 'default' may be left out: it is 'fp32' then.
    """
    fps = {name: speed.fps for name, speed in speeds.items()}
    fp32, int8 = fps.get("fp32"), fps.get("int8")
    default = fps.get("default", fp32)
    return {
        "fp32_fps": fp32,
        "default_fps": default,
        "int8_fps": int8,
        "speedup": int8 / default if int8 and default else None,
        "speedup_fp32": int8 / fp32 if int8 and fp32 else None,
        "speeds": dict(speeds),
    }


def performance_fields(performance: Performance) -> dict[str, Any]:
    """The report's fields about speed, memory and the runtime's layers."""
    memory = {name: round(megabytes, 1) for name, megabytes in performance.memory_mb.items()}
    return {
        **speed_fields(performance.speeds),
        "fp32_memory_mb": memory.get("fp32"),
        "int8_memory_mb": memory.get("int8"),
        "runtime_layers": {
            name: tuple(timed_layer(layer) for layer in layers) for name, layers in performance.profiles.items()
        },
    }


def timed_layer(layer: LayerTime) -> TimedLayer:
    """One layer as the runtime ran it."""
    return TimedLayer(
        name=layer.name,
        type=layer.type,
        exec_type=layer.exec_type,
        time_ms=layer.time_ms,
        precision=layer.precision,
        output_precisions=layer.output_precisions,
        original_names=layer.original_names,
    )


def with_performance(layers: Sequence[LayerRow], performance: Performance) -> tuple[LayerRow, ...]:
    """The decided layers with what the runtime did and the measured error of their outputs.

    A layer finds its time by its name among those that were fused, or by that of its bias; one that is found nowhere
    did not run: it was computed beforehand, or was left out.
    """
    before, after = (by_name(performance.profiles.get(name, ())) for name in ("fp32", "int8"))
    found = []
    for layer in layers:
        names = (layer.name, f"{layer.name}/DequantizationMultiply", performance.biases.get(layer.name, layer.name))
        fp32, int8 = (next((times[name] for name in names if name in times), None) for times in (before, after))
        error = performance.output_db.get(layer.name)
        found.append(
            layer.model_copy(
                update={
                    "output_db": None if error is None else round(capped(error), 2),
                    "fp32_ms": fp32.time_ms if fp32 else None,
                    "int8_ms": int8.time_ms if int8 else None,
                    "runtime_precision": int8.precision if int8 else NOT_EXECUTED if after else None,
                    "output_precisions": int8.output_precisions if int8 else None,
                }
            )
        )
    return tuple(found)


def by_name(layers: Sequence[LayerTime]) -> dict[str, LayerTime]:
    """By the names of all layers that a layer of the runtime stands for; its own name goes first."""
    fused = {name: layer for layer in layers for name in layer.original_names}
    return fused | {layer.name: layer for layer in layers}


def reproduce_snippet(device: str, precision: str) -> str:
    """Python that runs `model.xml` just as it was scored, on any machine.

    Args:
        precision: in which the float layers ran when the accuracy was measured.
    """
    hint = f'{{"INFERENCE_PRECISION_HINT": "{precision}"}}'
    return f'import openvino\n\ncompiled = openvino.Core().compile_model(\n    "model.xml", "{device}", {hint}\n)'

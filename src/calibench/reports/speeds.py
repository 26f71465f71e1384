"""From measurements to the fields of the report, and the snippet that runs the result as it was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.inference.benchmark import Speed
from calibench.inference.profile import LayerTime
from calibench.reports.report import LayerRow


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


def with_times(
    layers: Sequence[LayerRow], fp32: Sequence[LayerTime], int8: Sequence[LayerTime]
) -> tuple[LayerRow, ...]:
    """The decided layers with what the runtime did: a layer is found by its name among those that were fused."""
    before = {name: time for time in fp32 for name in (*time.original_names, time.name)}
    after = {name: time for time in int8 for name in (*time.original_names, time.name)}
    return tuple(_with_time(layer, before.get(layer.name), after.get(layer.name)) for layer in layers)


def _with_time(layer: LayerRow, fp32: LayerTime | None, int8: LayerTime | None) -> LayerRow:
    return layer.model_copy(
        update={
            "fp32_ms": fp32.time_ms if fp32 else None,
            "int8_ms": int8.time_ms if int8 else None,
            "runtime_precision": int8.precision if int8 else None,
            "output_precisions": int8.output_precisions if int8 else None,
        }
    )


def reproduce_snippet(device: str, precision: str) -> str:
    """Python that runs `model.xml` just as it was scored, on any machine.

    Args:
        precision: in which the float layers ran when the accuracy was measured.
    """
    hint = f'{{"INFERENCE_PRECISION_HINT": "{precision}"}}'
    return f'import openvino\n\ncompiled = openvino.Core().compile_model(\n    "model.xml", "{device}", {hint}\n)'

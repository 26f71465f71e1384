"""One model on one machine: a row of the table that says where INT8 pays."""

from collections.abc import Collection
from typing import Any

from pydantic import Field

from calibench.settings import Frozen

VNNI = ("avx512_vnni", "avx_vnni")
AMX = "amx_int8"


class Measured(Frozen):
    """What FP32 and INT8 do on a machine; None where it was not measured."""

    cpu: str | None = Field(None, description="model name of the CPU that measured")
    flags: tuple[str, ...] | None = Field(None, description="those of its flags that matter for INT8; None: not known")
    cores: int | None = Field(None, description="physical cores that were used")
    fp32_fps: float | None = Field(None, description="exact FP32, samples a second")
    default_fps: float | None = Field(None, description="FP32 model in the device's default precision")
    int8_fps: float | None = None
    speedup: float | None = Field(None, description="int8_fps / default_fps")
    speedup_low: float | None = Field(None, description="of the rounds, the one with the smallest factor")
    speedup_high: float | None = None
    latency_ms: float | None = Field(None, description="of the INT8 model, else of FP32; one request at a time")
    why: tuple[str, ...] = Field((), description="why INT8 does not pay there, a clause each; empty: it does")


class MachineRow(Measured):
    """The same, with the name of the machine."""

    target: str
    target_id: int | None = Field(None, description="on a server")
    device: str = "CPU"
    project_id: int | None = Field(None, description="on a server: of the INT8 model, else of FP32")
    dataset_id: int | None = Field(None, description="on a server: the samples that it was measured with")
    failure: str = Field("", description="why nothing could be measured there, in a sentence")


def int8_features(flags: Collection[str] | None) -> str:
    """VNNI and AMX in a word or two; '' where it is not known."""
    if flags is None:
        return ""
    found = [name for name, has in (("VNNI", set(VNNI) & set(flags)), ("AMX", AMX in flags)) if has]
    return " + ".join(found) or "neither VNNI nor AMX"


def row_of(target: str, measured: Any, **more: Any) -> MachineRow:
    """A row out of what a job measured, as plain values."""
    return MachineRow.model_validate({**measured, **more, "target": target})

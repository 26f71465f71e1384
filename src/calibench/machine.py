"""What this machine is, what its devices can do, and whether they can run INT8 at all."""

import os
import platform
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from pydantic import Field

from calibench.errors import TargetError
from calibench.settings import Frozen

if TYPE_CHECKING:
    import openvino as ov

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""The CPU flags that decide how fast INT8 runs and in what precision FP32 models run by default."""

SHARING_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")
"""Devices that hand the work to others: `AUTO:GPU,CPU`."""

WITHOUT_INT8 = {
    "MYRIAD": "the Myriad X of the Neural Compute Stick 2 computes in FP16 only",
    "HDDL": "the Vision Accelerator Design cards hold Myriad X chips, which compute in FP16 only",
    "VPU": "the Movidius VPUs (Neural Compute Stick 2, Vision Accelerator Design) compute in FP16 only",
}
"""Devices of former releases that never ran INT8 models; refused with the reason even where absent."""

MB = 1024 * 1024


class Machine(Frozen):
    """The machine and the software of one run."""

    cpu: str = Field(description="model name of the CPU")
    flags: tuple[str, ...] = Field(description=f"those of {', '.join(FLAGS)} that the CPU has")
    physical_cores: int = Field(description="cores this process may use: affinity and container limits respected")
    logical_cores: int = Field(description="logical CPUs of the machine")
    memory_mb: int = Field(description="memory of the machine")
    memory_free_mb: int = Field(description="memory that can still be had")
    disk_free_mb: int = Field(description="free space in the current folder")
    system: str = Field(description="operating system, its release and processor architecture")
    python: str
    openvino: str
    devices: dict[str, tuple[str, ...]] = Field(description="OpenVINO device -> its OPTIMIZATION_CAPABILITIES")


def describe_machine() -> Machine:
    """This machine, as it goes into the report and as `calibench doctor` shows it."""
    import openvino

    memory = psutil.virtual_memory()
    return Machine(
        cpu=cpu_name(),
        flags=tuple(flag for flag in FLAGS if flag in cpu_flags()),
        physical_cores=physical_cores(),
        logical_cores=psutil.cpu_count() or 1,
        memory_mb=memory.total // MB,
        memory_free_mb=memory.available // MB,
        disk_free_mb=shutil.disk_usage(Path.cwd()).free // MB,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        openvino=str(openvino.__version__),
        devices={device: capabilities(device) for device in _core().available_devices},
    )


def has_vnni() -> bool:
    """Whether the CPU multiplies u8 by s8 without the 16-bit overflow that 7-bit weights guard against.

    Where the flags cannot be read (no Linux) the answer is False, the safe side.
    """
    return bool({"avx512_vnni", "avx_vnni", "amx_int8"} & cpu_flags())


def cpu_name() -> str:
    """Model name of the CPU as the system gives it."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine() or "unknown"


GRANTED = "CALIBENCH_CORES"
"""Variable with the cores that a job of a batch queue asked for."""


def cpu_flags() -> frozenset[str]:
    """Every CPU flag that Linux lists; empty on other systems."""
    return frozenset(_cpuinfo().get("flags", "").split())


def physical_cores() -> int:
    """Physical cores that this process may use, at least 1: the default number of threads.

    Two hyper-threads count once; the affinity of the process, the CPU quota of its container and what a batch queue
    granted are respected.
    """
    cores, granted = _physical_cores(), os.environ.get(GRANTED, "")
    return max(1, min(cores, int(granted))) if granted.isdecimal() else cores


def _physical_cores() -> int:
    allowed = _allowed_cpus()
    if not allowed:
        return psutil.cpu_count(logical=False) or os.cpu_count() or 1
    siblings = {_read(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")) for cpu in allowed}
    cores = len(allowed) if None in siblings else len(siblings)
    quota = _cpu_quota()
    return cores if quota is None else max(1, min(cores, int(quota + 0.5)))


def peak_rss_mb() -> float:
    """The most memory this process has held at once, in MB; 0.0 where the system does not say.

    On Linux from VmHWM: `ru_maxrss` also counts what the parent held when it started this process.
    """
    status = dict(line.split(":", 1) for line in (_read(Path("/proc/self/status")) or "").splitlines() if ":" in line)
    if "VmHWM" in status:
        return int(status["VmHWM"].split()[0]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return float(getattr(psutil.Process().memory_info(), "peak_wset", 0)) / MB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MB if sys.platform == "darwin" else peak / 1024


def capabilities(device: str) -> tuple[str, ...]:
    """OPTIMIZATION_CAPABILITIES of a device that is there, such as ('FP32', 'INT8')."""
    return tuple(sorted(_core().get_property(device, "OPTIMIZATION_CAPABILITIES")))


@cache
def default_precision(device: str = "CPU") -> str:
    """The precision in which the device runs FP32 models when nobody asks: 'f32', 'bf16' or 'f16'.

    A CPU with AVX512_BF16 or AMX silently takes bf16, so this is what an INT8 model competes with.
    """
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    data = ops.parameter([1, 4], np.float32)
    tiny = ov.Model([ops.result(ops.matmul(data, np.eye(4, dtype=np.float32), False, False))], [data], "tiny")
    hint = _core().compile_model(tiny, device).get_property("INFERENCE_PRECISION_HINT")
    return str(hint.to_string() if isinstance(hint, ov.Type) else hint)


def check_device(name: str) -> None:
    """Refuse a device that is not there or that has no INT8.

    Args:
        name: as OpenVINO takes it: 'CPU', 'GPU.1', 'AUTO:GPU,CPU'.

    Raises:
        TargetError: the device runs no INT8 (with the reason), or is unknown (with those that are there).
    """
    first = name.partition(":")[0]
    if first in SHARING_DEVICES:
        raise TargetError(f"{name}: hands the work to other devices. Name the one to calibrate for, such as CPU.")
    family = first.upper().partition(".")[0]
    if family in WITHOUT_INT8:
        raise TargetError(f"{name}: has no INT8: {WITHOUT_INT8[family]}. Calibrate for CPU, GPU or NPU.")
    there = _core().available_devices
    if first not in there and f"{first}.0" not in there:
        raise TargetError(f"{name}: there is no such device here. Available: {', '.join(there)}.")
    if "INT8" not in capabilities(name):
        has = ", ".join(capabilities(name))
        raise TargetError(f"{name}: has no INT8, only {has}. Choose a device that has it, such as CPU.")


@cache
def _core() -> "ov.Core":
    import openvino as ov

    return ov.Core()


@cache
def _cpuinfo() -> dict[str, str]:
    """The first processor of /proc/cpuinfo, name -> value; empty where there is none."""
    lines = (_read(Path("/proc/cpuinfo")) or "").partition("\n\n")[0].splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _allowed_cpus() -> frozenset[int]:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return frozenset(affinity(0)) if affinity else frozenset()


def _cpu_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """CPUs that the container grants (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`), the smallest on the way up."""
    quotas = []
    for line in (_read(own) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            quotas += [_ratio(*text.split()) for text in _upwards(root, path, "cpu.max")]
        elif "cpu" in controllers.split(","):
            folder = root / "cpu"
            whole = zip(
                _upwards(folder, path, "cpu.cfs_quota_us"), _upwards(folder, path, "cpu.cfs_period_us"), strict=False
            )
            quotas += [_ratio(quota, period) for quota, period in whole]
    return min((quota for quota in quotas if quota is not None), default=None)


def _ratio(quota: str, period: str) -> float | None:
    return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)


def _upwards(root: Path, path: str, name: str) -> list[str]:
    """The texts of a file in a control group and in all groups above it, as far as they are visible."""
    inner = root / path.lstrip("/")
    folders = [inner, *(parent for parent in inner.parents if parent.is_relative_to(root))]
    return [text for folder in folders if (text := _read(folder / name)) is not None]


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None

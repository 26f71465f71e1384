"""What a target is, and what hinders a job there."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from calibench.targets.remote_side.python_there import OLDEST, bundled_pips, has_calibench, has_module, newer, with_venv
from calibench.targets.remote_side.words_there import ENVIRONMENTS, WHOLE, existing, text_of

ROOM_MB, JOB_ROOM_MB = 2048, 256
"""Megabytes that an environment and a small job take; the job alone."""
MB = 1024 * 1024
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""As in calibench.machine."""
PROCESSORS = ("x86_64", "AMD64", "aarch64", "arm64")
"""For which there are wheels of OpenVINO."""


def facts(home: Path) -> dict[str, Any]:
    """The machine in the words of calibench.machine, and what hinders: faults, each with its mend."""
    memory = _memory()
    found = {
        "home": str(home),
        "cpu": _cpuinfo().get("model name") or platform.processor() or platform.machine() or "unknown",
        "flags": [flag for flag in FLAGS if flag in _cpuinfo().get("flags", "").split()],
        "physical_cores": _cores(),
        "logical_cores": os.cpu_count() or 1,
        "memory_mb": memory.get("MemTotal", 0) // 1024,
        "memory_free_mb": memory.get("MemAvailable", 0) // 1024,
        "disk_free_mb": shutil.disk_usage(str(existing(home))).free // MB,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else [],
        "has_venv": has_module("venv"),
        "has_pip": has_module("pip") or bool(bundled_pips()),
        "calibench": (has_calibench() or {}).get("version"),
    }
    found["faults"] = [{"cause": cause, "says": says, "mend": mend} for cause, says, mend in _faults(home, found)]
    return found


def _faults(home: Path, found: dict[str, Any]) -> list[tuple[str, str, str]]:
    faults = []
    if sys.version_info < OLDEST:
        faults.append(("python", f"its Python is {found['python']}, too old.", newer()))
    if not _is_writable(home):
        faults.append(("home", f"{home} cannot be written.", "Name another home, or change its permissions."))
    is_made = any((home / ENVIRONMENTS).glob(f"*/{WHOLE}"))
    room = JOB_ROOM_MB if is_made or found["calibench"] else ROOM_MB
    if found["disk_free_mb"] < room:
        says = f"{found['disk_free_mb']} MB of disk are free at {home}, at least {room} are needed."
        faults.append(("disk", says, "Free some room there, run `target clean`, or name a home on another disk."))
    if platform.machine() not in PROCESSORS:
        faults.append(("cpu", f"there is no OpenVINO for its processor {platform.machine()}.", "Take another machine."))
    if hasattr(os, "ST_NOEXEC") and os.statvfs(str(existing(home))).f_flag & os.ST_NOEXEC:
        says = f"the disk of {home} is mounted so that no program runs from it (noexec)."
        faults.append(("home", says, "Name a home on another disk."))
    if is_made or found["calibench"] is not None:
        return faults
    if not found["has_venv"]:
        faults.append(("venv", "its Python cannot make environments.", with_venv()))
    elif not found["has_pip"]:
        mend = f"{with_venv()[:-1]}, or put a wheel of pip into the folder of wheels."
        faults.append(("pip", "there is no pip.", mend))
    return faults


def _is_writable(home: Path) -> bool:
    folder = existing(home)
    return folder.is_dir() and os.access(str(folder), os.W_OK | os.X_OK)


def _cpuinfo() -> dict[str, str]:
    pairs = (line.partition(":") for line in text_of("/proc/cpuinfo").partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory() -> dict[str, int]:
    """Kilobytes by name; empty where the system does not say."""
    pairs = (line.split(":", 1) for line in text_of("/proc/meminfo").splitlines() if ":" in line)
    return {name: int(value.split()[0]) for name, value in pairs}


def _cores() -> int:
    """Physical cores that this process may use, as calibench.machine counts them."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    siblings = {text_of(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") for cpu in allowed}
    cores = len(allowed) if "" in siblings else len(siblings)
    quota = text_of("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0] != "max":
        cores = min(cores, int(int(quota[0]) / int(quota[1]) + 0.5))
    return max(1, cores)

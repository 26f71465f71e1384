"""The ways in which a job can be done, for tests that all of them must pass."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from told_events import told

from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import write_bundle
from calibench.things.target_spec import TargetSpec

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Way:
    """A target under test. spec: None: the process that runs the bundle does it. home: of the target, as seen here."""

    name: str
    spec: TargetSpec | None
    home: Path

    def write(self, folder: Path, **values: Any) -> Path:
        """The folder of a job to be done in this way."""
        write_bundle(Bundle.model_validate({**values, **({"target": self.spec} if self.spec else {})}), folder)
        return folder

    def jobs(self) -> list[Path]:
        """What is there of jobs."""
        return sorted(path for path in self.home.glob("jobs/*"))

    def processes(self) -> list[psutil.Process]:
        """Of jobs there."""
        return [process for process in psutil.process_iter() if self._is_of_job(process)]

    def _is_of_job(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(self.home / "jobs") and "run" in process.cmdline()
        except psutil.Error:
            return False


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until it is true."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def carrier(folder: Path) -> "subprocess.Popen[bytes]":
    """Run the job of a folder in a process of its own, as the worker does."""
    with (folder / "log.txt").open("ab") as log:
        command = [sys.executable, "-m", "calibench", "run", str(folder)]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def stages(folder: Path) -> list[str]:
    """The stages of a job in order, each once where it goes on."""
    found: list[str] = []
    for event in told(folder, "progress"):
        if not found or found[-1] != event["stage"]:
            found.append(event["stage"])
    return found


def at_stage(folder: Path, stage: str, is_met: Callable[[], object] = lambda: True) -> None:
    """Wait until a job is there."""
    wait_for(lambda: stage in stages(folder) and is_met())


def kill(process: "subprocess.Popen[bytes]") -> None:
    """As the kernel does it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

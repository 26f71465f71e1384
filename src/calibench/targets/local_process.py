"""Start, find again and stop the process of a job on this machine; it lives on when the one who started it dies."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import psutil

from calibench.errors import JobError
from calibench.targets.bundle import LOG, REMOTE, WORKERS

GRACE_S = 1.2
"""Seconds between asking a job to stop and ending it: stopping takes at most 2 s."""
CARRIED_GRACE_S = 8.0
"""The same for a job that another machine does, or that has workers on others: all is stopped there first."""
KILLED_S = 0.7
"""Seconds that a killed process may take to be gone."""
LOOK_S = 0.02
LOW = 10
"""Niceness of work that nobody waits for."""
SAME_S = 0.05
"""Two readings of when a process began differ by less."""


def start(folder: Path, *, is_low: bool = False) -> tuple[int, float]:
    """Run the job of a folder in a process of its own.

    It has its own session, and its output goes to a file: neither a signal to this process nor its death reaches it.

    Args:
        is_low: with low priority, as for imports.

    Returns:
        Its process id, and when it began, in seconds since the machine was started: together they name one process.

    Raises:
        JobError: it cannot be started.
    """
    pid, began = spawn([sys.executable, "-m", "calibench", "run", str(folder.resolve())], folder)
    if is_low:
        with suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, pid, LOW)
    return pid, began


def spawn(command: Sequence[str], folder: Path) -> tuple[int, float]:
    """Run a command as `start` does, with its output in the log of a folder.

    Raises:
        JobError: it cannot be started.
    """
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
    except OSError as error:
        raise JobError(f"{folder}: the job's process cannot be started ({error.strerror}).") from None
    began = began_at(process.pid)
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()  # or it would stay a zombie
    return process.pid, began if began is not None else 0.0


def is_alive(pid: int, created: float) -> bool:
    """Whether the process that `start` gave still runs; one that has ended, or another under its number, does not."""
    began = began_at(pid)
    return began is not None and abs(began - created) < SAME_S


def began_at(pid: int) -> float | None:
    """When a process began, seconds since the machine was started; None where it is not there or has ended.

    Not the time of the day: somebody may set the clock while a job runs.
    """
    try:
        # the name of the program, in parentheses, may hold blanks and parentheses itself
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _began_elsewhere(pid)
    except ProcessLookupError:
        return None
    return None if fields[0] in "ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")


def stop(pid: int, created: float, grace_s: float = GRACE_S) -> bool:
    """Ask the process and all that it started to end, and end them by force when they do not in time.

    Returns:
        Whether it is gone.
    """
    if not is_alive(pid, created):
        return True
    family = _family(pid)
    _signal_group(pid, signal.SIGTERM)
    if not _gone(pid, created, grace_s):
        family |= _family(pid)
    _signal_group(pid, signal.SIGKILL)  # also where the leader has ended: what it started may not have
    for member in family:
        with suppress(psutil.Error):
            member.kill()
    return _gone(pid, created, KILLED_S)


def grace_s(folder: Path) -> float:
    """Seconds that the process of a job may take to stop."""
    return CARRIED_GRACE_S if any((folder / name).exists() for name in (REMOTE, WORKERS)) else GRACE_S


def _family(pid: int) -> set[psutil.Process]:
    """What a process has started, also where that left its group."""
    with suppress(psutil.Error):
        return set(psutil.Process(pid).children(recursive=True))
    return set()


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _gone(pid: int, created: float, within_s: float) -> bool:
    end = monotonic() + within_s
    while is_alive(pid, created):
        if monotonic() > end:
            return False
        sleep(LOOK_S)
    return True


def _began_elsewhere(pid: int) -> float | None:
    """The same where there is no /proc, as on macOS; there it is the time of the day."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None

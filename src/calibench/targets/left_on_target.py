"""What a job that is over here still has on its target, such as where it was given up on: end it there, remove it."""

from pathlib import Path
from time import monotonic, sleep

from calibench.errors import JobError
from calibench.targets import local_process
from calibench.targets.bundle import REMOTE
from calibench.targets.bundle_files import ask_cancel, read_events
from calibench.targets.remote_record import NOT_REMOVED, is_left_there, read_record

LEAVES_S = 60.0
"""Seconds that it may take; a machine that does not answer is given up on after some 20."""
LOOK_S = 0.1


def has_left(folder: Path) -> bool:
    """Whether the job of a folder may have something on its target: a process, a place in a queue, or files.

    What a retry took over is that one's, whose folder lies beside this one. Quick: nothing is asked there.
    """
    return is_left_there(folder) and not _is_taken_over(folder)


def end_there(folder: Path, within_s: float = LEAVES_S) -> str:
    """End and remove what the job of a folder has on its target, before the folder is deleted. It takes seconds.

    A process of its own does it, the same that a job is cancelled by. The folder must stay until this returns, and no
    other process may carry its job. May be called again.

    Returns:
        '': nothing of it is there now. Else one sentence, which says why that is not sure, and what to do.
    """
    if not has_left(folder):
        return ""
    try:
        ask_cancel(folder)
        pid, began = local_process.start(folder)
    except (JobError, OSError) as error:
        return _sentence(str(error))
    until = monotonic() + within_s
    while local_process.is_alive(pid, began) and monotonic() < until:
        sleep(LOOK_S)
    local_process.stop(pid, began)
    return "" if not is_left_there(folder) else _sentence(_reason(folder))


def _is_taken_over(folder: Path) -> bool:
    """Whether the folder of another job knows of the same one there, and later."""
    own, written = read_record(folder), (folder / REMOTE).stat().st_mtime_ns
    for other in folder.parent.glob(f"*/{REMOTE}"):
        try:
            is_later = other.parent != folder and other.stat().st_mtime_ns > written
            if is_later and read_record(other.parent).job_id == own.job_id:
                return True
        except (OSError, JobError):  # deleted in this moment, or of another version
            continue
    return False


def _reason(folder: Path) -> str:
    """Why it could not be done, as the process said it last."""
    notes = [str(event.get("text", "")) for event in read_events(folder)[0] if event["type"] == "note"]
    told = [note.removeprefix(NOT_REMOVED) for note in notes if note.startswith(NOT_REMOVED)]
    return told[-1].partition(". ")[0] if told else "no answer"


def _sentence(reason: str) -> str:
    return (
        f"What the job left on its target could not be removed: {reason.rstrip('.')}. It may go on there until it "
        "ends. Remove it later: calibench target clean."
    )

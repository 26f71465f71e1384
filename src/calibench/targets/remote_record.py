"""What is known here of a job on another machine, in remote.json: enough for another process to go on with it."""

import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from calibench.errors import JobError
from calibench.settings import Frozen
from calibench.targets.bundle import REMOTE, End
from calibench.targets.bundle_files import write_whole

Phase = Literal["new", "laying", "laid", "starting", "started", "ended", "fetched", "removed"]
"""new: it has no folder there; laying: one that may not be whole; laid: its files are there; starting: it may have been
started; started: by `handle`; ended: `end` says how; fetched: the result is here, and nothing is needed there now;
removed: nothing of it is there."""
NOT_REMOVED = "It could not be removed there: "
"""What a note begins with that says why something of a job stays on its target."""
OVER = ("fetched", "removed")


class RemoteRecord(Frozen):
    """Where a job is. Written before each step, so that a step may be done twice, and none is left out."""

    format: Literal[1] = Field(1, description="of this file")
    job_id: str = Field(description="name of its folder there")
    phase: Phase = "new"
    folder: str = Field("", description="of the job there, absolute")
    command: str = Field("", description="words of a shell that run Calibench there")
    handle: str = Field("", description="of its process, as the starter gave it")
    attempts: int = Field(0, description="processes that were started for it", ge=0)
    end: End | None = None
    is_interrupted: bool = Field(False, description="`end` was not said by the work itself: it was ended from outside")

    @property
    def is_left(self) -> bool:
        """Whether something of it may be there: a process, a place in a queue, or files."""
        return self.phase not in ("new", "removed")


def read_record(folder: Path) -> RemoteRecord:
    """The record in the folder of a job; a new one, with an id of its own, where there is none.

    Raises:
        JobError: it cannot be read.
    """
    path = folder / REMOTE
    try:
        return RemoteRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return RemoteRecord(job_id=secrets.token_hex(8))
    except (OSError, ValidationError):
        raise JobError(f"{path}: cannot be read, or another Calibench wrote it. Submit the job anew.") from None


def write_record(record: RemoteRecord, folder: Path) -> None:
    """Keep it, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(folder / REMOTE, record.model_dump_json(indent=2) + "\n")


def is_left_there(folder: Path) -> bool:
    """Whether something of the job of a folder may be on its target: a process, a place in a queue, or files."""
    try:
        return (folder / REMOTE).exists() and read_record(folder).is_left
    except JobError:
        return False


def hand_over(before: Path, after: Path) -> None:
    """Let a retry find the job before it where it still runs there, or has ended unseen.

    Args:
        before, after: folders of the two jobs.

    Raises:
        JobError, OSError: the record cannot be read or copied.
    """
    if not (before / REMOTE).exists():
        return
    record = read_record(before).model_copy(update={"attempts": 0})
    if record.phase in OVER:  # all is said of that one; what comes is another run under its name
        record = record.model_copy(update={"phase": "new", "handle": "", "end": None, "is_interrupted": False})
    write_record(record, after)

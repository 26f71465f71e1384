"""Write and read the files of a job's folder: what is asked, what happens, how it ended."""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calibench.errors import JobError
from calibench.search.folder_lock import SEARCH
from calibench.targets.bundle import BUNDLE, CANCEL, END, EVENTS, OUT, TEMPORARY, Bundle, End

Plain = dict[str, Any]

FILES = ("model", "baseline", "dataset", "validation", "result", "started_in")
"""Fields of a bundle that are one path."""

RUN, LOCK = "run.json", "lock"
"""In the folder of a search: what it was asked for, and who works in it."""


def write_bundle(bundle: Bundle, folder: Path) -> None:
    """Make the folder and write what the job is to do, whole or not at all.

    Raises:
        JobError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / BUNDLE, bundle_text(bundle))
    except OSError as error:
        raise JobError(f"{folder}: cannot be written ({error.strerror}). Is the disk full?") from None


def bundle_text(bundle: Bundle) -> str:
    """What stands in bundle.json."""
    said = bundle.model_dump(mode="json", exclude_unset=True)  # what nobody set is still to be found by trying
    fields = {"format": bundle.format, **{name: said[name] for name in Bundle.model_fields if name in said}}
    return json.dumps(fields, indent=2) + "\n"


def read_bundle(folder: Path) -> Bundle:
    """What a job is to do; relative paths are taken from its folder.

    Raises:
        JobError: there is none, or another Calibench wrote it.
    """
    path = folder / BUNDLE
    try:
        bundle = Bundle.model_validate_json(path.read_bytes())
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror}). Give the folder of a job.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise JobError(f"{path}: {where or 'this'}: {first['msg']}. Was it written by another Calibench?") from None
    home = folder.resolve()
    given = {name: getattr(bundle, name) for name in FILES}
    paths: Plain = {name: home / path for name, path in given.items() if path is not None}
    if bundle.sources:
        paths["sources"] = tuple(home / path for path in bundle.sources)
    return bundle.model_copy(update=paths)


def write_end(end: End, folder: Path) -> None:
    """Say how a job ended; the last file that it writes, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(folder / END, end.model_dump_json(indent=2) + "\n")


def read_end(folder: Path) -> End | None:
    """How a job ended; None while it runs, and for ever where its process was killed.

    Raises:
        JobError: the file is there and says nothing that is understood.
    """
    path = folder / END
    try:
        return End.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise JobError(f"{path}: cannot be read, or another Calibench wrote it. Run the job again.") from None


def ask_cancel(folder: Path) -> None:
    """Say in the folder of a job that SIGTERM, or a start of its process, means a cancel from now on.

    Raises:
        OSError: it cannot be written.
    """
    (folder / CANCEL).touch()


def is_cancel_asked(folder: Path) -> bool:
    """Whether somebody has cancelled the job of a folder."""
    return (folder / CANCEL).exists()


def take_over_search(before: Path, folder: Path) -> None:
    """Copy what the search of another job with the same bundle has found, so that the job of `folder` goes on with it.

    Raises:
        JobError: it cannot be read or written.
    """
    source, place = before / OUT / SEARCH, folder / OUT / SEARCH
    try:
        found = [path for path in source.iterdir() if path.is_file() and path.name != LOCK] if source.is_dir() else []
        if not found:
            return
        place.mkdir(parents=True, exist_ok=True)
        for path in sorted(found, key=lambda path: path.name == RUN):  # without that file it is no search yet
            shutil.copyfile(path, place / path.name)
    except OSError as error:
        raise JobError(f"{place}: cannot be written ({error.strerror}). Is the disk full?") from None


def remove_temporary(folder: Path) -> None:
    """Remove what a process leaves behind that was killed; for when none works in the folder."""
    for left in (folder / TEMPORARY, *folder.glob(".*.partial")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


class EventLog:
    """Appends events to events.jsonl, a line each; a reader sees whole lines only."""

    def __init__(self, folder: Path) -> None:
        path = folder / EVENTS
        is_cut = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
        self._file = path.open("ab", buffering=0)
        if is_cut:  # a run before this one was killed in the middle of a line
            self._file.write(b"\n")

    def write(self, kind: str, values: Mapping[str, Any]) -> None:
        """Add one event of a type: progress, trial or note. What JSON does not know (nan) must not be in it."""
        self.write_all([{"type": kind, **values}])

    def write_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add events, all of them or, where this process is killed, none; one without a time happens now."""
        now = {"time": round(time.time(), 3)}
        lines = [json.dumps({**now, **event}, ensure_ascii=False, allow_nan=False).encode() + b"\n" for event in events]
        self._file.write(b"".join(lines))  # one write call: never half a line for who reads meanwhile

    def close(self) -> None:
        """No more events."""
        self._file.close()


def read_events(folder: Path, offset: int = 0) -> tuple[list[Plain], int]:
    """The events after a place in the file, and the place to go on from; a line that is not whole yet waits.

    Args:
        offset: bytes; 0 for the first call, then what the last one gave.
    """
    try:
        with (folder / EVENTS).open("rb") as file:
            file.seek(offset)
            found = file.read()
    except FileNotFoundError:
        return [], offset
    events, length = parse_events(found)
    return events, offset + length


def parse_events(text: bytes) -> tuple[list[Plain], int]:
    """The events in a piece of the file that begins with a line, and the bytes of its whole lines."""
    whole = text[: text.rfind(b"\n") + 1]
    return [event for line in whole.splitlines() if (event := _event(line)) is not None], len(whole)


def _event(line: bytes) -> Plain | None:
    """One event; None for a line that a crash or a full disk cut off."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event else None


def write_whole(path: Path, text: str) -> None:
    """Write a file of a job, whole or not at all, also where the machine is switched off.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.partial")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # a renamed file must have its content even where the machine is switched off
    aside.replace(path)

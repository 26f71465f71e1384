"""What a search found, written down as it is found, so that a run that was killed goes on where it was.

One line of JSON an entry, in OUT/search/journal.jsonl, forced to the disk before the search goes on. The first line
holds the key: all that the entries depend on. Floats are written as their repr, which reads back to the same float;
what is no number, or has no end, as Python's json writes it: NaN, Infinity, -Infinity.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from calibench.errors import JobError
from calibench.search.folder_lock import SEARCH, claim
from calibench.search.journal_key import differences

FORMAT = 1
"""Of the file; a new number where an older Calibench would misread it."""

T = TypeVar("T")

Entries = dict[str, dict[str, Any]]
"""Kind -> name -> value."""


class Journal:
    """The entries of one run; made by `open_journal`."""

    def __init__(self, out: Path | None, file: BinaryIO | None, entries: Entries) -> None:
        self._out, self._file, self._entries = out, file, entries

    def recall(self, kind: str, name: str) -> Any | None:
        """What was written under it last, as JSON gives it back (tuples are lists); None: nothing yet."""
        return self._entries.get(kind, {}).get(name)

    def recall_as(self, kind: str, name: str, make: Callable[[Any], T]) -> T | None:
        """What `make` makes of what was written; None: nothing yet.

        Raises:
            JobError: it makes nothing of it: the file was changed.
        """
        kept = self.recall(kind, name)
        try:
            return None if kept is None else make(kept)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            where = "The journal" if self._out is None else journal_path(self._out)
            raise JobError(
                f"{where}: an entry of kind {kind} was changed and cannot be read. Remove its line to try it anew, or "
                "begin anew with --force."
            ) from None

    def entries(self, kind: str) -> Mapping[str, Any]:
        """Name -> value, in the order in which the names were first written."""
        return dict(self._entries.get(kind, {}))

    def write(self, kind: str, name: str, value: Any) -> None:
        """Keep a value of plain JSON; it is on the disk when this returns.

        Args:
            kind, name: such as 'trial', '7'; an entry with a name that is no number is called by its place.

        Raises:
            JobError: it cannot be written; what was written before stays whole.
            TypeError: the value holds what JSON cannot.
        """
        line = _line({"kind": kind, "name": name, "value": value})
        if self._file is not None and self._out is not None:
            number = name if name.isdecimal() else len(self._entries.get(kind, {})) + 1
            _append(self._file, line, self._out, f"{kind} {number}")
        self._entries.setdefault(kind, {})[name] = json.loads(line)["value"]


@contextmanager
def open_journal(out: Path | None, key: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal of the result in `out`, with what an earlier run left there; locked against other runs.

    Args:
        out: the folder of the result; None: kept in memory only.
        key: of plain JSON, see `journal_key.run_key`.

    Raises:
        JobError: the entries belong to another key, a line is broken, another run is at work, nothing can be written.
    """
    if out is None:
        yield Journal(None, None, {})
        return
    with _opened(journal_path(out), out) as file:
        entries = _reopen(file, json.loads(_line(dict(key))), out)
        yield Journal(out, file, entries)


def journal_path(out: Path) -> Path:
    """Where the journal of a result lies."""
    return out / SEARCH / "journal.jsonl"


def count_kept(out: Path, kind: str = "trial") -> int:
    """How many entries of a kind a run has left in `out`; 0 where there is no journal that can be read."""
    try:
        whole, _ = _whole_lines(journal_path(out).read_bytes())
        return len(_read(whole, out)[1].get(kind, {})) if whole else 0
    except (OSError, JobError):
        return 0


def has_entries(out: Path) -> bool:
    """Whether a run has left anything in the journal of `out` that could be used again, or that cannot be read."""
    try:
        return len(_whole_lines(journal_path(out).read_bytes())[0]) > 1
    except FileNotFoundError:
        return False
    except OSError:
        return True


@contextmanager
def _opened(path: Path, out: Path) -> Iterator[BinaryIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise JobError(f"{out}: cannot be written ({error.strerror}). Choose a folder that you may write to.") from None
    with file:
        claim(file, out)
        yield file


def _reopen(file: BinaryIO, key: Any, out: Path) -> Entries:
    """The entries that are there; the file then ends with a whole line, and begins with a header."""
    file.seek(0)
    lines, length = _whole_lines(file.read())
    file.truncate(length)
    if not lines:
        _append(file, _line({"format": FORMAT, "key": key}), out, "the journal")
        return {}
    found, entries = _read(lines, out)
    if said := differences(found, key):
        raise JobError(f"{out}: cannot go on, because {said}. Begin anew with --force, or give another folder.")
    return entries


def _whole_lines(data: bytes) -> tuple[list[bytes], int]:
    """The lines that were written to their end, and the bytes they take: a kill leaves a part of one behind them."""
    *lines, _part = data.split(b"\n")
    if lines and _parsed(lines[-1]) is None:  # a lost block of the disk can hold anything
        lines.pop()
    return lines, sum(len(line) + 1 for line in lines)


def _read(lines: list[bytes], out: Path) -> tuple[Any, Entries]:
    """Key and entries.

    Raises:
        JobError: a line is broken, or another version wrote the file.
    """
    entries: Entries = {}
    header = _parsed(lines[0])
    if not header or "format" not in header:
        raise JobError(f"{journal_path(out)}: line 1 is no header of a search. Begin anew with --force.")
    if header["format"] != FORMAT:
        raise JobError(f"{journal_path(out)}: has format {header['format']}, this Calibench reads {FORMAT}.")
    for number, line in enumerate(lines[1:], start=2):
        entry = _parsed(line)
        if not entry or not {"kind", "name", "value"} <= set(entry):
            raise JobError(
                f"{journal_path(out)}: line {number} is broken; the file was changed. Remove the line to try it anew, "
                "or begin anew with --force."
            )
        entries.setdefault(str(entry["kind"]), {})[str(entry["name"])] = entry["value"]
    return header.get("key"), entries


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line as it was written; None where it is no JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _line(value: Any) -> bytes:
    """ASCII only, so that no cut falls into a character."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _append(file: BinaryIO, line: bytes, out: Path, what: str) -> None:
    """Write a line and force it to the disk; a part of one is taken back.

    Raises:
        JobError: the disk is full or the folder is gone.
    """
    before = file.seek(0, os.SEEK_END)
    try:
        written = 0
        while written < len(line):
            written += file.write(line[written:])
        os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            file.truncate(before)
        raise JobError(
            f"{out}: {what} cannot be written ({error.strerror}). Free some room, then go on with --resume {out}."
        ) from None

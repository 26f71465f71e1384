"""One run at a time in a folder: a file that is locked as long as the process lives, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from calibench.errors import JobError

SEARCH = "search"
"""The part of a result that a search works in."""


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold OUT/search/lock, which names this process; the folder `search` must be there.

    The file stays behind: were it removed, two processes could hold two files of the same name.

    Raises:
        JobError: another run holds it.
    """
    import os

    with (out / SEARCH / "lock").open("a+b") as file:
        claim(file, out)
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield


def claim(file: IO[Any], out: Path) -> None:
    """Lock an open file of the run in `out` until it is closed.

    Systems and file systems that know no such locks (Windows, some network drives) are trusted.

    Raises:
        JobError: another run holds it; names its process where it can.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JobError(
            f"{out}: another run is at work there{_holder(out)}. Wait for it, or give another folder."
        ) from None
    except OSError:
        return


def check_free(out: Path) -> None:
    """Raise JobError when another run is at work in `out`; whether there is a search or not."""
    try:
        with (out / SEARCH / "lock").open("rb") as file:
            claim(file, out)
    except OSError:  # no search, or one that may not be read
        return


def _holder(out: Path) -> str:
    try:
        number = (out / SEARCH / "lock").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" (process {number})" if number.isdecimal() else ""

"""SHA-256 of files on this machine, remembered: a file that did not change is not read again."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from calibench.errors import DatasetError

NAME = "hashes.json"
SETTLED_NS = 2_000_000_000
"""Nanoseconds that a file must have been at rest: a change within one tick of the clock is not seen later."""
MOST = 500_000
"""Files that are remembered; of more, those that were asked for last."""
Told = Callable[[int], None]
"""Told the bytes of each file that was read."""


def cache_folder() -> Path:
    """Where what can be made again is kept: $XDG_CACHE_HOME/calibench, else ~/.cache/calibench."""
    shared = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return home / "calibench"


def content_hashes(
    paths: Iterable[Path], told: Told = lambda count: None, memory: Path | None = None
) -> dict[Path, str]:
    """The hash of every file, hex.

    Args:
        memory: the file that remembers; None: in the cache folder. One that cannot be written remembers nothing.

    Raises:
        DatasetError: a file cannot be read.
    """
    memory = memory or cache_folder() / NAME
    known = _remembered(memory)
    found, is_new = {}, False
    for path in paths:
        try:
            state, name = path.stat(), str(path.absolute())
            mark = [state.st_size, state.st_mtime_ns, state.st_ino]
            kept = known.pop(name, None)
            if kept is None or kept[:3] != mark:
                with path.open("rb") as file:
                    kept = [*mark, hashlib.file_digest(file, "sha256").hexdigest()]
                told(state.st_size)
                is_new = True
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}). Give files that you may read.") from None
        found[path] = str(kept[3])
        if time.time_ns() - state.st_mtime_ns > SETTLED_NS:
            known[name] = kept  # behind all others: the last of MOST to be forgotten
    if is_new:
        _remember(known, memory)
    return found


def _remembered(memory: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(known, dict) and all(isinstance(kept, list) and len(kept) == 4 for kept in known.values())
    return known if is_ours else {}


def _remember(known: dict[str, list[int | str]], memory: Path) -> None:
    """Write it whole or not at all; of two processes the later one wins, and the other's files are read again."""
    aside = memory.with_name(f".{memory.name}.{os.getpid()}")
    latest = dict(list(known.items())[-MOST:])
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(latest))
        aside.replace(memory)

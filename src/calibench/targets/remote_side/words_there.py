"""What all parts of the remote side share: names of its folders, what it refuses, and looks at files."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

ENVIRONMENTS, BLOBS, PACKS, JOBS, WHEELS, LISTS = "environments", "blobs", "packs", "jobs", "wheels", "lists"
ASIDE, PARTIAL, WHOLE = ".new-", ".partial", "calibench-whole.json"
BLOCK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)


class Refused(Exception):  # noqa: N818 - as faces call it
    """It cannot be done: what is wrong, and its mend."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(says)
        self.says, self.mend = says, mend


def text_of(path: str) -> str:
    """What stands in a file; '' where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def sha256_of(path: Path) -> str:
    """Of the content of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK)
            if not block:
                return digest.hexdigest()
            digest.update(block)


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def inside(folder: Path) -> list[Path]:
    """What is in a folder; nothing where there is none."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def lives(number: int) -> bool:
    """Whether a process of this user is there; of a group its number is negative."""
    try:
        os.kill(number, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True

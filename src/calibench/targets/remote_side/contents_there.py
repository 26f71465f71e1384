"""Files on a target by their contents, and folders that are made of them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from calibench.targets.remote_side.words_there import BLOBS, FULL, PACKS, PARTIAL, WHEELS, Refused, sha256_of

LINKED = "in"
"""Folder of a job whose files are hard links to blobs. What a job writes to is a copy."""
STALE_S = 60.0
"""Seconds without a byte after which another sender's partial file is taken over."""


def missing(home: Path, blobs: list[tuple[str, int]], sender: str) -> dict[str, int]:
    """Bytes that are there of each content that is not there whole; the folders that they go to are made."""
    listed: dict[str, list[str]] = {}
    found = {}
    for sha256, size in blobs:
        place = blob(home, sha256)
        if _is_whole(place, size):
            continue
        names = listed.get(sha256[:2])
        if names is None:
            place.parent.mkdir(parents=True, exist_ok=True)
            names = listed[sha256[:2]] = [path.name for path in place.parent.iterdir()]
        partial = _claimed(place, names, sender)
        if partial.exists() and partial.stat().st_size >= size and _settled(partial, place):
            continue
        found[sha256] = partial.stat().st_size if partial.exists() else 0
    return found


def blob(home: Path, sha256: str) -> Path:
    """Where a content lies."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise Refused(f"{sha256!r} is no hash.", "This is a fault of Calibench.")
    return home / BLOBS / sha256[:2] / sha256


def partial_name(sha256: str, sender: str) -> str:
    """Of a content while it arrives."""
    return f"{sha256}.{sender}{PARTIAL}"


def _is_whole(place: Path, size: int) -> bool:
    try:
        return place.stat().st_size == size
    except FileNotFoundError:
        return False


def _claimed(place: Path, names: list[str], sender: str) -> Path:
    """The partial file of this sender; what another one left long ago becomes it."""
    own = place.parent / partial_name(place.name, sender)
    if not own.exists():
        for name in names:
            other = place.parent / name
            try:
                if name.startswith(place.name + ".") and time.time() - other.stat().st_mtime > STALE_S:
                    other.rename(own)
                    break
            except FileNotFoundError:  # it has arrived meanwhile, or somebody else took it over
                continue
    return own


def _settled(partial: Path, place: Path) -> bool:
    """Whether what arrived is what it should be; it is a blob then, else it is removed."""
    if sha256_of(partial) != place.name:
        partial.unlink()
        return False
    partial.chmod(0o400)
    partial.rename(place)
    return True


def settle(home: Path, blobs: list[str], sender: str) -> list[str]:
    """Verify contents that arrived; those that are damaged are removed and named."""
    damaged = []
    for sha256 in blobs:
        place = blob(home, sha256)
        partial = place.parent / partial_name(sha256, sender)
        if not (_settled(partial, place) if partial.exists() else place.exists()):
            damaged.append(sha256)
    return damaged


def pack(home: Path, name: str) -> int:
    """Bytes that are there of a pack; its folder is made."""
    place = home / PACKS / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.stat().st_size if place.exists() else 0


def unpack(home: Path, name: str, blobs: list[tuple[str, int]]) -> list[str]:
    """Make blobs of the contents that lie one after the other in a pack; names the damaged ones."""
    damaged = []
    place = home / PACKS / name
    with place.open("rb") as file:
        for sha256, size in blobs:
            content, target = file.read(size), blob(home, sha256)
            if hashlib.sha256(content).hexdigest() != sha256:
                damaged.append(sha256)
            elif not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                aside = target.parent / partial_name(sha256, f"pack{os.getpid()}")
                aside.write_bytes(content)
                aside.chmod(0o400)
                aside.rename(target)
    place.unlink()
    return damaged


def lay(home: Path, folder: str, files: dict[str, str | None], texts: dict[str, str] | None = None) -> str:
    """Make a folder of files out of blobs; None: an empty placeholder. What is there already is replaced.

    Args:
        texts: files that are written last.

    Returns:
        Its absolute path.
    """
    root = _below(home, folder)
    gone = [name for name, sha256 in files.items() if sha256 is not None and not blob(home, sha256).exists()]
    if gone:
        raise Refused(f"{len(gone)} files are not there, such as {gone[0]}.", "Try again: they are sent anew.")
    root.mkdir(parents=True, exist_ok=True)
    for name, sha256 in files.items():
        place = _below(root, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            place.unlink()
        if sha256 is None:
            place.touch()
        elif name.split("/")[0] == LINKED or folder.split("/")[0] == WHEELS:
            _link(blob(home, sha256), place)
        else:
            shutil.copyfile(str(blob(home, sha256)), str(place))
    for name, text in (texts or {}).items():
        _below(root, name).write_text(text, encoding="utf-8")
    return str(root)


def _below(root: Path, name: str) -> Path:
    """A path in a folder.

    Raises:
        Refused: it leads out.
    """
    parts = name.split("/")
    if name.startswith("/") or "" in parts or "." in parts or ".." in parts or "\0" in name:
        raise Refused(f"{name!r} leads out of its folder.", "Name the file otherwise.")
    return root.joinpath(*parts)


def _link(source: Path, place: Path) -> None:
    try:
        os.link(str(source), str(place))
    except OSError as error:
        if error.errno in FULL:
            raise
        shutil.copyfile(str(source), str(place))

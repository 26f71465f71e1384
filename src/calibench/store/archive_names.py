"""Names in an archive: where a member may be written, and what is left out."""

import re

from calibench.errors import DatasetError

LITTER = frozenset(("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r"))
"""What systems add to archives by themselves; so is everything whose name begins with '._'."""

DRIVE = re.compile(r"[A-Za-z]:")
SHOWN = 200
"""Letters of a name that a sentence shows."""
DEEPEST = 100
"""Folders in folders; no dataset has ten, and whoever walks through a thousand runs out of stack."""


def safe_parts(name: str) -> tuple[str, ...]:
    """The folders and the file that a name means, relative to where the archive is unpacked; () is that place itself.

    Raises:
        DatasetError: it leads elsewhere, lies too deep, or is no text. The sentence begins with the member's name.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DatasetError(f"the name of {shown(name)} is not UTF-8. Rename the file, and pack again.") from None
    if name.startswith("/") or DRIVE.match(name):
        raise DatasetError(f"{shown(name)} has an absolute path. Pack it with relative paths.")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise DatasetError(f"{shown(name)} leads out of the archive. Pack it without '..'.")
    if any("\0" in part for part in parts):
        raise DatasetError(f"{shown(name)} is no name of a file. Pack it again.")
    if len(parts) > DEEPEST:
        raise DatasetError(f"{shown(name)} lies in more than {DEEPEST} folders. Pack it with fewer.")
    return parts


def is_litter(parts: tuple[str, ...]) -> bool:
    """Whether a system added this by itself, and nobody means it."""
    return any(part in LITTER or part.startswith("._") for part in parts)


def shown(name: str) -> str:
    """A name for a sentence: short, and without what steers a terminal."""
    cut = name if len(name) <= SHOWN else f"{name[:SHOWN]}..."
    return "'" + "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut) + "'"

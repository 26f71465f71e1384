"""The name of a sent file, made harmless."""

import re
import unicodedata
from pathlib import PurePosixPath

from calibench.errors import SettingsError

LONGEST = 200
"""Bytes of a name in UTF-8: file systems take 255, and something may be put behind it."""
SUFFIX_LONGEST = 20
"""Bytes of the endings that stay when a name is shortened, such as .tar.gz."""


def harmless_name(sent: str) -> str:
    """The last part of a path, without control characters, shortened in front of its endings.

    Raises:
        SettingsError: nothing is left that could name a file.
    """
    last = re.split(r"[/\\]", sent)[-1]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    name = unicodedata.normalize("NFC", shown).strip().rstrip(".")
    if not name.strip("."):
        raise SettingsError(f"{sent[:50]!r} is no name of a file. Send one such as model.onnx.")
    return _shortened(name)


def _shortened(name: str) -> str:
    if len(name.encode()) <= LONGEST:
        return name
    ending = "".join(PurePosixPath(name).suffixes[-2:])
    if len(ending.encode()) > SUFFIX_LONGEST:
        ending = PurePosixPath(name).suffix
    if len(ending.encode()) > SUFFIX_LONGEST:
        ending = ""
    stem = name[: len(name) - len(ending)].encode()[: LONGEST - len(ending.encode())]
    return stem.decode(errors="ignore") + ending

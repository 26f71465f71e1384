"""Where an import may take its files from: uploads, or folders of this machine that the operator allowed."""

import os
from pathlib import Path

from calibench.errors import SettingsError
from calibench.things.asked import Import
from calibench.workbench.uploads import Uploads

SHOWN = 300
"""Letters of a path that a sentence shows."""


class ImportSources:
    """Turns what was asked for into paths; none of them leads out of what is allowed."""

    def __init__(self, uploads: Uploads, allowed: tuple[Path, ...] = ()) -> None:
        self._uploads = uploads
        self.allowed = tuple(folder.resolve() for folder in allowed)

    def find(self, asked: Import) -> tuple[Path, ...]:
        """The files of an import.

        Raises:
            SettingsError: neither uploads nor a path, or both; the path is not allowed or not there.
            NotThere, Conflict: an upload is gone, or not whole yet.
        """
        if bool(asked.uploads) == (asked.path is not None):
            raise SettingsError("An import takes uploads or a path of the server: one of the two.")
        if asked.path is not None:
            return (self.allowed_path(asked.path),)
        paths = tuple(self._uploads.path(id) for id in dict.fromkeys(asked.uploads))
        names = [path.name for path in paths]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SettingsError(f"{twice}: two of the uploads have this name. Send each file once.")
        return paths

    def claim(self, asked: Import, by: str) -> None:
        """Keep the uploads for one import, which removes them when it is done."""
        self._uploads.claim(tuple(dict.fromkeys(asked.uploads)), by)

    def give_back(self, by: str) -> None:
        """Undo `claim`."""
        self._uploads.give_back(by)

    def allowed_path(self, path: Path) -> Path:
        """A path of this machine with all links followed.

        Raises:
            SettingsError: it lies in none of the allowed folders, or is not there. What is not allowed is not even
                looked at: the answer is the same whether it is there or not.
        """
        shown = "".join(letter for letter in str(path) if letter.isprintable())[:SHOWN]
        try:
            real = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, an unknown ~user, a null byte
            real = None
        if real is None or not path.is_absolute() or not any(real.is_relative_to(each) for each in self.allowed):
            raise SettingsError(f"{shown}: not below a folder that this server may read. {self._which()}")
        if not os.path.exists(real):  # noqa: PTH110 - the method of Path raises where it may not look
            raise SettingsError(f"{shown}: there is no such file or folder on the server.")
        return real

    def _which(self) -> str:
        if not self.allowed:
            return "None is allowed: upload the files, or start the server with --allow-folder DIR."
        folders = ", ".join(str(folder) for folder in self.allowed)
        return f"Allowed: {folders}. More of them: start the server with --allow-folder DIR."

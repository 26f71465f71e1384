"""What is on the disk of each upload: a folder with `upload.json`, and the file under its own name in `file/`."""

import json
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from calibench.store.refused import NotThere
from calibench.things.kept import Upload

ID = re.compile(r"[0-9a-f]{16}")
NOTE, FILES = "upload.json", "file"


class UploadNotes:
    """The folder `uploads/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, size: int | None) -> str:
        """A new upload with an empty file; its id."""
        id = secrets.token_hex(8)
        (self.folder / id / FILES).mkdir(parents=True)
        (self.folder / id / FILES / name).touch()
        self._write(id, {"name": name, "size": size})
        return id

    def read(self, id: str) -> dict[str, Any]:
        """What is noted of an upload: name, size, and later sha256 and used_by.

        Raises:
            NotThere: there is none.
        """
        try:
            if not ID.fullmatch(id):
                raise FileNotFoundError
            found: dict[str, Any] = json.loads((self.folder / id / NOTE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotThere(f"There is no upload {id[:40]!r}; unfinished ones are removed after a day.") from None
        return found

    def add(self, id: str, **values: Any) -> None:
        """Note more of an upload.

        Raises:
            NotThere: there is none.
        """
        self._write(id, {**self.read(id), **values})

    def upload(self, id: str) -> Upload:
        """One upload as it stands.

        Raises:
            NotThere: there is none.
        """
        note, file = self.read(id), self.file(id)
        received, sha256 = file.stat().st_size if file.is_file() else 0, note.get("sha256")
        about = {"name": note["name"], "size": note["size"], "received": received}
        return Upload(id=id, sha256=sha256, is_whole=sha256 is not None, **about)

    def file(self, id: str) -> Path:
        """Where its bytes are.

        Raises:
            NotThere: there is none.
        """
        return self.folder / id / FILES / str(self.read(id)["name"])

    def used_by(self, id: str) -> str | None:
        """The import that claimed an upload; None also for a folder that is no upload.

        Raises:
            NotThere: there is none.
        """
        found = self.read(id).get("used_by")
        return None if found is None else str(found)

    def ids(self) -> tuple[str, ...]:
        """Every upload that is there."""
        return tuple(id for id in self.folders() if (self.folder / id / NOTE).is_file())

    def folders(self) -> tuple[str, ...]:
        """The same with those that a killed server left half made."""
        return tuple(sorted(each.name for each in self.folder.iterdir() if ID.fullmatch(each.name)))

    def idle_s(self, id: str) -> float:
        """Seconds since something of it was written."""
        place = self.folder / id
        newest = max((each.stat().st_mtime for each in place.rglob("*")), default=place.stat().st_mtime)
        return time.time() - newest

    def remove(self, id: str) -> None:
        """Remove all of an upload."""
        shutil.rmtree(self.folder / id, ignore_errors=True)

    def _write(self, id: str, note: dict[str, Any]) -> None:
        aside = self.folder / id / f"{NOTE}.new"
        aside.write_text(json.dumps(note), encoding="utf-8")
        aside.replace(self.folder / id / NOTE)

"""What is on the disk of each upload: a folder with `upload.json`, and the file under its own name in `file/`."""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calibench.errors import JobError
from calibench.store.disk import FULL
from calibench.store.refused import NotThere
from calibench.things.kept import Upload

ID = re.compile(r"[0-9a-f]{16}")
NOTE, FILES = "upload.json", "file"


class UploadNotes:
    """The folder `uploads/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, size: int | None) -> str:
        """A new upload with an empty file; its id.

        Raises:
            JobError: it cannot be written; nothing is left of it.
        """
        id = secrets.token_hex(8)
        try:
            with _said(name):
                (self.folder / id / FILES).mkdir(parents=True)
                (self.folder / id / FILES / name).touch()
            self._write(id, {"name": name, "size": size})
        except BaseException:
            self.remove(id)
            raise
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
            JobError: it cannot be written; what was noted stays.
        """
        self._write(id, {**self.read(id), **values})

    def upload(self, id: str) -> Upload:
        """One upload as it stands.

        Raises:
            NotThere: there is none.
        """
        note = self.read(id)
        file = self._file(id, note)
        received, sha256 = file.stat().st_size if file.is_file() else 0, note.get("sha256")
        about = {"name": note["name"], "size": note["size"], "received": received}
        return Upload(id=id, sha256=sha256, is_whole=sha256 is not None, **about)

    def file(self, id: str) -> Path:
        """Where its bytes are.

        Raises:
            NotThere: there is none.
        """
        return self._file(id, self.read(id))

    def _file(self, id: str, note: Mapping[str, Any]) -> Path:
        return self.folder / id / FILES / str(note["name"])

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
        with _said(note["name"]):
            aside.write_text(json.dumps(note), encoding="utf-8")
            aside.replace(self.folder / id / NOTE)


@contextmanager
def _said(name: str) -> Iterator[None]:
    """Turn what the disk refuses into a sentence about an upload."""
    try:
        yield
    except OSError as error:
        advice = "Free some room there" if error.errno in FULL else "Mend that"
        raise JobError(f"{name}: the data folder cannot be written ({error.strerror}). {advice}, and go on.") from None

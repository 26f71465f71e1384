"""A backup becomes a data folder again: verified, whole or not at all."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, inspect, not_, update

from calibench.errors import CalibenchError, JobError
from calibench.progress import Progress
from calibench.store.archive_member import DAMAGED, Member
from calibench.store.archive_names import safe_parts
from calibench.store.backup import ABOUT, FORMAT, MANIFEST, TABLES
from calibench.store.data_folder import DataFolder
from calibench.store.database import shown
from calibench.store.disk import MB, on_disk, sync_all, sync_folder
from calibench.store.dump import load_tables
from calibench.store.manifest import read_manifest
from calibench.store.tables import HEAD
from calibench.store.tables import TABLES as THINGS
from calibench.store.taking import CHUNK, READ_ONLY
from calibench.store.tar_members import is_tar, open_tar
from calibench.store.upgrading import opened, revise, revising
from calibench.things.kept import ENDED, Failure, Job, KeptDataset, KeptModel, Project

FOLDERS = ("trees", "blobs", "jobs")
"""What a backup may hold besides its own members."""

INTERRUPTED = Failure(kind="JobError", message="It had not ended when the backup was made. Start it again.")
"""Of jobs, and of imports, that a backup caught on their way."""


@dataclass(frozen=True)
class Restored:
    """What was restored."""

    path: Path
    made: str
    """When the backup was made, ISO 8601."""
    files: int
    size_bytes: int
    ended: int
    """Jobs that had not ended when the backup was made, and count as failed now."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        first = f"{self.path}: as it was at {self.made}; {self.files} files, {self.size_bytes / MB:,.1f} MB, verified."
        return (first, *((f"{self.ended} jobs had not ended then; they count as failed.",) if self.ended else ()))

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "path": str(self.path),
            "made": self.made,
            "files": self.files,
            "size_bytes": self.size_bytes,
            "ended": self.ended,
        }


def restore(file: Path, folder: DataFolder, progress: Progress, database: str | None = None) -> Restored:
    """Make a data folder out of a backup. It is verified first; where anything fails, nothing is there afterwards.

    Args:
        folder: new or empty.
        database: URL of an empty database; None: a SQLite file in the folder.

    Raises:
        JobError: the folder or the database is not empty, the backup is damaged or of a newer version, the disk
            refuses.
    """
    if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
        raise JobError(f"{folder.path}: is not empty. Give a new folder as --data-dir.")
    aside = DataFolder(folder.path.with_name(f".{folder.path.name[:100]}.{uuid4().hex}.restoring"))
    try:
        with on_disk(folder.path):
            if not file.is_file() or not is_tar(file):
                raise JobError(f"{file}: is no backup of Calibench. Give a file that `calibench data backup` wrote.")
            aside.make()
            return _Restoring(file, folder, aside, progress).run(database)
    finally:
        shutil.rmtree(aside.path, ignore_errors=True)


class _Restoring:
    """One backup on its way into a folder."""

    def __init__(self, file: Path, folder: DataFolder, aside: DataFolder, progress: Progress) -> None:
        self._file, self._folder, self._aside, self._progress = file, folder, aside, progress
        self._found: dict[str, tuple[int, str]] = {}
        self._about: dict[str, Any] = {}

    def run(self, database: str | None) -> Restored:
        with self._verified():
            self._extract()
            self._check_manifest()
            self._read_about()
        self._refuse_newer()
        with self._verified():
            self._make_trees()
        self._move_bundles()
        ended = self._publish(database)
        files, size = len(self._found), sum(size for size, _ in self._found.values())
        return Restored(self._folder.path, str(self._about["made"]), files, size, ended)

    @contextmanager
    def _verified(self) -> Iterator[None]:
        try:
            yield
        except CalibenchError as error:
            raise JobError(f"{self._file}: is damaged ({str(error).rstrip('.')}). Give another backup.") from None
        except (*DAMAGED, TypeError, AttributeError) as error:
            reason = str(error).rstrip(".") or "it breaks off"
            raise JobError(f"{self._file}: is damaged ({reason}). Give another backup.") from error

    def _extract(self) -> None:
        size = self._file.stat().st_size
        with open_tar(self._file) as archive:
            for member in archive.members:
                parts = safe_parts(member.name)
                name = "/".join(parts)
                is_ours = name in (ABOUT, TABLES, MANIFEST) or (len(parts) > 1 and parts[0] in FOLDERS)
                if member.kind != "file" or not is_ours or name in self._found:
                    raise JobError(f"{name} does not belong into it")
                self._found[name] = self._write(member, self._aside.path.joinpath(*parts))
                self._progress("restore (MB)", int(archive.position() / MB), int(size / MB) + 1)

    def _write(self, member: Member, place: Path) -> tuple[int, str]:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with place.open("xb") as file:
            while chunk := member.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        return size, digest.hexdigest()

    def _check_manifest(self) -> None:
        if self._found.pop(MANIFEST, None) is None:
            raise JobError("it breaks off")
        place = self._aside.path / MANIFEST
        wanted = {name: (size, sha256) for name, (size, sha256) in json.loads(place.read_bytes()).items()}
        place.unlink()
        for name in sorted(wanted.keys() | self._found.keys()):
            if wanted.get(name) != self._found.get(name):
                raise JobError(f"{name} is not as it was")

    def _read_about(self) -> None:
        place = self._aside.path / ABOUT
        about = json.loads(place.read_bytes())
        place.unlink()
        self._about = {name: about[name] for name in ("format", "calibench", "revision", "made", "data_folder")}

    def _refuse_newer(self) -> None:
        if self._about["format"] != FORMAT or str(self._about["revision"]) > HEAD:
            raise JobError(
                f"{self._file}: was made by a newer Calibench ({self._about['calibench']}). Install that version."
            )

    def _make_trees(self) -> None:
        for listed in sorted(self._aside.trees.glob("*.json")):
            found = read_manifest(listed.read_bytes(), listed.stem)
            place = self._aside.trees / listed.stem
            place.mkdir()
            for name in found.folders:
                place.joinpath(*safe_parts(name)).mkdir(parents=True, exist_ok=True)
            for file in found.files:
                blob = f"blobs/{file.sha256[:2]}/{file.sha256}"
                if self._found.get(blob) != (file.size, file.sha256):
                    raise JobError(f"{blob} is missing")
                target = place.joinpath(*safe_parts(file.path))
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(self._aside.path / blob, target)

    def _move_bundles(self) -> None:
        """Paths in bundles of jobs lead into the folder that the backup was made of; now they lead into this one."""
        for path in (*self._aside.jobs.glob("*/bundle.json"), *self._aside.jobs.glob("*/end.json")):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            path.write_text(self._moved(text), encoding="utf-8", errors="surrogateescape")

    @property
    def _moved(self) -> Callable[[str], str]:
        before, after = str(self._about["data_folder"]), str(self._folder.path)
        pattern = re.compile(rf"(?<![\w./-]){re.escape(before)}(?=/(?:trees|blobs|uploads|jobs)/)")
        return lambda text: pattern.sub(lambda _: after, text)

    def _publish(self, database: str | None) -> int:
        """Fill the database and put the folder in its place; both or neither."""
        with opened(database or self._aside.url) as engine:
            if database is None:
                ended = self._fill(engine)
            else:
                with self._undone_on_failure(), revising(engine) as connection:
                    ended = self._fill_in(engine, connection)
                    self._put_in_place()
        if database is None:
            self._put_in_place()
        return ended

    def _fill(self, engine: Engine) -> int:
        with revising(engine) as connection:
            return self._fill_in(engine, connection)

    def _fill_in(self, engine: Engine, connection: Connection) -> int:
        if inspect(connection).get_table_names():
            raise JobError(f"{shown(engine)}: is not empty. Give a new database.")
        place = self._aside.path / TABLES
        with self._verified(), place.open("rb") as lines:
            revise(connection, self._about["revision"])
            load_tables(connection, self._moved_lines(lines))
            revise(connection, HEAD)
        place.unlink()
        return _end_what_was_under_way(connection)

    def _moved_lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        moved = self._moved
        for line in lines:
            row: Mapping[str, Any] = json.loads(line)
            changed = {name: moved(value) if isinstance(value, str) else value for name, value in row.items()}
            yield json.dumps(changed).encode()

    def _put_in_place(self) -> None:
        for blob in self._aside.blobs.glob("*/*"):
            blob.chmod(READ_ONLY)
        sync_all(self._aside.path)
        self._folder.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._aside.path.rename(self._folder.path)
        sync_folder(self._folder.path.parent)

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            shutil.rmtree(self._folder.path, ignore_errors=True)
            raise


def _link(blob: Path, place: Path) -> None:
    with suppress(OSError):
        os.link(blob, place)
        return
    shutil.copyfile(blob, place)  # a disk without links: `blobs` is kept too, and a later import uses it
    place.chmod(READ_ONLY)


def _end_what_was_under_way(connection: Connection) -> int:
    """Jobs that were queued or running are failed now, and so is what they were to make."""
    jobs, projects = THINGS[Job], THINGS[Project]
    ended = {"state": "failed", "failure": INTERRUPTED, "ended": datetime.now(UTC), "pid": None, "pid_created": None}
    count = connection.execute(update(jobs).where(not_(jobs.c.state.in_(ENDED))).values(**ended)).rowcount
    connection.execute(update(projects).where(not_(projects.c.state.in_(ENDED))).values(state="failed"))
    for kind in (KeptModel, KeptDataset):
        table = THINGS[kind]
        importing = table.c.state == "importing"
        connection.execute(update(table).where(importing).values(state="failed", failure=INTERRUPTED))
    return int(count)

"""All that the Workbench keeps in one tar file: things as JSON lines, files once each, a manifest of hashes.

    backup.json       format, version, revision of the tables, the folder it was made of; the first member
    tables.jsonl      the tables, as `dump.py` writes them
    trees/<hash>.json, blobs/ab/<sha256>, jobs/<id>/...    as in the data folder; jobs that have ended
    manifest.json     size and SHA-256 of every other member; the last member: without it a backup is not whole

The access token and unfinished uploads are not in it.
"""

import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine

from calibench import __version__
from calibench.errors import JobError
from calibench.progress import Progress
from calibench.store.data_folder import DataFolder
from calibench.store.database import READS, explained, newer, revision, shown
from calibench.store.disk import MB, on_disk, sync_folder
from calibench.store.dump import dump_tables
from calibench.store.manifest import Manifest, read_manifest
from calibench.store.tables import HEAD
from calibench.store.upgrading import opened
from calibench.things.kept import ENDED

FORMAT = 1
ABOUT, TABLES, MANIFEST = "backup.json", "tables.jsonl", "manifest.json"
"""Members that are no files of the data folder."""

NAMING_TREES = {"models": "tree", "datasets": "tree", "projects": "result"}
"""Tables whose things name a tree, and the column that does."""

TRIES = 3
"""How often a backup begins anew when somebody deletes things meanwhile."""


class _GoneError(Exception):
    """Something that the tables name was deleted since they were read."""


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds."""

    path: Path
    things: dict[str, int]
    """Rows of each table."""
    files: int
    size_bytes: int
    left_out: int
    """Files in folders of jobs that are links or devices, or whose name is not UTF-8."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        counts = ", ".join(
            f"{number} {name.removesuffix('s') if number == 1 else name}"
            for name, number in sorted(self.things.items())
        )
        first = f"{self.path}: {counts}; {self.files} files, {self.size_bytes / MB:,.1f} MB."
        more = (f"Left out {self.left_out} files of jobs: links, devices, names not UTF-8.",) if self.left_out else ()
        return (first, *more, "The access token is not in it: a restored folder gets a new one.")

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "path": str(self.path),
            "things": self.things,
            "files": self.files,
            "size_bytes": self.size_bytes,
            "left_out": self.left_out,
        }


def back_up(folder: DataFolder, file: Path, progress: Progress, database: str | None = None) -> BackedUp:
    """Write a backup of a data folder into a new file; a server may work in the folder meanwhile.

    Args:
        database: URL where it is not the SQLite file in the folder.

    Raises:
        JobError: there is no data, the file is there, the disk refuses, or a kept file is damaged. Nothing is left.
    """
    if database is None and not folder.database.is_file():
        raise JobError(f"{folder.path}: holds no data of Calibench. Give another --data-dir.")
    if os.path.lexists(file):
        raise JobError(f"{file}: is there already. Give a new file.")
    partial = file.with_name(f".{file.name[:100]}.{os.getpid()}.partial")
    try:
        with on_disk(file), opened(database or folder.url) as engine:
            return _write(folder, engine, file, partial, progress)
    finally:
        partial.unlink(missing_ok=True)


def _write(folder: DataFolder, engine: Engine, file: Path, partial: Path, progress: Progress) -> BackedUp:
    for _ in range(TRIES):
        try:
            with open(partial, "wb", opener=_private) as raw:
                made = _Writing(folder, engine, raw, progress).run(file)
                raw.flush()
                os.fsync(raw.fileno())
        except _GoneError:
            continue
        partial.rename(file)
        sync_folder(file.parent)
        return made
    raise JobError(
        f"{folder.path}: files of kept things are missing. If something is being deleted, make the backup again after "
        "that; else `calibench data check` says what is lost."
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Writing:
    """One backup on its way into its file."""

    def __init__(self, folder: DataFolder, engine: Engine, raw: IO[bytes], progress: Progress) -> None:
        self._folder, self._engine, self._progress = folder, engine, progress
        self._tar = tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._members: dict[str, tuple[int, str]] = {}
        self._done = self._total = self._left_out = 0

    def run(self, file: Path) -> BackedUp:
        with self._tar, tempfile.TemporaryFile(dir=file.parent) as tables:
            found = self._dump(tables)
            manifests = {hash: self._manifest(hash) for hash in sorted(found.trees)}
            self._total = sum(one.size_bytes for one in manifests.values())
            self._add_bytes(ABOUT, json.dumps(self._about(found.revision)).encode())
            tables.seek(0)
            self._add(TABLES, tables)
            self._trees(manifests)
            for id in found.ended:
                self._job(self._folder.jobs / str(id))
            content = json.dumps(self._members, separators=(",", ":")).encode()
            files, size = len(self._members), sum(size for size, _ in self._members.values())
            self._add_bytes(MANIFEST, content)
        return BackedUp(file, found.counts, files, size, self._left_out)

    def _about(self, found: str) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "calibench": __version__,
            "revision": found,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "data_folder": str(self._folder.path),
        }

    def _dump(self, tables: IO[bytes]) -> "_Found":
        """Write the tables of one moment into a file, and note what they name."""
        with explained(self._engine), self._engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            connection.execution_options(**({READS: True} if is_sqlite else {"isolation_level": "REPEATABLE READ"}))
            now = revision(connection)
            if now is None:
                raise JobError(f"{shown(self._engine)}: holds no tables of Calibench.")
            if now > HEAD:
                raise JobError(newer(self._engine, now))
            found = _Found(now, {}, set(), [])
            for line in dump_tables(connection):
                tables.write(line)
                found.note(json.loads(line))
        return found

    def _manifest(self, hash: str) -> Manifest:
        try:
            return read_manifest((self._folder.trees / f"{hash}.json").read_bytes(), hash)
        except FileNotFoundError:
            raise _GoneError from None

    def _trees(self, manifests: dict[str, Manifest]) -> None:
        for hash, listed in manifests.items():
            self._add_bytes(f"trees/{hash}.json", listed.as_bytes())
            for file in listed.files:
                name = f"blobs/{file.sha256[:2]}/{file.sha256}"
                if name in self._members:
                    continue
                self._add_file(name, self._folder.trees / hash / file.path)
                if self._members[name] != (file.size, file.sha256):
                    raise JobError(
                        f"{self._folder.trees / hash / file.path}: is damaged. `calibench data check` says what uses "
                        "it; delete that and import it again, then make the backup."
                    )

    def _job(self, job: Path) -> None:
        for place, _, names in sorted(os.walk(job)):
            for name in sorted(names):
                path = Path(place) / name
                if _is_plain_file(path):
                    self._add_file(f"jobs/{job.name}/{path.relative_to(job).as_posix()}", path)
                else:
                    self._left_out += 1

    def _add_file(self, name: str, path: Path) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise _GoneError from None
        with file:
            self._add(name, file)

    def _add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content))

    def _add(self, name: str, file: IO[bytes]) -> None:
        info = tarfile.TarInfo(name)
        start = file.tell()
        info.size = file.seek(0, os.SEEK_END) - start
        info.mode = 0o600
        file.seek(start)
        hashing = _Hashing(file)
        self._tar.addfile(info, hashing)
        self._members[name] = (info.size, hashing.digest.hexdigest())
        self._done = min(self._done + info.size, self._total)
        self._progress("backup (MB)", int(self._done / MB), max(1, int(self._total / MB)))


def _is_plain_file(path: Path) -> bool:
    try:
        path.name.encode()
        return stat.S_ISREG(path.lstat().st_mode)
    except UnicodeEncodeError:
        return False
    except FileNotFoundError:
        raise _GoneError from None


@dataclass
class _Found:
    """What the tables hold and name."""

    revision: str
    counts: dict[str, int]
    trees: set[str]
    ended: list[int]
    _table: str = ""

    def note(self, row: dict[str, Any]) -> None:
        if "table" in row:
            self._table = row["table"]
            self.counts[self._table] = 0
            return
        self.counts[self._table] += 1
        tree = row.get(NAMING_TREES.get(self._table, ""))
        if tree:
            self.trees.add(tree)
        if self._table == "jobs" and row["state"] in ENDED:
            self.ended.append(row["id"])


class _Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        return content

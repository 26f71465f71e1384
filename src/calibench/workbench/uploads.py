"""Files on their way to the server: streamed to the disk, resumable, hashed as they come."""

import errno
import hashlib
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from calibench.errors import JobError, SettingsError
from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict, NotThere
from calibench.things.kept import Event, KeptDataset, KeptModel, Upload
from calibench.workbench.upload_names import harmless_name
from calibench.workbench.upload_notes import UploadNotes
from calibench.workbench.upload_stream import to_the_end, while_it_comes
from calibench.worker.hub import Hub

LIMIT_BYTES = 50 * 10**9
"""Of one file. A whole ImageNet validation set takes 7 GB."""
RESERVE_BYTES = 256 * 2**20
"""Free bytes that an upload leaves on the disk: the database and running jobs write there too."""
PIECE_BYTES = 2**20
"""What is gathered before it is written: memory stays flat whatever is sent."""
FORGOTTEN_S = 24 * 3600
"""After this many seconds without a byte an upload that nobody imports is removed."""
CLAIMED_S = 30 * 24 * 3600
"""The same for one whose import failed and was never retried."""
MOST = 1000
"""Uploads that are there at a time; lists show them all."""
SILENT_S = 30.0
"""Without a byte, then a sender counts as gone: a closed laptop never says so. Less than a client tries to go on."""


class Uploads:
    """What can be asked of uploads."""

    def __init__(self, folder: DataFolder, hub: Hub, limit_bytes: int = LIMIT_BYTES) -> None:
        self._notes, self._hub, self._limit = UploadNotes(folder.uploads), hub, limit_bytes
        self._hashes: dict[str, tuple[int, Any]] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, name: str, size: int | None = None) -> Upload:
        """Announce a file.

        Args:
            name: of the file; a path is cut to its last part.
            size: bytes; None: not known.

        Raises:
            SettingsError: the name names no file; the file is empty or above the limit.
            Conflict: too many are there.
            JobError: there is no room for it, or the disk refuses.
        """
        name = harmless_name(name)
        self._check_size(name, size)
        if len(self._notes.folders()) >= MOST:
            raise Conflict(
                f"{MOST:,} uploads are here already. Import or delete some; those left alone go after a day."
            )
        return self._told(self._notes.make(name, size), "created")

    def get(self, id: str) -> Upload:
        """One upload as it stands.

        Raises:
            NotThere: there is none, or it was removed.
        """
        return self._notes.upload(id)

    def all(self) -> tuple[Upload, ...]:
        """Every upload that is there."""
        return tuple(self.get(id) for id in self._notes.ids())

    async def write(self, id: str, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Take bytes from `offset` on; what has arrived stays when the connection breaks, to go on from there.

        Raises:
            NotThere: there is no such upload.
            Conflict: it is whole, somebody else writes to it, `offset` is not where it ends, or nothing comes any more.
            SettingsError: more bytes than were announced or are allowed; what was too much is not kept.
            JobError: the disk is full; what has arrived stays.
        """
        with self._alone(id):
            self._check_offset(id, offset)
            piece = bytearray()
            try:
                async for chunk in while_it_comes(chunks, SILENT_S):
                    piece += chunk
                    if len(piece) >= PIECE_BYTES:
                        taken, piece = piece, bytearray()
                        await to_the_end(self._append, id, taken)
            except TimeoutError:
                raise Conflict(f"{self.get(id).name}: nothing came for {SILENT_S:g} s. Send the rest.") from None
            finally:
                if piece:  # also after a broken connection: these bytes need not be sent again
                    await to_the_end(self._append, id, piece)
        return self.get(id)

    def finish(self, id: str) -> Upload:
        """Say that all has been sent.

        Raises:
            NotThere: there is no such upload.
            Conflict: bytes are missing, or somebody still writes.
            SettingsError: the file is empty.
        """
        with self._alone(id):
            upload = self.get(id)
            if upload.is_whole:
                return upload
            if upload.size is not None and upload.received != upload.size:
                raise Conflict(
                    f"{upload.name}: {upload.received} of {upload.size} bytes are here. Send the rest from "
                    f"{upload.received} on."
                )
            if upload.received == 0:
                raise SettingsError(f"{upload.name}: the file is empty (0 bytes). Send it again.")
            sha256 = self._hash(id).hexdigest()
            self._notes.add(id, size=upload.received, sha256=sha256)
            self._hashes.pop(id, None)
        return self._told(id, "changed")

    def path(self, id: str) -> Path:
        """The file of an upload that is whole.

        Raises:
            NotThere: there is no such upload.
            Conflict: it is not whole yet.
        """
        upload = self.get(id)
        if not upload.is_whole:
            raise Conflict(f"{upload.name} is not whole yet: {upload.received} bytes are here. Send the rest first.")
        return self._notes.file(id)

    def claim(self, ids: tuple[str, ...], by: str) -> None:
        """Say which import uses them, such as 'model 7'; they are then kept for its retry.

        Raises:
            NotThere: one is gone.
            Conflict: another import uses one, or it is being deleted.
        """
        with self._lock:
            for id in ids:
                if self._notes.used_by(id) not in (None, by):
                    raise Conflict(f"{self.get(id).name} was imported already. Send the file again.")
                if id in self._busy:
                    raise Conflict(f"{self.get(id).name} is being ended or deleted in this moment. Try again.")
            for id in ids:
                self._notes.add(id, used_by=by)

    def give_back(self, by: str) -> None:
        """Let other imports have what one claimed that came to nothing."""
        for upload in self.all():
            if self.used_by(upload.id) == by:
                self._notes.add(upload.id, used_by=None)

    def used_by(self, id: str) -> str | None:
        """The import that claimed an upload.

        Raises:
            NotThere: there is no such upload.
        """
        return self._notes.used_by(id)

    def release(self, by: str) -> None:
        """Remove what an import claimed: it is done, or its thing was deleted."""
        for upload in self.all():
            if self.used_by(upload.id) == by:
                self._remove(upload.id)

    def delete(self, id: str) -> None:
        """Remove an upload, whole or not.

        Raises:
            NotThere: there is none.
            Conflict: it is being written, or imported.
        """
        with self._alone(id):
            upload, used_by = self.get(id), self._notes.used_by(id)
            if used_by is not None:
                raise Conflict(f"{upload.name} is being imported ({used_by}). Delete that instead.")
            self._remove(id)
        self._hub.publish(Event(topic="upload", id=0, change="deleted", data=upload.model_dump(mode="json")))

    def sweep(self, older_than_s: float = FORGOTTEN_S) -> tuple[str, ...]:
        """Remove what has been left alone for that long and is in no import; the ids of what went."""
        went = []
        whole = set(self._notes.ids())
        for id in self._notes.folders():
            with suppress(Conflict, NotThere, FileNotFoundError), self._alone(id):  # in use, or deleted meanwhile
                limit = max(CLAIMED_S, older_than_s) if id in whole and self._notes.used_by(id) else older_than_s
                if self._notes.idle_s(id) > limit:
                    self._remove(id)
                    went.append(id)
        return tuple(went)

    def _check_size(self, name: str, size: int | None) -> None:
        if size is not None and size < 1:
            raise SettingsError(f"{name}: the file is empty (0 bytes). Choose another one.")
        if size is not None and size > self._limit:
            raise SettingsError(f"{name}: {_gb(size)} is above the limit of {_gb(self._limit)} for one file.")
        free = shutil.disk_usage(self._notes.folder).free - RESERVE_BYTES
        if free < (size or 1):
            raise JobError(
                f"{name}: no room on the disk of the data folder: {f'{_gb(size)} announced, ' if size else ''}"
                f"{_gb(max(free, 0))} can be had. Delete models or datasets, or free space."
            )

    def _check_offset(self, id: str, offset: int) -> None:
        upload = self.get(id)
        if upload.is_whole:
            raise Conflict(f"{upload.name} is whole already. Begin another upload.")
        if offset != upload.received:
            raise Conflict(f"{upload.name}: {upload.received} bytes are here, not {offset}. Go on from there.")

    def _append(self, id: str, piece: bytes | bytearray) -> None:
        """Write bytes behind those that are there: all of them or none."""
        upload = self.get(id)
        self._check_room(upload, len(piece))
        hashed = self._hash(id)
        try:
            with self._notes.file(id).open("r+b", buffering=0) as file:
                file.seek(upload.received)
                try:
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError:
                    file.truncate(upload.received)
                    raise
        except OSError as error:
            raise JobError(_cannot_write(upload, error)) from None
        hashed.update(piece)
        self._hashes[id] = (upload.received + len(piece), hashed)

    def _check_room(self, upload: Upload, more: int) -> None:
        after = upload.received + more
        if upload.size is not None and after > upload.size:
            raise SettingsError(
                f"{upload.name}: more bytes came than the {upload.size} that were announced. Was the file changed "
                "meanwhile? Begin again."
            )
        if after > self._limit:
            raise SettingsError(f"{upload.name}: more than {_gb(self._limit)}, the limit for one file.")
        if shutil.disk_usage(self._notes.folder).free < more + RESERVE_BYTES:
            raise JobError(_is_full(upload))

    def _hash(self, id: str) -> Any:
        """The running hash; read again from the disk after a restart of the server."""
        upload = self.get(id)
        at, hashed = self._hashes.get(id, (-1, None))
        if at == upload.received:
            return hashed
        with self._notes.file(id).open("rb") as file:
            return hashlib.file_digest(file, "sha256")

    @contextmanager
    def _alone(self, id: str) -> Iterator[None]:
        with self._lock:
            if id in self._busy:
                raise Conflict(f"{self.get(id).name}: somebody else is writing to it. Wait, or begin another one.")
            self._busy.add(id)
        try:
            yield
        finally:
            self._busy.discard(id)

    def _remove(self, id: str) -> None:
        self._hashes.pop(id, None)
        self._notes.remove(id)

    def _told(self, id: str, change: Any) -> Upload:
        upload = self.get(id)
        self._hub.publish(Event(topic="upload", id=0, change=change, data=upload.model_dump(mode="json")))
        return upload


def claimant(kind: type[KeptModel] | type[KeptDataset], id: int) -> str:
    """By what an import claims its uploads: 'model 7'."""
    return f"{'model' if kind is KeptModel else 'dataset'} {id}"


def _cannot_write(upload: Upload, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _is_full(upload)
    return f"{upload.name}: cannot be written to the data folder ({error.strerror}). Mend that, and send on."


def _is_full(upload: Upload) -> str:
    return (
        f"{upload.name}: the disk of the data folder is full after {_gb(upload.received)}. Delete models or "
        "datasets, or free space; then send it again, in steps from where it stopped."
    )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"

"""Files on their way to a server: a file as it is, a folder as a tar archive made while it is sent."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from calibench.client.connection import Connection
from calibench.errors import DatasetError, ModelError
from calibench.things.kept import Upload

PART = 1 << 20
"""Bytes read at once."""

OnBytes = Callable[[int, int], None]
"""Called with the bytes that are sent, and how many there are in all."""

BESIDE = {
    ".xml": (".bin",),
    ".pdmodel": (".pdiparams",),
    ".onnx": (".onnx_data", ".onnx.data", ".data", ".weights", ".bin"),
}
"""Ending of a model file -> endings of files beside it that belong to it, where they are there."""


def unseen(_done: int, _total: int) -> None:
    """Of who does not look."""


def send_file(connection: Connection, path: Path, on_bytes: OnBytes = unseen) -> Upload:
    """Upload one file; goes on where a broken connection stopped it.

    Raises:
        DatasetError: it cannot be read.
        CalibenchError: what the server refused.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            upload = _begin(connection, path.name, size)
            connection.put_bytes(f"/uploads/{upload.id}", _parts(file, size, on_bytes), offset=0)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}). Give a file that you may read.") from None
    return _finish(connection, upload)


def send_folder(connection: Connection, folder: Path, on_bytes: OnBytes = unseen) -> Upload:
    """Upload a folder as an archive of its files; links inside are followed where they stay inside, else refused.

    Raises:
        DatasetError: it is empty, or a file of it cannot be read.
        CalibenchError: what the server refused.
    """
    files = list(_files(folder))
    if not files:
        raise DatasetError(f"{folder}: holds no files. Give the folder of a dataset.")
    upload = _begin(connection, f"{folder.resolve().name or 'folder'}.tar", None)
    connection.put_bytes(f"/uploads/{upload.id}", _tar(folder, files, on_bytes), offset=0)
    return _finish(connection, upload)


def model_files(path: Path, weights: Path | None = None) -> tuple[Path, ...]:
    """The files that make up a model: itself, and what lies beside it and belongs to it.

    Raises:
        ModelError: there is no such file.
    """
    if not path.exists():
        raise ModelError(f"{path}: there is no such file. Give the path of a model.")
    if path.suffix.lower() == ".prototxt":
        return (path, weights) if weights else (path, *sorted(path.parent.glob(f"{path.stem}*.caffemodel"))[:1])
    stems = (path.stem, path.name)
    beside = (path.with_name(stem + end) for end in BESIDE.get(path.suffix.lower(), ()) for stem in stems)
    return (path, *dict.fromkeys(file for file in beside if file.is_file() and file != path))


def _begin(connection: Connection, name: str, size: int | None) -> Upload:
    return Upload.model_validate(connection.send("POST", "/uploads", json={"name": name, "size": size}).json())


def _finish(connection: Connection, upload: Upload) -> Upload:
    return Upload.model_validate(connection.send("POST", f"/uploads/{upload.id}/finish").json())


def _parts(file: io.BufferedReader, size: int, on_bytes: OnBytes) -> Iterator[bytes]:
    done = 0
    while part := file.read(PART):
        yield part
        done += len(part)
        on_bytes(done, size)


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in the order of their names, whatever the file system's order."""
    root = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise DatasetError(f"{path}: is a link that leads out of {folder}. Put the file itself there.")
            if path.is_file():
                yield path


def _tar(folder: Path, files: Sequence[Path], on_bytes: OnBytes) -> Iterator[bytes]:
    """A tar archive as it grows; no more than one part of it is in memory."""
    total, done = sum(file.stat().st_size for file in files), 0
    for path in files:
        info = tarfile.TarInfo(path.relative_to(folder).as_posix())
        try:
            with path.open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                yield info.tobuf(format=tarfile.PAX_FORMAT)
                left = info.size
                while left:
                    part = file.read(min(PART, left))
                    if not part:
                        raise DatasetError(f"{path}: became shorter while it was sent. Try again when it is at rest.")
                    left -= len(part)
                    yield part
                    done += len(part)
                    on_bytes(done, total)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}). Give files that you may read.") from None
        yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)

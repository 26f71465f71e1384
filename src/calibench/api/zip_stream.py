"""A folder as a zip archive that is sent while it is read; nothing is written, and little is held in memory."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.responses import StreamingResponse

CHUNK = 1 << 20
"""Bytes that are read at once."""

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The same date for every file, so that the same folder gives the same archive."""


class _Pipe:
    """What ZipFile writes to: keeps the bytes until they are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing to do."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zip_stream(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of an archive, stored and not compressed: weights hardly shrink.

    Args:
        files: the name in the archive, and the file.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, path in files:
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                while part := source.read(CHUNK):
                    sink.write(part)
                    yield pipe.take()
    yield pipe.take()


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Every file of a folder, with its name in an archive, in order."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path) for path in found]


def zip_answer(name: str, files: Iterable[tuple[str, Path]]) -> StreamingResponse:
    """An archive as an answer that a browser saves under this name."""
    return StreamingResponse(zip_stream(files), media_type="application/zip", headers=saved_as(name))


def saved_as(name: str) -> dict[str, str]:
    """The header that makes a browser save an answer, under a name in any script."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    encoded = quote(name.replace("/", "_"), safe="")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"}

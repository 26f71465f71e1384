"""Records of an LMDB, read with the package lmdb; nothing in its folder is changed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calibench.caffe.databases.records import Records, no_records, text_of
from calibench.errors import DatasetError

FILE = "data.mdb"
MAGIC, MAGIC_AT = b"\xde\xc0\xef\xbe", 16
"""Of the first page, behind its head of 16 bytes on 64-bit machines (lmdb 0.9, struct MDB_meta)."""


def is_lmdb(path: Path) -> bool:
    """Whether a path is a folder with an LMDB, or the file of one that was made without a folder."""
    file = path / FILE if path.is_dir() else path
    if path.is_dir() or not file.is_file():
        return file.is_file()
    with file.open("rb") as opened:
        return opened.read(MAGIC_AT + 4)[MAGIC_AT:] == MAGIC


def open_lmdb(path: Path) -> Records:
    """Open an LMDB to read only, without a lock: it may lie where nobody may write.

    Raises:
        DatasetError: it is damaged or cut off; lmdb is not installed.
    """
    try:
        import lmdb
    except ImportError:
        raise DatasetError("Reading an LMDB needs lmdb. Install it: pip install 'calibench[caffe]'.") from None
    with _said_of(path):
        opened = lmdb.open(
            os.fsencode(path), subdir=path.is_dir(), readonly=True, lock=False, create=False, max_readers=1024
        )
        _check_length(opened, path / FILE if path.is_dir() else path)
        with opened.begin() as reading:
            cursor = reading.cursor()
            first = bytes(cursor.value()) if cursor.first() else None
    if first is None:
        raise no_records(path)

    def list_keys() -> tuple[bytes, ...]:
        with _said_of(path), opened.begin() as reading:
            return tuple(reading.cursor().iternext(keys=True, values=False))

    def read(key: bytes) -> bytes:
        with _said_of(f"{path}, record {text_of(key)}"), opened.begin() as reading:
            return bytes(reading.get(key, b""))

    return Records(path, "lmdb", first, list_keys, read)


@contextmanager
def _said_of(where: Path | str) -> Iterator[None]:
    """Say what LMDB says, with the place and without the path that it puts in front."""
    import lmdb

    try:
        yield
    except lmdb.Error as error:
        said = text_of(str(error).split(": ")[-1].encode())
        raise DatasetError(f"{where}: is damaged, or no LMDB ({said}). Make it anew.") from None


def _check_length(opened: Any, file: Path) -> None:
    """Refuse a file that is shorter than it says: reading behind its end would end the process.

    Raises:
        DatasetError: it is.
    """
    wanted = (opened.info()["last_pgno"] + 1) * opened.stat()["psize"]
    length = file.stat().st_size
    if length < wanted:
        raise DatasetError(f"{file}: is cut off: {length:,} of {wanted:,} bytes are there. Copy it anew.")

"""The records of a database that a data layer reads: LMDB or LevelDB, whichever lies there."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calibench.errors import DatasetError

OF_PROCESSES = ("lock.mdb", "LOCK", "LOG", "LOG.old")
"""Files in the folder of a database that every process makes for itself."""


@dataclass(frozen=True, eq=False)
class Records:
    """Records in the order of their keys, in which Caffe reads them; may be read by several threads.

    Attributes:
        kind: "lmdb" or "leveldb".
        first: the value of the first record.
        list_keys: reads all keys, which for a LevelDB means the whole database.
        read: a key -> its value.
    """

    path: Path
    kind: str
    first: bytes
    list_keys: Callable[[], tuple[bytes, ...]]
    read: Callable[[bytes], bytes]

    @cached_property
    def keys(self) -> tuple[bytes, ...]:
        """All keys, in order.

        Raises:
            DatasetError: the database is damaged.
        """
        return self.list_keys()

    def __len__(self) -> int:
        return len(self.keys)

    def where(self, index: int) -> str:
        """A record as a message names it."""
        return f"{self.path}, record {self.name_of(index)}"

    def name_of(self, index: int) -> str:
        """The key of a record as text."""
        return text_of(self.keys[index])

    def __getitem__(self, index: int) -> bytes:
        """The value of a record.

        Raises:
            DatasetError: the database is damaged there.
        """
        return self.read(self.keys[index])


_OPEN: weakref.WeakValueDictionary[tuple[int, int], Records] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()
"""LMDB may be opened only once in a process, but two layers may name the same one, also by a link to its file: they
share it while one lives. Known by device and number of the file."""


def open_records(path: Path) -> Records:
    """Open the database that lies at a path, to read only.

    Raises:
        DatasetError: there is none, or it is damaged or empty; the package that reads it is not installed.
    """
    from calibench.caffe.databases.leveldb_source import is_leveldb, open_leveldb
    from calibench.caffe.databases.lmdb_source import FILE, is_lmdb, open_lmdb

    read = open_lmdb if is_lmdb(path) else open_leveldb if is_leveldb(path) else None
    if read is None:
        raise DatasetError(f"{path}: is no LMDB (data.mdb) and no LevelDB (CURRENT). Correct source in data_param.")
    state = (path / FILE if (path / FILE).is_file() else path).stat()
    with _LOCK:
        found = _OPEN.get((state.st_dev, state.st_ino))
        if found is None:
            found = _OPEN[state.st_dev, state.st_ino] = read(path)
    return found


def no_records(path: Path) -> DatasetError:
    """What to say of an empty database."""
    return DatasetError(f"{path}: this database has no records. Fill it, or correct source.")


def text_of(data: bytes) -> str:
    """Bytes as they can stand in a line: what is no text is written as escapes."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)

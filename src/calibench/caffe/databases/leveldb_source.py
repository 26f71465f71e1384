"""Records of a LevelDB, read with the package plyvel; nothing in its folder is changed."""

import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibench.caffe.databases.records import OF_PROCESSES, Records, no_records, text_of
from calibench.errors import DatasetError


def is_leveldb(path: Path) -> bool:
    """Whether a path is a folder with a LevelDB."""
    return (path / "CURRENT").is_file()


def open_leveldb(path: Path) -> Records:
    """Open a LevelDB through a folder of links.

    LevelDB locks and rewrites what it opens, even to read only. In a folder of links it changes links and files of its
    own, so that the database stays as it is, may lie where nobody may write, and may be open elsewhere.

    Raises:
        DatasetError: it is damaged; plyvel is not installed.
    """
    try:
        import plyvel
    except ImportError:
        raise DatasetError("Reading a LevelDB needs plyvel. Install it: pip install plyvel.") from None
    links = tempfile.TemporaryDirectory(prefix="calibench-leveldb-", ignore_cleanup_errors=True)
    for file in path.iterdir():
        if file.is_file() and file.name not in OF_PROCESSES:
            (Path(links.name) / file.name).symlink_to(file.resolve())
    try:
        with _said_of(path):
            opened = plyvel.DB(links.name, create_if_missing=False)
            first = next(opened.iterator(include_key=False, verify_checksums=True), None)
        if first is None:
            raise no_records(path)
    except DatasetError:
        links.cleanup()
        raise

    def list_keys() -> tuple[bytes, ...]:
        with _said_of(path):
            return tuple(opened.iterator(include_value=False, verify_checksums=True))

    def read(key: bytes) -> bytes:
        with _said_of(f"{path}, record {text_of(key)}"):
            return bytes(opened.get(key, b"", verify_checksums=True))

    records = Records(path, "leveldb", first, list_keys, read)
    weakref.finalize(records, links.cleanup)
    return records


@contextmanager
def _said_of(where: Path | str) -> Iterator[None]:
    """Say what LevelDB says, with the place and without the path of the links."""
    import plyvel

    try:
        yield
    except plyvel.Error as error:
        said = error.args[0] if error.args else type(error).__name__
        text = text_of(said if isinstance(said, bytes) else str(said).encode())
        reason = text.split(": ")[0] if "/" in text else text
        raise DatasetError(f"{where}: is damaged, or no LevelDB ({reason}). Make it anew.") from None

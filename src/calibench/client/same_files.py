"""Under which hash a server would keep files, so that what it has already need not be sent."""

import hashlib
from collections.abc import Iterable, Sequence

from calibench.client.contents import PART, Entry
from calibench.client.sending import in_megabytes
from calibench.errors import DatasetError
from calibench.progress import Progress, silent
from calibench.store.manifest import TreeFile, manifest


def tree_of(entries: Sequence[Entry], progress: Progress = silent) -> str:
    """The name of the tree that these files and empty folders make; `progress` hears of megabytes.

    Raises:
        DatasetError: a file cannot be read.
    """
    total, done, told = in_megabytes(sum(entry.size for entry in entries)), 0, -1
    files = []
    for entry in entries:
        if entry.path is None:
            continue
        digest, size = hashlib.sha256(), 0
        for part in _parts(entry):
            digest.update(part)
            size += len(part)
            done += len(part)
            if in_megabytes(done) != told:
                told = in_megabytes(done)
                progress("look", min(told, total), total)
        files.append(TreeFile(entry.name, size, digest.hexdigest()))
    return manifest(files, [entry.name for entry in entries if entry.path is None]).hash


def _parts(entry: Entry) -> Iterable[bytes]:
    assert entry.path is not None
    try:
        with entry.path.open("rb") as file:
            while part := file.read(PART):
                yield part
    except OSError as error:
        raise DatasetError(f"{entry.path}: cannot be read ({error.strerror}). Give files that you may read.") from None

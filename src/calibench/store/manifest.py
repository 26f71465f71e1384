"""What a tree holds: every file with its size and hash, and folders that are empty."""

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from calibench.errors import JobError


class TreeFile(NamedTuple):
    """A file of a tree."""

    path: str
    """Relative, with '/'."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of a tree, sorted; two trees are the same when their manifests are."""

    files: tuple[TreeFile, ...]
    folders: tuple[str, ...] = ()
    """Empty ones; the others follow from the files."""

    def as_bytes(self) -> bytes:
        """JSON; what is hashed, and what is kept beside the tree."""
        return json.dumps({"files": self.files, "folders": self.folders}, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        """The name of the tree: hexadecimal SHA-256."""
        return hashlib.sha256(self.as_bytes()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Of all files; one that is there twice counts twice."""
        return sum(file.size for file in self.files)


def manifest(files: list[TreeFile], folders: list[str]) -> Manifest:
    """A manifest in its one order."""
    return Manifest(tuple(sorted(files)), tuple(sorted(folders)))


def read_manifest(content: bytes, hash: str) -> Manifest:
    """A manifest from its JSON.

    Raises:
        JobError: it is damaged: not the one with this hash.
    """
    if hashlib.sha256(content).hexdigest() != hash:
        raise JobError(f"The list of files of tree {hash} is damaged. Restore the data folder from a backup.")
    value = json.loads(content)
    return Manifest(tuple(TreeFile(*row) for row in value["files"]), tuple(value["folders"]))

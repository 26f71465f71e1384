"""Files that did not change are not read again."""

import hashlib
import os
from pathlib import Path

import pytest

from calibench.errors import DatasetError
from calibench.targets.content_hashes import content_hashes

OLD = 1_600_000_000


def old_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return path


def test_a_second_time_nothing_is_read(tmp_path: Path) -> None:
    files = [old_file(tmp_path / name, name.encode()) for name in ("a", "b")]
    read: list[int] = []
    first = content_hashes(files, read.append, tmp_path / "memory.json")
    assert read == [1, 1]
    assert first[files[0]] == hashlib.sha256(b"a").hexdigest()
    assert content_hashes(files, read.append, tmp_path / "memory.json") == first
    assert read == [1, 1]


def test_a_file_with_another_date_size_or_inode_is_read_again(tmp_path: Path) -> None:
    memory, read = tmp_path / "memory.json", []
    path = old_file(tmp_path / "a", b"one")
    content_hashes([path], read.append, memory)
    path.unlink()
    (tmp_path / "filler").write_bytes(b"takes the inode")
    old_file(path, b"two")
    assert content_hashes([path], read.append, memory)[path] == hashlib.sha256(b"two").hexdigest()
    os.utime(path, (OLD + 1, OLD + 1))
    content_hashes([path], read.append, memory)
    old_file(path, b"three").touch()
    os.utime(path, (OLD + 1, OLD + 1))
    content_hashes([path], read.append, memory)
    assert read == [3, 3, 3, 5]


def test_a_file_that_was_changed_just_now_is_not_trusted(tmp_path: Path) -> None:
    path, read = tmp_path / "a", []
    path.write_bytes(b"one")
    for _ in range(2):
        content_hashes([path], read.append, tmp_path / "memory.json")
    assert read == [3, 3]


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"/a": 1}', b"\xff"])
def test_a_damaged_memory_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    memory = tmp_path / "memory.json"
    memory.write_bytes(damaged)
    path, read = old_file(tmp_path / "a", b"one"), []
    for _ in range(2):
        content_hashes([path], read.append, memory)
    assert read == [3]


def test_a_memory_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    path = old_file(tmp_path / "a", b"one")
    (tmp_path / "file").touch()
    assert content_hashes([path], memory=tmp_path / "file" / "memory.json")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone: cannot be read \(No such file or directory\)"):
        content_hashes([tmp_path / "gone"], memory=tmp_path / "memory.json")

"""Files by content: nothing twice, nothing half, nothing from outside."""

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from calibench.errors import JobError
from calibench.store import taking
from calibench.store.data_folder import DataFolder
from calibench.store.trees import Trees


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    made.make()
    return made


@pytest.fixture
def trees(folder):
    return Trees(folder)


def written(place: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def content(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def blobs(folder) -> list[Path]:
    return [path for path in folder.blobs.rglob("*") if path.is_file()]


FILES = {"a.txt": b"one", "sub/b.txt": b"two", "sub/deep/c.bin": b""}


def test_a_folder_is_kept_with_its_names_and_its_source_stays(tmp_path, trees, folder):
    source = written(tmp_path / "set", FILES)
    (source / "empty").mkdir()
    kept = trees.keep(source, move=False)
    assert (kept.size_bytes, kept.files) == (6, 3)
    place = trees.path(kept.hash)
    assert content(place) == FILES == content(source)
    assert (place / "empty").is_dir()
    assert {path.name for path in blobs(folder)} == {hashlib.sha256(data).hexdigest() for data in FILES.values()}


def test_kept_files_are_read_only_and_the_source_is_not_touched(tmp_path, trees):
    source = written(tmp_path / "set", FILES)
    place = trees.path(trees.keep(source, move=False).hash)
    assert stat.S_IMODE((place / "a.txt").stat().st_mode) == 0o444
    assert stat.S_IMODE((source / "a.txt").stat().st_mode) & stat.S_IWUSR
    (source / "a.txt").write_bytes(b"changed")
    assert (place / "a.txt").read_bytes() == b"one"


def test_a_single_file_is_a_tree_of_one(tmp_path, trees):
    source = written(tmp_path, {"net.onnx": b"weights"}) / "net.onnx"
    kept = trees.keep(source, move=True)
    assert content(trees.path(kept.hash)) == {"net.onnx": b"weights"}
    assert not source.exists()


def test_moving_keeps_the_bytes_where_they_are(tmp_path, trees):
    source = written(tmp_path / "set", FILES)
    number = (source / "a.txt").stat().st_ino
    kept = trees.keep(source, move=True)
    assert (trees.path(kept.hash) / "a.txt").stat().st_ino == number
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["data"]


def test_a_move_that_was_interrupted_before_it_was_written_down_can_be_repeated(tmp_path, trees):
    source = written(tmp_path / "out", FILES)
    first = trees.keep(source, move=True)
    assert not source.exists()
    assert trees.keep(source, move=True) == first
    trees.drop(first.hash)
    with pytest.raises(JobError):
        trees.keep(source, move=True)


def test_what_has_another_link_is_copied_since_that_could_change_it(tmp_path, trees):
    source = written(tmp_path / "set", FILES)
    os.link(source / "a.txt", tmp_path / "other")
    place = trees.path(trees.keep(source, move=True).hash)
    (tmp_path / "other").write_bytes(b"changed")
    assert (place / "a.txt").read_bytes() == b"one"


def test_the_same_content_is_stored_once(tmp_path, trees, folder):
    first = trees.keep(written(tmp_path / "a", FILES), move=False)
    assert trees.keep(written(tmp_path / "b", FILES), move=True) == first
    other = trees.keep(written(tmp_path / "c", {"x": b"one", "y": b"one", "z": b"new"}), move=True)
    assert len(blobs(folder)) == 4
    assert (trees.path(other.hash) / "x").samefile(trees.path(first.hash) / "a.txt")
    assert (trees.path(other.hash) / "x").samefile(trees.path(other.hash) / "y")


def test_names_and_empty_folders_tell_trees_apart(tmp_path, trees):
    plain = trees.keep(written(tmp_path / "a", {"x": b"1"}), move=False)
    named = trees.keep(written(tmp_path / "b", {"y": b"1"}), move=False)
    (tmp_path / "a/empty").mkdir()
    folders = trees.keep(tmp_path / "a", move=False)
    assert len({plain.hash, named.hash, folders.hash}) == 3


def test_imports_of_the_same_files_at_once_give_one_tree(tmp_path, trees, folder):
    sources = [written(tmp_path / f"s{number}", {f"{n}": bytes([n]) * 1000 for n in range(50)}) for number in range(6)]
    kept = []
    threads = [
        threading.Thread(target=lambda source=source, n=n: kept.append(trees.keep(source, move=n % 2 == 0)))
        for n, source in enumerate(sources)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 6
    assert len({one.hash for one in kept}) == 1
    assert len(blobs(folder)) == 50
    assert trees.hashes() == (kept[0].hash,)
    assert [path.name for path in folder.trees.iterdir() if path.name.startswith((".new", ".gone"))] == []


def test_dropping_gives_back_only_what_nobody_else_has(tmp_path, trees, folder):
    first = trees.keep(written(tmp_path / "a", {"x": b"shared", "y": b"mine"}), move=True)
    second = trees.keep(written(tmp_path / "b", {"x": b"shared"}), move=True)
    assert trees.drop(first.hash) == len(b"mine")
    assert content(trees.path(second.hash)) == {"x": b"shared"}
    assert trees.drop(first.hash) == 0
    assert trees.drop(second.hash) == len(b"shared")
    assert blobs(folder) == []
    assert {path.name for path in folder.trees.iterdir()} == {".lock"}


def test_a_tree_that_is_missing_is_said(trees):
    with pytest.raises(JobError, match="missing in the data folder"):
        trees.path("0" * 64)
    with pytest.raises(JobError, match="is no hash"):
        trees.path("../../etc")


def test_the_manifest_says_what_a_tree_holds_and_notices_damage(tmp_path, trees, folder):
    kept = trees.keep(written(tmp_path / "a", FILES), move=False)
    found = trees.manifest(kept.hash)
    assert {file.path: file.size for file in found.files} == {name: len(data) for name, data in FILES.items()}
    (folder.trees / f"{kept.hash}.json").write_text("{}")
    with pytest.raises(JobError, match="is damaged"):
        trees.manifest(kept.hash)


def test_sweeping_removes_what_nothing_uses_and_what_was_left_half(tmp_path, trees, folder):
    used = trees.keep(written(tmp_path / "a", {"x": b"used"}), move=False)
    trees.keep(written(tmp_path / "b", {"y": b"unused"}), move=False)
    written(folder.trees / ".new-1", {"z": b"half"})
    written(folder.blobs / "00", {"0" * 64: b"orphan"})
    written(folder.trees, {"f" * 64 + ".json": b"{}"})
    assert trees.sweep({used.hash}) == len(b"orphan")  # the rest is too young
    assert trees.sweep({used.hash}, older_than_s=0) == len(b"unused") + len(b"half")
    assert content(trees.path(used.hash)) == {"x": b"used"}
    assert {path.name for path in folder.trees.iterdir()} == {".lock", used.hash, f"{used.hash}.json"}


def test_a_full_disk_leaves_nothing_half(tmp_path, trees, folder, monkeypatch):
    source = written(tmp_path / "set", FILES)
    monkeypatch.setattr(taking.os, "write", full)
    with pytest.raises(JobError, match=r"the disk is full\. Free some room there, and try again"):
        trees.keep(source, move=False)
    assert list(folder.trees.iterdir()) == []
    assert content(source) == FILES


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_gets_full_while_linking_leaves_nothing_half(tmp_path, trees, folder, monkeypatch):
    source = written(tmp_path / "set", FILES)
    staged = trees.stage(source, move=True)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(JobError, match="the disk is full"):
            trees.place(staged)
    assert trees.hashes() == ()
    assert content(source) == FILES
    assert content(trees.path(trees.keep(source, move=True).hash)) == FILES


def test_a_disk_without_hard_links_holds_files_in_the_trees(tmp_path, trees, folder, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refused)
    kept = trees.keep(written(tmp_path / "set", FILES), move=True)
    assert content(trees.path(kept.hash)) == FILES
    assert blobs(folder) == []
    assert trees.drop(kept.hash) == 6


def test_a_damaged_blob_is_replaced_by_the_next_import(tmp_path, trees, folder):
    trees.keep(written(tmp_path / "a", {"x": b"good"}), move=False)
    blob = blobs(folder)[0]
    blob.unlink()
    blob.write_bytes(b"")
    kept = trees.keep(written(tmp_path / "b", {"y": b"good"}), move=False)
    assert content(trees.path(kept.hash)) == {"y": b"good"}
    assert blob.read_bytes() == b"good"


def test_links_inside_the_source_are_followed_and_others_refused(tmp_path, trees, folder):
    source = written(tmp_path / "set", FILES)
    (source / "again.txt").symlink_to("sub/b.txt")
    assert content(trees.path(trees.keep(source, move=False).hash))["again.txt"] == b"two"
    (tmp_path / "secret").write_text("secret")
    for name, aim in (("out", tmp_path / "secret"), ("up", Path("../secret")), ("loop", Path("sub"))):
        (source / name).symlink_to(aim)
        with pytest.raises(JobError, match=f"set/{name}: is a link"):
            trees.keep(source, move=True)
        (source / name).unlink()
    assert len(trees.hashes()) == 1


def test_what_is_no_file_is_refused(tmp_path, trees):
    source = written(tmp_path / "set", FILES)
    os.mkfifo(source / "pipe")
    with pytest.raises(JobError, match="pipe: is neither a file nor a folder"):
        trees.keep(source, move=False)
    with pytest.raises(JobError, match="nowhere"):
        trees.keep(tmp_path / "nowhere", move=False)


def test_a_name_that_is_not_utf8_is_refused_and_strange_ones_are_kept(tmp_path, trees):
    strange = {"ä ö.txt": b"1", "line\nend": b"2", "-rf": b"3", "a\\b": b"4", "x" * 255: b"5", "日本": b"6"}
    assert content(trees.path(trees.keep(written(tmp_path / "a", strange), move=False).hash)) == strange
    source = tmp_path / "b"
    source.mkdir()
    (source / "bad\udcff").touch()
    with pytest.raises(JobError, match=r"the name 'bad.*' is not UTF-8. Rename the file."):
        trees.keep(source, move=False)

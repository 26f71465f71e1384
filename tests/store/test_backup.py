"""A backup holds all that is kept, is restored whole or not at all, and notices every damage."""

import io
import json
import os
import tarfile

import filled_folder
import pytest
from filled_folder import fill, things

from calibench.errors import JobError
from calibench.progress import silent
from calibench.store import backup, restoring
from calibench.store.backup import back_up
from calibench.store.data_folder import DataFolder
from calibench.store.restoring import restore
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import Job, KeptDataset, KeptModel, Project


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("data") / "data")


@pytest.fixture(scope="module")
def file(folder, tmp_path_factory):
    made = tmp_path_factory.mktemp("backup") / "backup.tar"
    back_up(folder, made, silent)
    return made


@pytest.fixture
def other(tmp_path):
    return DataFolder(tmp_path / "other")


def names(file):
    with tarfile.open(file) as opened:
        return opened.getnames()


def test_a_backup_says_what_it_holds_and_is_for_its_owner_alone(folder, tmp_path):
    made = back_up(folder, tmp_path / "b.tar", silent)
    assert made.things == {"models": 2, "datasets": 2, "targets": 1, "projects": 2, "jobs": 2}
    assert made.lines[0].endswith("files, 0.0 MB.")
    assert (tmp_path / "b.tar").stat().st_mode & 0o77 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]


def test_a_backup_holds_each_content_once_and_no_token(file):
    found = names(file)
    assert len(found) == len(set(found))
    assert len([name for name in found if name.startswith("blobs/")]) == 14
    assert {name for name in found if name.startswith("jobs/")} == {"jobs/1/bundle.json", "jobs/1/log.txt"}
    assert not [name for name in found if "token" in name or "upload" in name]
    assert b"secret token" not in file.read_bytes()
    assert (found[0], found[-1]) == ("backup.json", "manifest.json")


def test_what_is_restored_is_what_was_there(folder, file, other):
    done = restore(file, other, silent)
    assert done.ended == 1
    before, after = things(folder), things(other)
    under_way = {("coming", "importing"), ("q", "running"), ("Calibrate", "running")}
    assert len(before) == len(after) == 9
    for one, two in zip(before, after, strict=True):
        if (getattr(one, "name", None) or one.title, getattr(one, "state", "")) in under_way:
            assert two.state == "failed"
        elif isinstance(one, Project) and one.name == "p":
            assert two.model_copy(update={"settings": one.settings}) == one
        else:
            assert two == one
    kept, mine = Trees(folder), Trees(other)
    assert mine.hashes() == kept.hashes()
    for hash in kept.hashes():
        assert filled_folder.files(mine.path(hash)) == filled_folder.files(kept.path(hash))
        assert (mine.path(hash) / "empty").is_dir()
        assert all(path.stat().st_mode & 0o222 == 0 for path in mine.path(hash).rglob("*.*"))
    assert sorted(path.name for path in other.path.iterdir()) == ["blobs", "jobs", "trees", "uploads", "workbench.db"]
    assert (other.jobs / "1/log.txt").read_bytes() == b"line\xff\n"
    assert other.path.stat().st_mode & 0o77 == 0


def test_restored_files_are_stored_once(file, other):
    restore(file, other, silent)
    mine = Trees(other)
    hashes = mine.hashes()
    assert sum(mine.drop(hash) for hash in hashes) == 5000 + 300 * 10 + len(b"<net/><int8/>{}")
    assert filled_folder.files(other.blobs) == {}


def test_what_was_under_way_is_failed_and_can_be_started_again(file, other):
    restore(file, other, silent)
    store = Store(other.url)
    job = store.get(Job, 2)
    assert (job.state, job.pid, job.failure.message) == (
        "failed", None, "It had not ended when the backup was made. Start it again."
    )  # fmt: skip
    assert store.get(KeptDataset, 2).failure == job.failure
    assert store.get(Project, 2).state == "failed"
    store.close()


def test_an_id_is_never_used_again_after_a_restore(file, other):
    restore(file, other, silent)
    store = Store(other.url)
    assert store.add(KeptDataset(created=filled_folder.NOW, name="new")).id == 4
    store.close()


def test_paths_lead_into_the_new_folder(folder, file, other):
    restore(file, other, silent)
    model = json.loads((other.jobs / "1/bundle.json").read_text())["model"]
    assert model.startswith(f"{other.trees}/")
    assert things(other)[5].settings["weights"].startswith(f"{other.trees}/")
    assert str(folder.path) not in (other.jobs / "1/bundle.json").read_text()


def test_restoring_goes_into_an_empty_folder_only(file, folder, other):
    for place in (folder, DataFolder(file)):
        with pytest.raises(JobError, match="is not empty. Give a new folder"):  # noqa: RUF043
            restore(file, place, silent)
    other.path.mkdir()
    restore(file, other, silent)
    assert len(things(other)) == 9


def test_a_backup_never_overwrites(folder, file):
    with pytest.raises(JobError, match="is there already"):
        back_up(folder, file, silent)


def test_a_backup_of_nothing_or_to_nowhere_is_refused(folder, tmp_path):
    with pytest.raises(JobError, match="holds no data of Calibench"):
        back_up(DataFolder(tmp_path), tmp_path / "b.tar", silent)
    with pytest.raises(JobError, match=r"nowhere.*cannot be read or written \(No such file or directory\)"):
        back_up(folder, tmp_path / "nowhere/b.tar", silent)


def changed(file, place, change):
    """A copy of a backup of which each member is what `change` makes of it; None: left out."""
    with tarfile.open(file) as before, tarfile.open(place, "w") as after:
        for info in before:
            content = change(info.name, before.extractfile(info).read())
            if content is not None:
                info.size = len(content)
                after.addfile(info, io.BytesIO(content))
    return place


PADDING = 10_240
"""Bytes; what a tar may end with."""

CHANGES = {
    "a blob": lambda name, content: content[:-1] + b"!" if name.startswith("blobs/") else content,
    "the tables": lambda name, content: content.replace(b"child", b"CHILD") if name == "tables.jsonl" else content,
    "a blob away": lambda name, content: None if name.startswith("blobs/") else content,
    "a tree away": lambda name, content: None if name.startswith("trees/") else content,
    "no manifest": lambda name, content: None if name == "manifest.json" else content,
    "a wrong manifest": lambda name, content: b"[1]" if name == "manifest.json" else content,
    "no head": lambda name, content: None if name == "backup.json" else content,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_damaged_backup_is_refused_and_nothing_is_left(file, other, change, tmp_path):
    damaged = changed(file, tmp_path / "damaged.tar", change)
    with pytest.raises(JobError, match=r"damaged.tar: is damaged \(.*\)\. Give another backup\."):
        restore(damaged, other, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.tar"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_a_cut_backup_is_refused_and_nothing_is_left(file, other, tmp_path, share):
    whole = file.read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: int((len(whole) - PADDING) * share)])
    with pytest.raises(JobError, match="cut.tar: is damaged"):  # noqa: RUF043
        restore(tmp_path / "cut.tar", other, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tar"]


def test_a_backup_from_a_stranger_writes_nothing_outside(file, other, tmp_path):
    for name in ("../evil", "/etc/evil", "workbench.db", "blobs/../../evil", "token"):
        hostile = tmp_path / "hostile.tar"
        hostile.write_bytes(file.read_bytes())
        with tarfile.open(hostile, "a") as opened:
            opened.addfile(tarfile.TarInfo(name))
        with pytest.raises(JobError, match="is damaged"):
            restore(hostile, other, silent)
        assert [path.name for path in tmp_path.iterdir()] == ["hostile.tar"]


def test_what_is_no_backup_is_refused(other, tmp_path):
    (tmp_path / "b.tar").write_bytes(b"nothing")
    for file in (tmp_path / "b.tar", tmp_path / "nowhere", tmp_path):
        with pytest.raises(JobError, match="is no backup of Calibench"):
            restore(file, other, silent)


def test_a_backup_of_a_newer_version_is_refused(folder, file, other, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(backup, "FORMAT", 2)
        back_up(folder, tmp_path / "new.tar", silent)
    with pytest.raises(JobError, match="made by a newer Calibench"):
        restore(tmp_path / "new.tar", other, silent)
    monkeypatch.setattr(restoring, "HEAD", "0000")
    with pytest.raises(JobError, match="made by a newer Calibench"):
        restore(file, other, silent)


def test_a_damaged_file_is_not_backed_up_in_silence(tmp_path):
    folder = fill(tmp_path / "data")
    damaged = next(path for path in folder.trees.rglob("3.png"))
    damaged.chmod(0o600)
    damaged.write_bytes(b"x" * 300)
    with pytest.raises(JobError, match=r"3.png: is damaged.*calibench data check"):
        back_up(folder, tmp_path / "b.tar", silent)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_is_deleted_meanwhile_makes_the_backup_begin_anew(tmp_path):
    folder = fill(tmp_path / "data")
    store, trees = Store(folder.url), Trees(folder)
    tree = store.get(KeptModel, 2).tree
    deleted = []

    def delete_once(stage, done, total):
        if not deleted:
            deleted.append(tree)
            with store.together():
                store.delete(Project, 2)
                store.delete(KeptModel, 2)
            trees.drop(tree)

    made = back_up(folder, tmp_path / "b.tar", delete_once)
    assert made.things["models"] == 1
    store.close()
    other = DataFolder(tmp_path / "other")
    restore(tmp_path / "b.tar", other, silent)
    assert tree not in Trees(other).hashes()


def test_what_is_lost_stops_the_backup_with_a_sentence(tmp_path):
    folder = fill(tmp_path / "data")
    os.rename(folder.trees / Trees(folder).hashes()[0], tmp_path / "lost")  # noqa: PTH104
    with pytest.raises(JobError, match="files of kept things are missing"):
        back_up(folder, tmp_path / "b.tar", silent)


def test_a_backup_sees_one_moment_while_others_write(tmp_path):
    folder = fill(tmp_path / "data")
    store = Store(folder.url)

    def write(stage, done, total):
        store.add(Job(created=filled_folder.NOW, kind="machine", title="later"))

    back_up(folder, tmp_path / "b.tar", write)
    store.close()
    other = DataFolder(tmp_path / "other")
    restore(tmp_path / "b.tar", other, silent)
    assert [job.title for job in things(other) if isinstance(job, Job)] == ["Baseline", "Calibrate"]

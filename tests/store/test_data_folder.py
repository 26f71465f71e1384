"""The data folder: made for one person, never among other things, for one server at a time."""

import os
import stat
import subprocess
import sys

import pytest

from calibench.errors import JobError
from calibench.store.data_folder import DataFolder


def test_a_new_folder_is_for_its_owner_alone(tmp_path):
    folder = DataFolder(tmp_path / "deep/data")
    folder.make()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {entry.name for entry in folder.path.iterdir()} == {"blobs", "trees", "uploads", "jobs"}
    folder.make()


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(JobError, match=r"holds other things, such as 'holiday.jpg', .*--data-dir"):
        DataFolder(tmp_path).make()
    assert [entry.name for entry in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_path_that_no_database_takes_is_refused(tmp_path):
    with pytest.raises(JobError, match=r"d\\udce4ta: the path of the data folder is not UTF-8\. Give another"):
        DataFolder(tmp_path / "d\udce4ta").make()
    assert list(tmp_path.iterdir()) == []


def test_what_systems_put_into_folders_is_nothing_else(tmp_path):
    (tmp_path / ".DS_Store").touch()
    DataFolder(tmp_path).make()


def test_a_data_folder_with_a_stranger_in_it_is_still_one(tmp_path):
    DataFolder(tmp_path).make()
    (tmp_path / "notes.txt").touch()
    DataFolder(tmp_path).make()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match=r"file.*: the data folder cannot be written \(.*\)\. Give another --data-dir\."):
        DataFolder(tmp_path / place).make()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(JobError, match="cannot be written"):
        DataFolder(tmp_path / "data").make()


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path):
    with pytest.raises(JobError, match=r"nowhere: cannot be locked \(No such file or directory\)"):
        DataFolder(tmp_path / "nowhere").lock()


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    DataFolder(tmp_path).make()
    hold = "import sys; from pathlib import Path; from calibench.store.data_folder import DataFolder\n"
    hold += "folder = DataFolder(Path(sys.argv[1])); folder.lock(); print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    mine = DataFolder(tmp_path)
    with pytest.raises(JobError, match=rf"another Calibench works in this data folder \(process {other.pid}\)"):
        mine.lock()
    other.kill()
    other.communicate()
    mine.lock()
    assert mine.holder() == os.getpid()
    mine.unlock()
    again = DataFolder(tmp_path)
    again.lock()
    again.unlock()

"""Files and database must be those of each other: what the database does not know of would be removed."""

import pytest

from calibench.errors import JobError
from calibench.workbench.door import make_workbench


@pytest.fixture
def used(tmp_path):
    """A data folder that was worked in: a tree, and a database that knows its machine."""
    workbench = make_workbench(tmp_path / "data")
    workbench._check_belonging()
    workbench.targets.local()
    (tmp_path / "net.onnx").write_text("net")
    workbench.trees.keep(tmp_path / "net.onnx", move=True)
    workbench.store.close()
    return tmp_path / "data"


def check(folder, database=None):
    workbench = make_workbench(folder, database)
    try:
        workbench._check_belonging()
    finally:
        workbench.store.close()


def test_the_database_of_the_folder_is_taken_wherever_the_folder_is(used):
    check(used)
    moved = used.rename(used.with_name("elsewhere"))
    check(moved)


@pytest.mark.parametrize("is_emptied", [True, False])
def test_files_whose_database_was_lost_are_left_alone(used, is_emptied):
    database = used / "workbench.db"
    database.write_bytes(b"") if is_emptied else database.unlink()
    with pytest.raises(JobError, match=r"the database knows nothing\. Was it lost\? Restore a backup"):
        check(used)


def test_files_of_one_database_are_not_served_with_another_one(used, tmp_path):
    other = make_workbench(tmp_path / "other")
    other.targets.local()
    other.store.close()
    with pytest.raises(JobError, match=r"files belong to the database .*data/workbench\.db, not to .*/workbench\.db"):
        check(used, f"sqlite:///{tmp_path}/other/workbench.db")
    (used / "database").unlink()  # as the sentence says
    check(used, f"sqlite:///{tmp_path}/other/workbench.db")
    with pytest.raises(JobError, match=r"its files belong to the database .*other/workbench\.db"):
        check(used)


def test_a_new_folder_takes_any_database(tmp_path):
    check(tmp_path / "data", f"sqlite:///{tmp_path}/mine.db")
    check(tmp_path / "data", f"sqlite:///{tmp_path}/mine.db")

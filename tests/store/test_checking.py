"""A check of the data folder names what is lost or damaged, and what uses it."""

import pytest
from filled_folder import fill, tree

from calibench.errors import JobError
from calibench.progress import silent
from calibench.store.checking import check_data
from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import KeptDataset, KeptModel


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "data")


def hash_of(folder, kind, id):
    store = Store(folder.url)
    try:
        return store.get(kind, id).tree
    finally:
        store.close()


def test_a_whole_folder_has_no_problems(folder):
    found = check_data(folder, silent)
    assert (found.problems, found.remarks, found.trees, found.files) == ((), (), 4, 14)
    assert found.lines[-1] == "Everything is as it was kept."
    assert found.size_bytes == 5000 + 3000 + len(b"<net/><int8/>{}")


def test_a_changed_file_is_named_with_all_that_use_it(folder):
    path = folder.trees / hash_of(folder, KeptModel, 1) / "net.bin"
    path.chmod(0o600)
    path.write_bytes(b"x" * 5000)
    found = check_data(folder, silent).problems
    assert len(found) == 2
    assert any(line.startswith("model 1 (Größe): net.bin of tree ") for line in found)
    assert any(line.startswith("model 2 (child): sub/again.bin of tree ") for line in found)


def test_lost_files_are_named(folder):
    trees = Trees(folder)
    trees.drop(hash_of(folder, KeptModel, 2))
    place = folder.trees / hash_of(folder, KeptDataset, 1)
    for name in ("1.png", "2.png", "3.png", "4.png"):
        (place / name).unlink()
    (folder.trees / f"{hash_of(folder, KeptModel, 1)}.json").unlink()
    found = check_data(folder, silent)
    assert "model 2 (child): all files are lost." in found.problems
    assert any("1.png, 2.png, 3.png and 1 more of tree" in line for line in found.problems)
    assert any(line.startswith("model 1 (Größe): the list of files") for line in found.problems)
    assert len(found.problems) == 3
    assert "Everything" not in "".join(found.lines)


def test_what_nothing_uses_is_only_remarked(folder):
    tree(folder, {"x": bytes(2_000_000)})
    found = check_data(folder, silent)
    assert found.problems == ()
    assert found.remarks == ("1 tree of 2.0 MB: used by nothing; a server removes what is old at its start.",)


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(JobError, match="holds no data of Calibench"):
        check_data(DataFolder(tmp_path), silent)
    assert list(tmp_path.iterdir()) == []

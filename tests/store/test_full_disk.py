"""A disk that is really full: one sentence, nothing half, and it goes on when there is room again."""

import subprocess
import zipfile
from contextlib import suppress

import pytest
from filled_folder import files

from calibench.errors import JobError
from calibench.progress import silent
from calibench.store.backup import back_up
from calibench.store.data_folder import DataFolder
from calibench.store.restoring import restore
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.store.unpacking import unpack
from calibench.things.asked import Limits
from calibench.things.kept import Job, KeptModel

pytestmark = pytest.mark.root
FULL = "the disk is full"


@pytest.fixture
def small(tmp_path):
    """A disk of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def folder(small):
    made = DataFolder(small / "data")
    made.make()
    return made


def large(place):
    place.mkdir()
    for number in range(10):
        (place / f"{number}.bin").write_bytes(bytes([number]) * 1_000_000)
    return place


def test_a_server_that_starts_on_a_full_disk(small):
    with (small / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with pytest.raises(JobError, match=r"No space left on device.*Free some room there"):
        DataFolder(small / "data").make()


def test_an_import_that_does_not_fit(folder, tmp_path):
    source = large(tmp_path / "large")
    with pytest.raises(JobError, match=FULL):
        Trees(folder).keep(source, move=False)
    with pytest.raises(JobError, match=FULL):
        Trees(folder).keep(source, move=True)
    assert len(files(source)) == 10
    assert files(folder.trees).keys() <= {".lock"}
    assert files(folder.blobs) == {}
    for number in range(2, 10):
        (source / f"{number}.bin").unlink()
    assert Trees(folder).keep(source, move=True).files == 2


def test_an_archive_that_does_not_fit(small, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}", bytes([number]) * 1_000_000)
    with pytest.raises(JobError, match=FULL):
        unpack(tmp_path / "a.zip", small / "into", Limits(), lambda done, total: None)
    assert list(small.iterdir()) == []


def test_a_backup_and_a_restore_that_do_not_fit(small, tmp_path):
    big = DataFolder(tmp_path / "big")
    big.make()
    kept = Trees(big).keep(large(tmp_path / "large"), move=True)
    store = Store(big.url)
    store.add(KeptModel(created="2026-01-01T00:00:00Z", name="net", state="ready", tree=kept.hash))
    store.close()
    with pytest.raises(JobError, match=FULL):
        back_up(big, small / "b.tar", silent)
    assert list(small.iterdir()) == []
    back_up(big, tmp_path / "b.tar", silent)
    with pytest.raises(JobError, match=FULL):
        restore(tmp_path / "b.tar", DataFolder(small / "data"), silent)
    assert list(small.iterdir()) == []


def test_things_that_do_not_fit_are_not_half_there(folder, small):
    store = Store(folder.url)
    added = 0
    with pytest.raises(JobError, match=r"database or disk is full\)\. Free some room on its disk"):
        while added < 1000:
            with store.together():
                store.add(Job(created="2026-01-01T00:00:00Z", kind="machine", title="a", result={"x": "y" * 10_000}))
                store.add(Job(created="2026-01-01T00:00:00Z", kind="machine", title="b", result={"x": "y" * 10_000}))
            added += 1
    titles = [job.title for job in store.all(Job)]
    assert titles == ["b", "a"] * added
    assert added > 10
    store.close()

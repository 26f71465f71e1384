"""Databases are read in the order of their keys, and left as they are."""

import os
from concurrent.futures import ThreadPoolExecutor

import plyvel
import pytest

from calibench.caffe.databases.records import open_records
from calibench.errors import DatasetError
from written_data import write_leveldb, write_lmdb

RECORDS = {"00000002_b": b"two", "00000001_a": b"one", "00000010": b"ten"}


def written(kind, path):
    return write_lmdb(path, RECORDS) if kind == "lmdb" else write_leveldb(path, RECORDS)


@pytest.fixture(params=["lmdb", "leveldb"])
def kind(request):
    return request.param


def test_records_come_in_the_order_of_their_keys(kind, tmp_path):
    records = open_records(written(kind, tmp_path / "a b"))
    assert records.kind == kind
    assert [records.name_of(i) for i in range(len(records))] == ["00000001_a", "00000002_b", "00000010"]
    assert [records[i] for i in range(3)] == [b"one", b"two", b"ten"]


def test_the_folder_is_left_as_it_is(kind, tmp_path):
    path = written(kind, tmp_path / "data")
    before = {each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in path.iterdir()}
    records = open_records(path)
    assert records[0] == b"one"
    del records
    assert {each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in path.iterdir()} == before


def test_two_may_read_the_same_database_in_several_threads(kind, tmp_path):
    path = written(kind, tmp_path / "data")
    one, other = open_records(path), open_records(path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: (one[i % 3], other[i % 3]), range(300)))
    assert found == [(value, value) for _ in range(100) for value in (b"one", b"two", b"ten")]


def test_an_lmdb_may_be_opened_by_two_links_to_its_file(tmp_path):
    path, other = write_lmdb(tmp_path / "data", RECORDS), tmp_path / "other"
    other.mkdir()
    os.link(path / "data.mdb", other / "data.mdb")
    one, linked = open_records(path), open_records(other)
    assert [one[i] for i in range(3)] == [linked[i] for i in range(3)] == [b"one", b"two", b"ten"]


def test_a_leveldb_that_is_open_elsewhere_can_be_read(tmp_path):
    path = write_leveldb(tmp_path / "data", RECORDS)
    elsewhere = plyvel.DB(str(path))
    elsewhere.compact_range()
    assert len(open_records(path)) == 3


def test_an_lmdb_may_be_one_file(tmp_path):
    assert open_records(write_lmdb(tmp_path / "one.mdb", RECORDS, subdir=False))[2] == b"ten"


def test_an_lmdb_that_is_cut_off_is_refused(tmp_path):
    path = write_lmdb(tmp_path / "data", [bytes(5000)] * 9)
    os.truncate(path / "data.mdb", (path / "data.mdb").stat().st_size - 4096)
    with pytest.raises(DatasetError, match=r"data\.mdb: is cut off: [\d,]+ of [\d,]+ bytes are there"):
        open_records(path)


@pytest.mark.parametrize("content", [b"", b"nothing of this kind" * 999])
def test_a_file_that_is_no_lmdb_is_refused(tmp_path, content):
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(DatasetError, match="is damaged, or no LMDB"):
        open_records(tmp_path)


def test_a_leveldb_without_its_manifest_is_refused(tmp_path):
    path = write_leveldb(tmp_path / "data", RECORDS)
    for manifest in path.glob("MANIFEST-*"):
        manifest.unlink()
    with pytest.raises(DatasetError, match="is damaged, or no LevelDB"):
        open_records(path)


def test_a_leveldb_with_a_wrong_byte_is_refused(tmp_path):
    path = write_leveldb(tmp_path / "data", [os.urandom(3000) for _ in range(99)])
    opened = plyvel.DB(str(path))
    opened.compact_range()
    opened.close()
    for table in path.glob("*.ldb"):
        data = bytearray(table.read_bytes())
        data[len(data) // 2] ^= 1
        table.write_bytes(data)
    records = open_records(path)
    with pytest.raises(DatasetError, match="Corruption"):
        [records[i] for i in range(99)]


def test_an_empty_database_is_refused(kind, tmp_path):
    path = tmp_path / "data"
    (write_lmdb if kind == "lmdb" else write_leveldb)(path, {})
    with pytest.raises(DatasetError, match="this database has no records"):
        open_records(path)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"is no LMDB \(data\.mdb\) and no LevelDB"):
        open_records(tmp_path)

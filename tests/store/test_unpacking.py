"""Archives from strangers: all that they hold comes out, or one sentence and nothing."""

import bz2
import errno
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.errors import Cancelled, DatasetError, JobError
from calibench.store import unpacking
from calibench.store.unpacking import is_archive, unpack
from calibench.things.asked import Limits

FILES = {"set/a.txt": b"one", "set/sub/b.bin": bytes(range(256)) * 40, "set/empty.txt": b""}


def silent(done, total):
    assert 0 <= done <= total


def packed_zip(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def packed_tar(path, files, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member_of_tar(path, **fields):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(fields.pop("name", "x"))
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info)
    return path


def content(place):
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def refused(archive, into, limits=None):
    """The sentence; and nothing is left."""
    with pytest.raises(DatasetError) as caught:
        unpack(archive, into, limits or Limits(), silent)
    assert not into.exists()
    assert str(caught.value).startswith(f"{archive.name}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def into(tmp_path):
    return tmp_path / "into"


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@pytest.mark.parametrize("method", METHODS)
def test_a_zip_is_unpacked_with_its_top_folder(tmp_path, into, method):
    archive = packed_zip(tmp_path / "a.zip", FILES, method)
    assert is_archive(archive)
    assert unpack(archive, into, Limits(), silent) == ()
    assert content(into) == FILES


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_is_unpacked_however_it_is_packed(tmp_path, into, mode, form, monkeypatch):
    monkeypatch.setattr(tarfile, "DEFAULT_FORMAT", form)
    monkeypatch.setattr(tarfile.TarFile, "format", form)
    files = FILES | ({"set/" + "long" * 60: b"x"} if form != tarfile.USTAR_FORMAT else {})
    archive = packed_tar(tmp_path / "a", files, mode)
    assert is_archive(archive)
    unpack(archive, into, Limits(), silent)
    assert content(into) == files


def test_empty_folders_stay_and_modes_do_not(tmp_path, into):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path, "./", recursive=False)
        folder = tarfile.TarInfo("./empty/")
        folder.type, folder.mode = tarfile.DIRTYPE, 0
        archive.addfile(folder)
        program = tarfile.TarInfo("./empty/run")
        program.mode = 0o4777
        archive.addfile(program)
    unpack(tmp_path / "a.tar", into, Limits(), silent)
    assert stat.S_IMODE((into / "empty/run").stat().st_mode) & 0o7111 == 0
    assert (into / "empty").is_dir()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a/.."])
def test_a_path_that_leads_out_is_refused_by_name(tmp_path, into, name):
    for archive in (packed_zip(tmp_path / "a.zip", {name: b"x"}), packed_tar(tmp_path / "a.tar", {name: b"x"})):
        assert repr(name) in refused(archive, into)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "a.zip"]


@pytest.mark.parametrize("name", ["..\\x", "C:\\x", "c:/x", "a\\..\\..\\x", "\\x"])
def test_a_path_of_windows_that_leads_out_is_refused(tmp_path, into, name):
    assert "Pack it" in refused(packed_zip(tmp_path / "a.zip", {name: b"x"}), into)


@pytest.mark.parametrize("depth", [101, 1900])
def test_a_path_that_is_too_deep_to_be_walked_is_refused(tmp_path, into, depth):
    path = packed_zip(tmp_path / "x.zip", {"a/" * depth + "x.png": b"1"})
    assert "lies in more than 100 folders. Pack it with fewer." in refused(path, into)


def test_backslashes_of_a_zip_are_folders(tmp_path, into):
    unpack(packed_zip(tmp_path / "a.zip", {"set\\sub\\b.txt": b"x"}), into, Limits(), silent)
    assert content(into) == {"set/sub/b.txt": b"x"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_refused(tmp_path, into, kind):
    archive = member_of_tar(tmp_path / "a.tar", name="set/link", type=kind, linkname="/etc/passwd")
    assert "'set/link' is a link" in refused(archive, into)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path, into, kind):
    assert "neither a file nor a folder" in refused(member_of_tar(tmp_path / "a.tar", type=kind), into)


def test_links_in_a_zip_are_refused(tmp_path, into):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert "'link' is a link" in refused(packed_zip(tmp_path / "a.zip", {info: "/etc/passwd"}), into)


def test_what_is_there_twice_is_refused(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x", b"1")
        archive.writestr("x", b"2")
    assert "'x' is there twice" in refused(tmp_path / "a.zip", into)
    assert "'x/y' is there twice" in refused(packed_tar(tmp_path / "a.tar", {"x": b"1", "x/y": b"2"}), into)
    assert "'x' is there twice" in refused(packed_tar(tmp_path / "a.tar", {"x/y": b"1", "x": b"2"}), into)


def test_an_encrypted_zip_is_refused(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {"secret.txt": b"x"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)
    assert "'secret.txt' is encrypted" in refused(archive, into)


def test_sizes_are_counted_whatever_headers_say(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {"x": bytes(5000)})
    raw = bytearray(archive.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = raw.index(mark) + place
        raw[start : start + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(raw)
    assert "is damaged at 'x'" in refused(archive, into)
    assert "more than 0 MB" in refused(packed_zip(tmp_path / "b.zip", {"x": bytes(5000)}), into, Limits(bytes=4999))
    assert "more than 0 MB" in refused(packed_tar(tmp_path / "b.tar", {"x": bytes(5000)}), into, Limits(bytes=4999))
    unpack(packed_zip(tmp_path / "b.zip", {"x": bytes(5000)}), into, Limits(bytes=5000), silent)


def test_files_and_folders_are_counted(tmp_path, into):
    files = {f"{n}": b"" for n in range(11)}
    assert "more than 10 files" in refused(packed_tar(tmp_path / "a.tar", files), into, Limits(files=10))
    assert "more than 10 files" in refused(
        packed_tar(tmp_path / "a.tar", {"a/" * 10 + "x": b""}), into, Limits(files=10)
    )
    assert "more than 10 files" in refused(
        packed_zip(tmp_path / "a.zip", {"a/" * 10 + "x": b""}), into, Limits(files=10)
    )
    unpack(packed_tar(tmp_path / "a.tar", files), into, Limits(files=11), silent)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_a_bomb_stops_early(tmp_path, into, name, monkeypatch):
    monkeypatch.setattr(unpacking, "RATIO_FROM", 10**6)
    bomb = {"x": bytes(20 * 10**6)}
    packing = {"a.tar.gz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}
    archive = packed_tar(tmp_path / name, bomb, packing[name]) if name in packing else packed_zip(tmp_path / name, bomb)
    assert "times its size" in refused(archive, into)


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, into):
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 300 * 10**6
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as file:
        file.write(long_name.tobuf(tarfile.GNU_FORMAT))
        for _ in range(300):
            file.write(b"a" * 10**6)
    assert "a header is too long" in refused(tmp_path / "a.tar.gz", into)


def test_a_directory_that_would_fill_the_memory_is_refused(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {f"{n}": b"" for n in range(100)})
    assert "more than 99 files" in refused(archive, into, Limits(files=99))


def test_a_zip_of_very_many_files_is_counted_by_its_larger_record(tmp_path, into, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    archive = packed_zip(tmp_path / "a.zip", {f"{n}": b"" for n in range(100)})
    assert b"PK\x06\x07" in archive.read_bytes()
    raw = bytearray(archive.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 12 : end + 16] = b"\xff" * 4  # as a directory of more than 4 GB says it
    archive.write_bytes(raw)
    unpack(archive, into, Limits(files=110), silent)
    assert len(content(into)) == 100
    assert "more than 99 files" in refused(archive, tmp_path / "other", Limits(files=99))


@pytest.mark.parametrize("cut", [1, 100, 600, 5000])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_a_cut_archive_is_damaged(tmp_path, into, name, cut):
    files = {f"{n}": random.Random(n).randbytes(700) for n in range(20)}
    mode = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}
    archive = packed_tar(tmp_path / name, files, mode[name]) if name in mode else packed_zip(tmp_path / name, files)
    whole = archive.read_bytes()
    if name == "a.tar":  # its end is padding
        cut += len(whole) - 20 * 1536
    archive.write_bytes(whole[:-cut])
    assert "damaged" in refused(archive, into)


def test_of_a_zip_without_an_end_that_is_said(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {"a": bytes(1000)})
    archive.write_bytes(archive.read_bytes()[:-60])
    assert refused(archive, into) == "a.zip: is damaged (its end is missing). Pack or upload it again."


def test_a_tar_that_is_cut_between_two_members_is_damaged(tmp_path, into):
    archive = packed_tar(tmp_path / "a.tar", {"a": b"1", "b": b"2"})
    archive.write_bytes(archive.read_bytes()[:1024])
    assert "breaks off" in refused(archive, into)


def test_wrong_content_is_noticed_by_its_sum(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {"x": b"content"}, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"content", b"CONTENT"))
    assert "is damaged at 'x'" in refused(archive, into)
    raw = bytearray(packed_tar(tmp_path / "a.tar.gz", FILES, "w:gz").read_bytes())
    raw[-8] ^= 1
    (tmp_path / "a.tar.gz").write_bytes(raw)
    assert "is damaged" in refused(tmp_path / "a.tar.gz", into)


def test_what_systems_add_is_left_out_and_counted(tmp_path, into):
    files = {"a.txt": b"1", "__MACOSX/._a.txt": b"2", "sub/.DS_Store": b"3", "sub/._b": b"4", "Thumbs.db": b"5"}
    for archive in (packed_zip(tmp_path / "a.zip", files), packed_tar(tmp_path / "a.tar", files)):
        assert unpack(archive, into, Limits(), silent) == (
            "Left out 4 files that systems add by themselves, such as .DS_Store.",
        )
        assert content(into) == {"a.txt": b"1"}
        (into / "a.txt").unlink()


def test_names_are_read_as_they_were_meant(tmp_path, into):
    archive = packed_zip(tmp_path / "a.zip", {"bild_ä.txt": b"1"})
    raw = archive.read_bytes()  # without the mark for UTF-8, as many programs write it
    archive.write_bytes(raw.replace(b"PK\x03\x04\x14\x00\x00\x08", b"PK\x03\x04\x14\x00\x00\x00").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x08", b"PK\x01\x02\x14\x03\x14\x00\x00\x00"))  # fmt: skip
    unpack(archive, into, Limits(), silent)
    assert content(into) == {"bild_ä.txt": b"1"}
    info = tarfile.TarInfo("bild_\udce4.txt")
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    assert r"'bild_\udce4.txt' is not UTF-8" in refused(tmp_path / "a.tar", tmp_path / "other")


def test_a_name_that_the_disk_refuses_is_said(tmp_path, into):
    archive = packed_tar(tmp_path / "a.tar", {"x" * 300: b"1"})
    assert "cannot be written (File name too long)" in refused(archive, into)
    assert len(refused(packed_zip(tmp_path / "a.zip", {"x" * 60_000: b"1"}), into)) < 400


def test_a_name_cannot_steer_a_terminal(tmp_path, into):
    assert r"'\x1b[2J/../x'" in refused(packed_tar(tmp_path / "a.tar", {"\x1b[2J/../x": b"1"}), into)


@pytest.mark.parametrize(
    ("begin", "name"),
    [(b"Rar!\x1a\x07\x01\x00", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x28\xb5\x2f\xfd", "Zstandard")],
)
def test_other_archives_are_refused_by_name(tmp_path, into, begin, name):
    archive = tmp_path / "a.bin"
    archive.write_bytes(begin + bytes(100))
    assert is_archive(archive)
    assert f"is a {name} archive, which is not read" in refused(archive, into)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"\x89PNG\r\n",
        bytes(1024),
        gzip.compress(b"x" * 2000, mtime=0),
        bz2.compress(b""),
        lzma.compress(b"y"),
        b"\x1f\x8b",
    ],
)
def test_what_is_no_archive_is_told_apart(tmp_path, into, content):
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    assert not is_archive(path)
    assert "is no archive" in refused(path, into)
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "nowhere")


def test_an_archive_of_nothing_gives_nothing(tmp_path, into):
    for archive in (packed_zip(tmp_path / "a.zip", {}), packed_tar(tmp_path / "a.tar", {})):
        assert is_archive(archive)
        unpack(archive, into, Limits(), silent)
        assert content(into) == {}


def test_progress_comes_to_its_end_and_can_stop(tmp_path, into, monkeypatch):
    monkeypatch.setattr(unpacking, "TOLD_S", 0.0)
    archive = packed_zip(tmp_path / "a.zip", {f"{n}": bytes(100) for n in range(50)})
    told = []
    unpack(archive, into, Limits(), lambda done, total: told.append((done, total)))
    assert told[-1] == (archive.stat().st_size,) * 2
    assert len(told) > 50

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        unpack(archive, tmp_path / "other", Limits(), stop)
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path, into, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpacking, "write_all", full)
    with pytest.raises(JobError, match=r"\.zip: the disk is full after 0 MB\. Free some room there"):
        unpack(packed_zip(tmp_path / "a.zip", FILES), into, Limits(), silent)
    assert not into.exists()


PARTS = st.sampled_from(["..", ".", "", "a", "b", "A", "\\", "C:", "\x00", "\x1b", "ä", "__MACOSX", "._x", "x" * 300])
NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=50)), max_size=6), st.booleans())
def test_whatever_the_names_are_nothing_is_written_outside(tmp_path_factory, members, is_zip):
    home = tmp_path_factory.mktemp("hostile")
    archive, into = home / "archive", home / "deep/deep/into"
    into.parent.mkdir(parents=True)
    (packed_zip_raw if is_zip else packed_tar_raw)(archive, members)
    try:
        unpack(archive, into, Limits(), silent)
    except DatasetError as error:
        assert not into.exists()
        assert "\n" not in str(error)
    outside = [path for path in home.rglob("*") if not path.is_relative_to(into)]
    assert sorted(path.name for path in outside if path != into.parent) == ["archive", "deep"]


def packed_zip_raw(path, members):
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name or "x"), data)


def packed_tar_raw(path, members):
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@given(st.data(), st.sampled_from(["zip", "w", "w:gz", "w:bz2", "w:xz"]))
def test_whatever_is_damaged_gives_one_sentence_or_the_right_content(tmp_path_factory, data, mode):
    home = tmp_path_factory.mktemp("damaged")
    archive, into = home / "archive", home / "into"
    if mode == "zip":
        packed_zip(archive, FILES)
    else:
        packed_tar(archive, FILES, mode)
    raw = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(raw)
    try:
        unpack(archive, into, Limits(), silent)
    except DatasetError as error:
        assert not into.exists()
        assert "\n" not in str(error)
    else:
        if mode not in ("w", "zip"):  # those know no sums of names or of all; a packer sums up everything
            assert content(into) == FILES
    assert {path.name for path in home.iterdir()} <= {"archive", "into"}

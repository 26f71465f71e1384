"""A folder comes as an archive that is read back whole, and is never held whole."""

import io
import zipfile

from calibench.api.zip_stream import CHUNK, files_below, saved_as, zip_stream


def test_an_archive_holds_every_file_as_it_is(tmp_path):
    (tmp_path / "front").mkdir()
    (tmp_path / "model.bin").write_bytes(bytes(range(256)) * 10_000)
    (tmp_path / "front/ä.xml").write_text("<net/>")
    (tmp_path / "empty").touch()
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_stream(files_below(tmp_path)))))
    assert archive.testzip() is None
    assert archive.namelist() == ["empty", "front/ä.xml", "model.bin"]
    assert archive.read("model.bin") == bytes(range(256)) * 10_000
    assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def test_no_part_is_larger_than_what_is_read_at_once(tmp_path):
    (tmp_path / "model.bin").write_bytes(bytes(5 * CHUNK))
    assert max(len(part) for part in zip_stream(files_below(tmp_path))) < CHUNK + 1000


def test_the_same_folder_gives_the_same_archive(tmp_path):
    (tmp_path / "model.xml").write_text("<net/>")
    first = b"".join(zip_stream(files_below(tmp_path)))
    (tmp_path / "model.xml").touch()
    assert b"".join(zip_stream(files_below(tmp_path))) == first


def test_a_name_in_any_script_is_a_header():
    header = saved_as('netz "ä"\n模/型.zip')["Content-Disposition"]
    assert header.isascii() and header.isprintable()
    assert "%E6%A8%A1_%E5%9E%8B.zip" in header

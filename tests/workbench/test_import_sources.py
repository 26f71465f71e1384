"""Where an import may read: uploads, and nothing outside the folders that the operator allowed."""

from pathlib import Path

import pytest

from calibench.errors import SettingsError
from calibench.store.refused import Conflict, NotThere
from calibench.things.asked import Import
from calibench.workbench.import_sources import ImportSources


@pytest.fixture
def allowed(tmp_path):
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "net.onnx").write_text("net")
    (tmp_path / "secret.onnx").write_text("secret")
    return folder


def test_a_path_below_an_allowed_folder_is_taken(bench, allowed):
    assert bench.sources.find(Import(name="n", path=allowed / "net.onnx")) == (allowed / "net.onnx",)
    assert bench.sources.find(Import(name="n", path=allowed)) == (allowed,)


@pytest.mark.parametrize("path", ["secret.onnx", "allowed/../secret.onnx", "allowed2", "", "nothing.onnx"])
def test_a_path_outside_is_refused_whether_it_is_there_or_not(bench, allowed, path):
    with pytest.raises(SettingsError, match=r"not below a folder that this server may read.*--allow-folder"):
        bench.sources.find(Import(name="n", path=allowed.parent / path))


@pytest.mark.parametrize("name", ["x" * 300, "deep/" * 2000 + "x", "a\nb\x1b[31m"])
def test_a_name_that_no_disk_takes_is_not_there(bench, allowed, name):
    with pytest.raises(SettingsError, match="there is no such file or folder on the server") as refused:
        bench.sources.find(Import(name="n", path=allowed / name))
    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()


def test_a_link_does_not_lead_out(bench, allowed):
    (allowed / "link").symlink_to(allowed.parent / "secret.onnx")
    (allowed / "loop").symlink_to(allowed / "loop")
    for name in ("link", "loop"):
        with pytest.raises(SettingsError, match=r"not below a folder|no such file"):
            bench.sources.find(Import(name="n", path=allowed / name))


@pytest.mark.parametrize("path", [Path("allowed/net.onnx"), Path("~nobody-here/x"), Path("/a\0b")])
def test_a_path_that_means_no_certain_place_is_refused(bench, allowed, path):
    with pytest.raises(SettingsError, match="not below"):
        bench.sources.find(Import(name="n", path=path))


def test_a_path_that_is_not_there_says_so(bench, allowed):
    with pytest.raises(SettingsError, match="there is no such file or folder on the server"):
        bench.sources.find(Import(name="n", path=allowed / "other.onnx"))


def test_without_allowed_folders_the_option_is_named(bench, allowed):
    with pytest.raises(SettingsError, match="upload the files, or start the server with --allow-folder DIR"):
        ImportSources(bench.uploads).find(Import(name="n", path=allowed / "net.onnx"))


def test_an_allowed_folder_that_is_a_link_allows_what_it_means(bench, allowed):
    link = allowed.parent / "named"
    link.symlink_to(allowed)
    found = ImportSources(bench.uploads, (link,)).find(Import(name="n", path=link / "net.onnx"))
    assert found == (allowed / "net.onnx",)


def test_uploads_or_a_path_and_not_both(bench, allowed):
    for asked in (Import(name="n"), Import(name="n", uploads=(bench.sent(),), path=allowed)):
        with pytest.raises(SettingsError, match="one of the two"):
            bench.sources.find(asked)


def test_uploads_become_paths_in_their_order(bench):
    ids = (bench.sent("net.xml"), bench.sent("net.bin"))
    assert [path.name for path in bench.sources.find(Import(name="n", uploads=ids))] == ["net.xml", "net.bin"]


def test_two_uploads_of_one_name_are_refused(bench):
    with pytest.raises(SettingsError, match=r"net\.xml: two of the uploads"):
        bench.sources.find(Import(name="n", uploads=(bench.sent("net.xml"), bench.sent("net.xml"))))


def test_an_upload_that_is_not_whole_is_refused(bench):
    with pytest.raises(Conflict, match="not whole yet"):
        bench.sources.find(Import(name="n", uploads=(bench.uploads.begin("net.onnx", 3).id,)))
    with pytest.raises(NotThere):
        bench.sources.find(Import(name="n", uploads=("0" * 16,)))

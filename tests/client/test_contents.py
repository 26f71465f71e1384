"""What is sent: the same bytes from any place on, everything that counts and nothing else."""

import io
import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.client.contents import END, as_file, as_tar, entries_of, file_entry
from calibench.client.parcels import dataset_parcel, model_parcel
from calibench.client.same_files import tree_of
from calibench.errors import DatasetError, ModelError
from calibench.store.data_folder import DataFolder
from calibench.store.trees import Trees
from calibench.store.unpacking import unpack
from calibench.things.asked import Limits

LONG = "folder with a long name " * 4


@pytest.fixture
def folder(tmp_path):
    """Files of all lengths, an empty folder, a long name and one that is no ASCII."""
    root = tmp_path / "set"
    for name, content in {
        "a/1.png": b"1" * 512,
        "a/2.png": b"2" * 700,
        "b/none.txt": b"",
        f"{LONG}/{'x' * 120}.bin": b"long",
        "blüte/ö.png": b"\xff" * 1500,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "empty/inside").mkdir(parents=True)
    return root


def kept_tree(tmp_path, content):
    """What a server makes of the bytes: unpacked, and kept under its hash."""
    archive = tmp_path / "sent.tar"
    archive.write_bytes(b"".join(content.parts(0)))
    unpack(archive, tmp_path / "unpacked", Limits(), lambda _done, _total: None)
    data = DataFolder(tmp_path / "data")
    data.make()
    return Trees(data).keep(tmp_path / "unpacked", move=False).hash


def test_a_folder_arrives_whole_and_under_the_hash_that_was_foretold(folder, tmp_path):
    entries = entries_of(folder)
    assert kept_tree(tmp_path, as_tar("set", entries)) == tree_of(entries)
    assert (tmp_path / "unpacked/blüte/ö.png").read_bytes() == b"\xff" * 1500
    assert (tmp_path / "unpacked/empty/inside").is_dir()


@given(share=st.floats(0, 1))
def test_an_archive_goes_on_from_any_place(share, tmp_path_factory):
    root = tmp_path_factory.mktemp("set")
    (root / "e").mkdir()
    (root / "1.bin").write_bytes(bytes(range(256)) * 5)
    (root / "2.bin").write_bytes(b"2" * 512)
    content = as_tar("set", entries_of(root))
    whole = b"".join(content.parts(0))
    offset = int(share * len(whole))
    assert len(whole) == content.size
    assert b"".join(content.parts(offset)) == whole[offset:]


def test_a_file_goes_on_from_any_place(tmp_path):
    (tmp_path / "f").write_bytes(bytes(range(200)))
    content = as_file(file_entry(tmp_path / "f"))
    assert [b"".join(content.parts(offset)) for offset in (0, 150, 200)] == [
        bytes(range(200)),
        bytes(range(150, 200)),
        b"",
    ]


def test_the_archive_is_the_same_whenever_it_is_made(folder):
    before = b"".join(as_tar("set", entries_of(folder)).parts(0))
    os.utime(folder / "a/1.png", (1, 1))
    (folder / "a/1.png").chmod(0o600)
    assert b"".join(as_tar("set", entries_of(folder)).parts(0)) == before
    with tarfile.open(fileobj=io.BytesIO(before)) as archive:
        assert archive.getnames()[:2] == ["a/1.png", "a/2.png"]
    assert before.endswith(END)


def test_what_systems_add_is_not_sent(folder):
    (folder / ".DS_Store").write_bytes(b"1")
    (folder / "a/._1.png").write_bytes(b"1")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX/x.png").write_bytes(b"1")
    assert not [entry.name for entry in entries_of(folder) if "DS_Store" in entry.name or "__" in entry.name]
    assert len(entries_of(folder)) == 6


def test_links_inside_are_followed_and_others_refused(folder, tmp_path):
    (folder / "a/3.png").symlink_to(folder / "a/1.png")
    assert "a/3.png" in [entry.name for entry in entries_of(folder)]
    (folder / "a/3.png").unlink()
    for aim, sentence in ((tmp_path, "leads out"), (folder / "b", "to a folder"), (folder / "c", "to nothing")):
        (folder / "link").symlink_to(aim)
        with pytest.raises(DatasetError, match=sentence):
            entries_of(folder)
        (folder / "link").unlink()


def test_what_is_no_file_and_what_has_no_text_for_a_name_is_refused(folder, tmp_path):
    os.mkfifo(folder / "pipe")
    with pytest.raises(DatasetError, match="neither a file nor a folder"):
        entries_of(folder)
    (folder / "pipe").unlink()
    with open(os.fsencode(folder) + b"/\xff.png", "wb"):  # noqa: PTH123 - a path of bytes
        pass
    with pytest.raises(DatasetError, match="not UTF-8"):
        entries_of(folder)
    (tmp_path / "nothing/here").mkdir(parents=True)
    with pytest.raises(DatasetError, match="holds no files"):
        entries_of(tmp_path / "nothing")


@pytest.mark.parametrize("now", [b"short", b"x" * 2000])
def test_a_file_that_changes_while_it_is_sent_is_refused(folder, now):
    content = as_tar("set", entries_of(folder))
    (folder / "a/2.png").write_bytes(now)
    with pytest.raises(DatasetError, match=r"2\.png: was changed while it was sent"):
        list(content.parts(0))


def test_a_model_is_sent_with_what_belongs_to_it(tmp_path):
    for name in ("m.xml", "m.bin", "other.bin", "net.prototxt", "net.caffemodel", "n.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"1")
    names = {
        path: [content.name for content in model_parcel(tmp_path / path).contents]
        for path in ("m.xml", "net.prototxt", "n.onnx")
    }
    assert names == {
        "m.xml": ["m.xml", "m.bin", "tokenizer.json"],
        "net.prototxt": ["net.prototxt", "net.caffemodel", "tokenizer.json"],
        "n.onnx": ["n.onnx", "tokenizer.json"],
    }


def test_weights_of_another_folder_go_beside_the_prototxt(tmp_path):
    (tmp_path / "w").mkdir()
    for name in ("net.prototxt", "w/other.caffemodel"):
        (tmp_path / name).write_bytes(b"1")
    parcel = model_parcel(tmp_path / "net.prototxt", tmp_path / "w/other.caffemodel")
    assert [entry.name for entry in parcel.entries] == ["net.prototxt", "other.caffemodel"]
    with pytest.raises(ModelError, match="no such weights file"):
        model_parcel(tmp_path / "net.prototxt", tmp_path / "absent.caffemodel")


def test_a_model_with_weights_in_a_folder_below_goes_as_one_archive(tmp_path):
    onnx = pytest.importorskip("onnx")
    (tmp_path / "w").mkdir()
    tensor = onnx.helper.make_tensor("t", 1, [1], b"1234", raw=True)
    onnx.external_data_helper.set_external_data(tensor, "w/weights.bin")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    (tmp_path / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    (tmp_path / "w/weights.bin").write_bytes(b"1234")
    parcel = model_parcel(tmp_path / "m.onnx")
    assert [content.name for content in parcel.contents] == ["m.tar"]
    assert ([entry.name for entry in parcel.entries], parcel.entry) == (["m.onnx", "w/weights.bin"], "m.onnx")


def test_a_file_with_pickles_is_refused_before_it_is_sent(tmp_path):
    (tmp_path / "m.pt2").write_bytes(b"1")
    with pytest.raises(ModelError, match="holds pickles"):
        model_parcel(tmp_path / "m.pt2")


def test_a_table_of_texts_brings_its_tokenizer(tmp_path):
    for name in ("t.csv", "tokenizer.json", "a.npz"):
        (tmp_path / name).write_bytes(b"1")
    assert [content.name for content in dataset_parcel(tmp_path / "t.csv").contents] == ["t.csv", "tokenizer.json"]
    assert [content.name for content in dataset_parcel(tmp_path / "a.npz").contents] == ["a.npz"]


def test_names_of_things_can_be_shown(tmp_path):
    for name, shown in (("a\nb", "a b"), ("x" * 200, "x" * 100), ("\x1b", "unnamed")):
        place = tmp_path / name
        place.mkdir()
        (place / "1.png").write_bytes(b"1")
        assert dataset_parcel(place).name == shown


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DatasetError, match="there is no such file or folder"):
        dataset_parcel(tmp_path / "absent")
    with pytest.raises(ModelError, match="there is no such file"):
        model_parcel(tmp_path / "absent.onnx")

"""Bad input for the formats without boxes: one clear sentence for each fault, and nothing but sentences."""

import gzip
import json
import pickle
import re
import shutil
from dataclasses import dataclass

import layouts_without_boxes as layouts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts_without_boxes import draw, write, write_mask

from calibench.datasets.formats.cifar import CIFAR
from calibench.datasets.formats.cityscapes import CITYSCAPES
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.formats.idx import MNIST_IDX
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST
from calibench.datasets.formats.lfw import LFW
from calibench.datasets.formats.semantic_folder import SEMANTIC_FOLDER
from calibench.datasets.formats.super_resolution import SUPER_RESOLUTION
from calibench.datasets.formats.text_lines import TEXT_LINES
from calibench.datasets.formats.vgg_face import VGG_FACE
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError

WRITERS = {
    IMAGENET_LIST: layouts.imagenet_list,
    CIFAR: layouts.cifar,
    MNIST_IDX: layouts.mnist,
    SEMANTIC_FOLDER: layouts.semantic,
    CITYSCAPES: layouts.cityscapes,
    LFW: layouts.lfw,
    VGG_FACE: layouts.vgg_face,
    SUPER_RESOLUTION: layouts.super_resolution,
    TEXT_LINES: layouts.text_lines,
}
BONN = "gtFine/val/bonn/bonn_000000_000019_gtFine_labelIds.png"
VAL_1 = "ILSVRC2012_val_00000001.JPEG"
LATIN1 = "Übung".encode("latin1")


@dataclass(frozen=True)
class Fault:
    """What is done to a good dataset, and what must be said: by the error, or else by a problem of the listing."""

    format: Format
    name: str
    damage: object
    sentence: str

    def __str__(self):
        return f"{self.format.name}: {self.name}"


def put(path, text):
    return lambda folder: write(folder / path, text)


def put_bytes(path, data):
    return lambda folder: (folder / path).write_bytes(data)


def remove(*paths):
    def damage(folder):
        for path in paths:
            if (folder / path).is_dir():
                shutil.rmtree(folder / path)
            else:
                (folder / path).unlink()

    return damage


def both(first, second):
    def damage(folder):
        first(folder)
        second(folder)

    return damage


def picture(path):
    return lambda folder: draw(folder / path)


def mask(path, value=0):
    return lambda folder: write_mask(folder / path, np.full((6, 8), value))


def rename(path, other):
    return lambda folder: (folder / path).rename(folder / other)


FAULTS = [
    Fault(IMAGENET_LIST, "no list", remove("val.txt"), "there is no .txt list with a line 'name number'"),
    Fault(
        IMAGENET_LIST, "unknown class", put("val.txt", f"{VAL_1} 9"), "names class 9, but there are 3 classes, 0 to 2"
    ),
    Fault(
        IMAGENET_LIST, "unknown synset", put("val.txt", f"{VAL_1} n00000009"), "names class n00000009, but there are 3"
    ),
    Fault(IMAGENET_LIST, "picture without line", picture("x.png"), "x.png: there is no line in val.txt"),
    Fault(
        IMAGENET_LIST,
        "line without picture",
        put("val.txt", f"{VAL_1} 0\nx.png 0"),
        "line 2 names x.png, which is missing",
    ),
    Fault(IMAGENET_LIST, "no overlap", put("val.txt", "x.png 0\ny.png 0"), "none of its 2 names is a picture here"),
    Fault(IMAGENET_LIST, "twice", put("val.txt", f"{VAL_1} 0\n{VAL_1} 1"), f"line 2 names {VAL_1} again"),
    Fault(
        IMAGENET_LIST,
        "encoding",
        put_bytes("val.txt", b"a.jpg 1\n\xdc.jpg 0\n"),
        "val.txt: line 2 is not in UTF-8. Save",
    ),
    Fault(
        IMAGENET_LIST,
        "encoding of names",
        put_bytes("synset_words.txt", LATIN1),
        "synset_words.txt: line 1 is not in UTF-8",
    ),
    Fault(
        CIFAR, "no batch", remove("test_batch", "data_batch_1"), "there is no data_batch_1, test_batch, train or test"
    ),
    Fault(CIFAR, "no class names", remove("batches.meta"), "there is no batches.meta or meta"),
    Fault(
        CIFAR,
        "unknown class",
        lambda folder: layouts.cifar(folder, labels=(0, 3)),
        "picture 1 names class 3, but there are 3",
    ),
    Fault(
        CIFAR,
        "fewer labels",
        put_bytes("test_batch", pickle.dumps({"data": layouts.cifar_pictures(), "labels": [1]})),
        "values with 1 labels",
    ),
    Fault(CIFAR, "no pickle", put_bytes("test_batch", b"text"), "test_batch: this pickle is damaged. Fetch it again"),
    Fault(CIFAR, "damaged names", put_bytes("batches.meta", b"\x80\x02}"), "batches.meta: this pickle is damaged"),
    Fault(
        CIFAR,
        "names of another form",
        put_bytes("batches.meta", pickle.dumps({})),
        "it holds no list named label_names",
    ),
    Fault(
        MNIST_IDX,
        "no pictures",
        remove("t10k-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz"),
        "there is no file such as t10k-images",
    ),
    Fault(
        MNIST_IDX,
        "no labels",
        remove("t10k-labels-idx1-ubyte.gz"),
        "its labels are missing. Put t10k-labels-idx1-ubyte.gz",
    ),
    Fault(MNIST_IDX, "unknown class", put("labels.txt", "zero\none"), "label 0 names class 4, but there are 2 classes"),
    Fault(
        MNIST_IDX,
        "fewer labels",
        put_bytes("t10k-labels-idx1-ubyte.gz", gzip.compress(layouts.idx_bytes(np.zeros(2)))),
        "holds 3 pictures, but t10k-labels-idx1-ubyte.gz holds 2 labels",
    ),
    Fault(MNIST_IDX, "no gzip", put_bytes("t10k-images-idx3-ubyte.gz", b"text"), "this file is damaged"),
    Fault(MNIST_IDX, "encoding of names", put_bytes("labels.txt", LATIN1), "labels.txt: line 1 is not in UTF-8"),
    Fault(
        SEMANTIC_FOLDER, "no masks", remove("Masks"), "there is no folder Images with pictures beside a folder Masks"
    ),
    Fault(
        SEMANTIC_FOLDER,
        "no classes",
        remove("dataset_meta.json"),
        "there is no dataset_meta.json, and the masks are not",
    ),
    Fault(SEMANTIC_FOLDER, "unknown class", mask("Masks/a.png", 3), "this mask holds 3, but the classes are 0, 1, 2"),
    Fault(SEMANTIC_FOLDER, "picture without mask", picture("Images/x.jpg"), "Images/x.jpg: there is no mask"),
    Fault(SEMANTIC_FOLDER, "mask without picture", mask("Masks/x.png"), "Masks/x.png: there is no picture x"),
    Fault(
        SEMANTIC_FOLDER,
        "no overlap",
        both(remove("Masks"), mask("Masks/x.png")),
        "none of its 1 names is a picture here, the first is x.png",
    ),
    Fault(SEMANTIC_FOLDER, "twice", picture("Images/b.png"), "Images/b.png: Images/b.jpg has the same name"),
    Fault(
        SEMANTIC_FOLDER,
        "encoding",
        put_bytes("dataset_meta.json", b'{"labels": ["\xdc"]}'),
        "dataset_meta.json: line 1 is not in UTF-8",
    ),
    Fault(CITYSCAPES, "no masks", remove("gtFine"), "there is no gtFine/<split>/<city>/*_gtFine_labelIds.png"),
    Fault(CITYSCAPES, "no pictures", remove("imgsFine"), "there is no leftImg8bit/<split>/<city>/*_leftImg8bit.png"),
    Fault(CITYSCAPES, "unknown class", mask(BONN, 40), "this mask holds 40, but the classes are 0 to 33 and 255"),
    Fault(CITYSCAPES, "picture without mask", remove(BONN), "000019_leftImg8bit.png: there is no mask"),
    Fault(
        CITYSCAPES,
        "mask without picture",
        mask(BONN.replace("019", "020")),
        "there is no picture of bonn/bonn_000000_000020",
    ),
    Fault(
        CITYSCAPES, "no overlap", rename("gtFine/val/bonn", "gtFine/val/ulm"), "none of its 2 names is a picture here"
    ),
    Fault(
        CITYSCAPES,
        "damaged mask",
        put_bytes(BONN, b"\x89PNG"),
        "000019_gtFine_labelIds.png: cannot be read (it is no picture)",
    ),
    Fault(LFW, "no pairs", remove("Annotations"), "there is no pairs.txt"),
    Fault(LFW, "no pictures", remove("Images"), "there is no folder of pictures for every person"),
    Fault(
        LFW,
        "pair without picture",
        put("Annotations/pairs.txt", "Ann_Lee 1 2\nAnn_Lee 1 7"),
        "line 2 names picture 7 of Ann_Lee, which is missing",
    ),
    Fault(LFW, "no overlap", put("Annotations/pairs.txt", "Carl 1 2"), "none of its 2 names is a picture here"),
    Fault(LFW, "twice", put("Annotations/pairs.txt", "Ann_Lee 1 2\nAnn_Lee 1 2"), "line 2 repeats the pair of line 1"),
    Fault(LFW, "encoding", put_bytes("Annotations/pairs.txt", LATIN1), "pairs.txt: line 1 is not in UTF-8"),
    Fault(VGG_FACE, "no tables", remove("Annotations"), "there is no loose_bb_test.csv or loose_landmark_test.csv"),
    Fault(VGG_FACE, "picture without row", picture("Images/n1/x.jpg"), "Images/n1/x.jpg: there is no row for it"),
    Fault(
        VGG_FACE,
        "row without picture",
        put("Annotations/loose_bb_test.csv", "x/1,1,2,3,4"),
        "line 1 names x/1, which is missing",
    ),
    Fault(
        VGG_FACE,
        "no overlap",
        both(put("Annotations/loose_bb_test.csv", "x/1,1,2,3,4"), remove("Annotations/loose_landmark_test.csv")),
        "none of its 1 names is a picture here, the first is x/1",
    ),
    Fault(
        VGG_FACE,
        "twice",
        put("Annotations/loose_bb_test.csv", "n000001/0001_01,1,2,3,4\n" * 2),
        "line 2 names n000001/0001_01 again",
    ),
    Fault(
        VGG_FACE,
        "encoding",
        put_bytes("Annotations/loose_bb_test.csv", LATIN1),
        "loose_bb_test.csv: line 1 is not in UTF-8",
    ),
    Fault(SUPER_RESOLUTION, "no large ones", remove("HR"), "there is no folder HR with pictures"),
    Fault(SUPER_RESOLUTION, "no small ones", remove("LR"), "there is no folder LR with pictures"),
    Fault(SUPER_RESOLUTION, "small one alone", picture("LR/x.png"), "LR/x.png: there is no large picture in HR"),
    Fault(SUPER_RESOLUTION, "large one alone", picture("HR/x.png"), "HR/x.png: there is no small picture x in LR"),
    Fault(
        SUPER_RESOLUTION,
        "no overlap",
        both(remove("LR"), picture("LR/x.png")),
        "none of its 1 names is a picture here, the first is x.png",
    ),
    Fault(SUPER_RESOLUTION, "twice", picture("LR/0801.jpg"), "LR/0801.png: LR/0801.jpg has the same name"),
    Fault(
        SUPER_RESOLUTION,
        "damaged",
        put_bytes("HR/0801.png", b"\x89PNG"),
        "HR/0801.png: cannot be read (it is no picture)",
    ),
    Fault(TEXT_LINES, "no list", remove("rec_gt.txt"), "there is no list such as rec_gt.txt"),
    Fault(TEXT_LINES, "picture without line", picture("x.png"), "x.png: there is no line in rec_gt.txt"),
    Fault(
        TEXT_LINES,
        "line without picture",
        put("rec_gt.txt", "word_1.png\ta\nx.png\tb"),
        "line 2 names x.png, which is missing",
    ),
    Fault(
        TEXT_LINES,
        "no overlap",
        put("rec_gt.txt", "x.png\tb"),
        "none of its 1 names is a picture here, the first is x.png",
    ),
    Fault(TEXT_LINES, "twice", put("rec_gt.txt", "word_1.png\ta\nword_1.png\tb"), "line 2 names word_1.png again"),
    Fault(
        TEXT_LINES,
        "encoding",
        put_bytes("rec_gt.txt", b"word_1.png\t\xdcbung"),
        "rec_gt.txt: line 1 is not in UTF-8. Save the file",
    ),
]


def said(format_, folder):
    """The sentences that a person gets to see: of the error, or of the problems and of the samples' truth."""
    try:
        listing = format_.read(Layout(folder), ReadOptions())
        problems = list(map(str, listing.problems))
        for i in range(len(listing)):
            listing.truth(i)
    except DatasetError as error:
        return [str(error)]
    return problems


@pytest.mark.parametrize("format_", WRITERS, ids=lambda each: each.name)
def test_a_good_dataset_is_silent_and_known_by_its_own_format_only(tmp_path, format_):
    WRITERS[format_](tmp_path)
    assert said(format_, tmp_path) == []
    assert [each.name for each in WRITERS if not each.broken(Layout(tmp_path))] == [format_.name]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_told_in_one_sentence(tmp_path, fault):
    folder = WRITERS[fault.format](tmp_path / "set")
    fault.damage(folder)
    matching = [each for each in said(fault.format, folder) if fault.sentence in each]
    assert len(matching) == 1, said(fault.format, folder)
    assert "\n" not in matching[0]


@pytest.mark.parametrize("format_", WRITERS, ids=lambda each: each.name)
def test_an_empty_and_a_missing_folder_keep_no_rule_and_are_told(tmp_path, format_):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        assert format_.broken(Layout(tmp_path / name))[0] == format_.rules[0]
        [sentence] = said(format_, tmp_path / name)
        assert re.search(r"there is no .*\.$", sentence)


@pytest.mark.parametrize("format_", WRITERS, ids=lambda each: each.name)
def test_a_split_that_is_not_there_is_told(tmp_path, format_):
    WRITERS[format_](tmp_path)
    with pytest.raises(DatasetError, match="there is no split moon"):
        format_.read(Layout(tmp_path), ReadOptions(split="moon"))


NAMES = {
    IMAGENET_LIST: ("val.txt", VAL_1),
    LFW: ("Annotations/pairs.txt", "Ann_Lee"),
    VGG_FACE: ("Annotations/loose_landmark_test.csv", "n000001/0001_01"),
    TEXT_LINES: ("rec_gt.txt", "crops/word_1.png"),
}
WORDS = st.sampled_from(
    [" ", "\t", ",", '"', "\\", "\n", "\r", "\0", "1", "2", "-3", "nan", "1e999", "9" * 30, "n01440764", "/", "."]
)


@pytest.mark.parametrize("format_", NAMES, ids=lambda each: each.name)
@given(st.data())
def test_any_text_in_a_list_is_read_or_told(tmp_path_factory, format_, data):
    folder = WRITERS[format_](tmp_path_factory.mktemp("set"))
    path, name = NAMES[format_]
    parts = data.draw(st.lists(st.just(name) | WORDS | st.text(max_size=4), max_size=24))
    write(folder / path, "".join(parts))
    for sentence in said(format_, folder):
        assert sentence


@pytest.mark.parametrize("format_", NAMES, ids=lambda each: each.name)
@given(st.binary(max_size=60))
def test_any_bytes_in_a_list_are_read_or_told(tmp_path_factory, format_, data):
    folder = WRITERS[format_](tmp_path_factory.mktemp("set"))
    (folder / NAMES[format_][0]).write_bytes(data)
    said(format_, folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 300) | st.text(max_size=3) | st.just("cat"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["0", "1", "2", "-1", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["label_map", "labels", "segmentation_colors", "background_label"]), JSON))
def test_any_list_of_classes_is_read_or_told(tmp_path_factory, meta):
    folder = layouts.semantic(tmp_path_factory.mktemp("set"))
    write(folder / "dataset_meta.json", json.dumps(meta))
    said(SEMANTIC_FOLDER, folder)

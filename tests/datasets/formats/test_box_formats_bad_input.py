"""What the formats with boxes say of broken datasets: one clear sentence, or problems that name what was left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts_with_boxes import (
    coco_data,
    draw,
    write,
    write_coco,
    write_darknet,
    write_open_images,
    write_ultralytics,
    write_voc,
    write_wider_face,
    write_yolo_pairs,
)

from calibench.datasets.formats.coco import COCO
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.formats.open_images import OPEN_IMAGES
from calibench.datasets.formats.voc import VOC
from calibench.datasets.formats.wider_face import WIDER_FACE
from calibench.datasets.formats.yolo import YOLO
from calibench.datasets.listing import Listing, ReadOptions
from calibench.errors import DatasetError

Writer = Callable[[Path], Path]
SETS: dict[str, tuple[Format, Writer, str]] = {
    "coco": (COCO, write_coco, "annotations/instances_val2017.json"),
    "voc": (VOC, write_voc, "Annotations/a.xml"),
    "ultralytics": (YOLO, write_ultralytics, "data.yaml"),
    "darknet": (YOLO, write_darknet, "obj.data"),
    "pairs": (YOLO, write_yolo_pairs, "a.txt"),
    "open-images": (OPEN_IMAGES, write_open_images, "annotations.csv"),
    "wider-face": (WIDER_FACE, write_wider_face, "Annotations/wider_face_val_bbx_gt.txt"),
}
"""Name -> format, how to write a small set, and the file with its annotations."""


def read(format_: Format, folder: Path, **options: Any) -> Listing:
    listing = format_.read(Layout(folder), ReadOptions(**options))
    for number in range(len(listing)):
        listing.truth(number)
    return listing


def refusal(format_: Format, folder: Path, **options: Any) -> str:
    with pytest.raises(DatasetError) as raised:
        read(format_, folder, **options)
    file = next((file for known, _, file in SETS.values() if known == format_ and (folder / file).exists()), "none")
    message = str(raised.value).replace(str(folder / file), "FILE").replace(str(folder), "DIR")
    assert "\n" not in message and message.endswith(".") and len(message) < 400
    return message


@pytest.mark.parametrize("name", SETS)
def test_a_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    assert refusal(SETS[name][0], tmp_path / "none") == (
        "DIR: there is no such folder. Give the folder that holds the pictures."
    )


@pytest.mark.parametrize("name", SETS)
def test_an_empty_folder_breaks_the_first_rule(tmp_path: Path, name: str) -> None:
    format_ = SETS[name][0]
    assert format_.broken(Layout(tmp_path))[0] == format_.rules[0]


def forget(*files: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        for pattern in files:
            for path in folder.glob(pattern):
                path.unlink()

    return act


def put(file: str, text: str) -> Callable[[Path], None]:
    return lambda folder: void(write(folder / file, text))


def put_bytes(file: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: void((folder / file).write_bytes(data))


def void(_: object) -> None: ...


COCO_FILE, WIDER_FILE = SETS["coco"][2], SETS["wider-face"][2]


def coco(**parts: Any) -> Callable[[Path], None]:
    return put(COCO_FILE, json.dumps(coco_data() | parts))


REFUSED: list[tuple[str, str, Callable[[Path], None], str]] = [
    (
        "coco",
        "no annotation file",
        forget("annotations/*"),
        "DIR: it has no annotations/instances_*.json. Add COCO's annotation file.",
    ),
    (
        "coco",
        "no pictures",
        forget("images/*/*"),
        "DIR: annotations/instances_val2017.json names 3 pictures, such as a.jpg, "
        "but none of them is among the 0 pictures there. Put the pictures beside their annotations.",
    ),
    (
        "coco",
        "cut file",
        put(COCO_FILE, '{"images": [{"id": 1'),
        "FILE: this is no whole JSON file (expecting ',' delimiter at line 1, column 21). Copy it again.",
    ),
    (
        "coco",
        "another JSON",
        put(COCO_FILE, "[1, 2]"),
        "FILE: it has no list of images. COCO's file holds images, annotations and categories.",
    ),
    ("coco", "deep JSON", put(COCO_FILE, "[" * 100_000), "FILE: this is no JSON file of COCO's form. Copy it again."),
    (
        "coco",
        "wrong part",
        coco(annotations={"1": 2}),
        "FILE: its annotations are no list. COCO's file holds images, annotations and categories.",
    ),
    (
        "coco",
        "no categories",
        coco(categories=[]),
        "FILE: it defines no categories. Add the list of categories with id and name.",
    ),
    (
        "coco",
        "encoding",
        put_bytes(COCO_FILE, b'{"images": ["caf\xe9"]}'),
        "FILE: line 1 is not in UTF-8. Save the file as UTF-8.",
    ),
    (
        "voc",
        "no annotation file",
        forget("Annotations/*"),
        "DIR: it has no Annotations/*.xml. Add the annotations of Pascal VOC.",
    ),
    (
        "voc",
        "no pictures",
        forget("JPEGImages/*"),
        "DIR: none of its 3 names is a picture here, the first is a. Put the pictures into JPEGImages.",
    ),
    (
        "voc",
        "empty list",
        put("ImageSets/Main/val.txt", "\n"),
        "DIR: its list of pictures is empty. Name one picture a line.",
    ),
    (
        "voc",
        "list of others",
        put("ImageSets/Main/val.txt", "x\ny\n"),
        "DIR: none of its 2 names is a picture here, the first is x. Put the pictures into JPEGImages.",
    ),
    (
        "voc",
        "encoding of the list",
        put_bytes("ImageSets/Main/val.txt", b"caf\xe9\n"),
        "DIR/ImageSets/Main/val.txt: line 1 is not in UTF-8. Save the file as UTF-8.",
    ),
    (
        "voc",
        "bad label map",
        put("labelmap.txt", "dog:1,2::\n"),
        "DIR/labelmap.txt: line 1 is no new class with a colour. Write name:r,g,b:: and each once.",
    ),
    (
        "ultralytics",
        "no settings",
        forget("data.yaml"),
        "DIR: it has no data.yaml, obj.data or classes.txt. Add the names of the classes.",
    ),
    (
        "ultralytics",
        "no labels",
        forget("labels/*/*"),
        "DIR: none of its 3 pictures has a label file, the first is images/val/a.jpg. "
        "Put a .txt beside each, or into labels/ where the pictures are in images/.",
    ),
    (
        "ultralytics",
        "no pictures",
        forget("images/*/*"),
        "FILE: its folder images/val, for val, holds no pictures. Correct the path.",
    ),
    (
        "ultralytics",
        "broken settings",
        put("data.yaml", "val: images/val\nnames: [dog\n"),
        "FILE: this is no YAML at line 3. Correct it.",
    ),
    (
        "ultralytics",
        "aliases, which can stand for any number of values",
        put("data.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nval: images/val\nnames: *b\n"),
        "FILE: this is no YAML at line 2 (an alias is not read; write its values out). Correct it.",
    ),
    (
        "ultralytics",
        "names as a text",
        put("data.yaml", "val: images/val\nnames: dog\n"),
        "FILE: its names are no list and no numbers with names. Write names: [dog, cat].",
    ),
    (
        "ultralytics",
        "encoding",
        put_bytes("data.yaml", b"val: images/val\nnames: [caf\xe9]\n"),
        "FILE: line 2 is not in UTF-8. Save the file as UTF-8.",
    ),
    ("darknet", "no names", forget("obj.names"), "FILE: its file of names, 'data/obj.names', is not there. Add it."),
    ("darknet", "no list", forget("valid.txt"), "FILE: its list data/valid.txt, for valid, is not there. Add it."),
    (
        "darknet",
        "list of others",
        put("valid.txt", "x.jpg\n"),
        "DIR/valid.txt: none of its 1 names is a picture here, "
        "the first is x.jpg. Put the pictures where the list says.",
    ),
    (
        "pairs",
        "empty names",
        put("classes.txt", "\n"),
        "DIR/classes.txt: this file is empty. List one class name a line, in order.",
    ),
    (
        "open-images",
        "no annotation file",
        forget("annotations.csv"),
        "DIR: it has no annotations.csv with columns ImageID, LabelName, XMin, YMin, XMax, YMax. Add it.",
    ),
    (
        "open-images",
        "no classes",
        forget("class-*"),
        "DIR: it has no class-descriptions-boxable.csv. Add the names of the classes.",
    ),
    (
        "open-images",
        "no pictures",
        forget("Images/*"),
        "FILE: none of its 2 names is a picture here, the first is a. Put the pictures into Images/.",
    ),
    (
        "open-images",
        "no column",
        put("annotations.csv", "ImageID,XMin\na,1\n"),
        "FILE: its first line has no column LabelName. It needs ImageID, LabelName, XMin, YMin, XMax, YMax.",
    ),
    (
        "open-images",
        "no rows",
        put("annotations.csv", "ImageID,LabelName,XMin,XMax,YMin,YMax\n"),
        "FILE: it has no rows. Add a line for every box.",
    ),
    (
        "open-images",
        "encoding",
        put_bytes("annotations.csv", b"ImageID\ncaf\xe9\n"),
        "FILE: line 2 is not in UTF-8. Save the file as UTF-8.",
    ),
    (
        "open-images",
        "empty classes",
        put("class-descriptions-boxable.csv", "LabelName,DisplayName\n"),
        "DIR/class-descriptions-boxable.csv: it names no class. Write lines such as /m/01yrx,Cat.",
    ),
    (
        "wider-face",
        "no annotation file",
        forget("Annotations/*"),
        "DIR: it has no wider_face_val_bbx_gt.txt. Add the file with the faces.",
    ),
    (
        "wider-face",
        "no pictures",
        forget("Images/*/*"),
        "FILE: none of its 3 names is a picture here, "
        "the first is 0--Parade/0_Parade_1.jpg. Put the pictures into Images/.",
    ),
    (
        "wider-face",
        "empty file",
        put(WIDER_FILE, "\n"),
        "FILE: it names no picture. Write the path of a picture, the number of its faces, and a line for each.",
    ),
    (
        "wider-face",
        "encoding",
        put_bytes(WIDER_FILE, b"caf\xe9/a.jpg\n0\n"),
        "FILE: line 1 is not in UTF-8. Save the file as UTF-8.",
    ),
]


@pytest.mark.parametrize(("name", "fault", "act", "sentence"), REFUSED, ids=[f"{row[0]}, {row[1]}" for row in REFUSED])
def test_what_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, name: str, fault: str, act: Callable[[Path], None], sentence: str
) -> None:
    format_, writer, _ = SETS[name]
    act(writer(tmp_path))
    assert refusal(format_, tmp_path) == sentence


IMAGES = coco_data()["images"]
ANNOTATIONS = coco_data()["annotations"]
OTHER = {"id": 9, "image_id": 100, "category_id": 17, "bbox": [1, 2, 3, 4], "iscrowd": 0}


def another(change: dict[str, Any]) -> Callable[[Path], None]:
    """One annotation more, with something changed."""
    return coco(annotations=[*ANNOTATIONS, OTHER | change])


REPORTED: list[tuple[str, str, Callable[[Path], None], str]] = [
    (
        "coco",
        "unknown class",
        another({"category_id": 81}),
        "FILE: annotation 9 names category 81, but the file defines 17, 18",
    ),
    (
        "coco",
        "class as a text",
        another({"category_id": "17"}),
        "FILE: annotation 9 names category '17', but the file defines 17, 18",
    ),
    ("coco", "unknown image", another({"image_id": 7}), "FILE: annotation 9 belongs to image 7, which is not listed"),
    (
        "coco",
        "image as a list",
        another({"image_id": [7]}),
        "FILE: annotation 9 belongs to image [7], which is not listed",
    ),
    ("coco", "no box", another({"bbox": [1, 2, 3]}), "FILE: annotation 9 has no bbox of four numbers"),
    ("coco", "box of texts", another({"bbox": "abcd"}), "FILE: annotation 9 has no bbox of four numbers"),
    ("coco", "empty box", another({"bbox": [1, 2, 0, 4]}), "FILE: annotation 9 has an empty box"),
    ("coco", "box far outside", another({"bbox": [64, 2, 3, 4]}), "FILE: annotation 9 has a box outside its picture"),
    (
        "coco",
        "no object at all",
        coco(annotations=[*ANNOTATIONS, 7]),
        "FILE: annotation number 4 belongs to image None, which is not listed",
    ),
    (
        "coco",
        "image without a file",
        forget("images/val2017/a.jpg"),
        "FILE: image 100 names a.jpg, which is not there, its 2 annotations are left out",
    ),
    (
        "coco",
        "image number twice",
        coco(images=[*IMAGES, IMAGES[0] | {"file_name": "x.jpg"}]),
        "FILE: image 100 is defined twice, a.jpg is kept",
    ),
    (
        "coco",
        "image name twice",
        coco(images=[*IMAGES, IMAGES[0] | {"id": 7}]),
        "FILE: image 7 names images/val2017/a.jpg again",
    ),
    (
        "coco",
        "image without a name",
        coco(images=[*IMAGES, {"id": 7}]),
        "FILE: image number 4 has no id or no file_name",
    ),
    (
        "coco",
        "category twice",
        coco(categories=[*coco_data()["categories"], {"id": 17, "name": "x"}]),
        "FILE: category 17 is defined twice, 'cat' is kept",
    ),
    (
        "coco",
        "picture without entry",
        lambda folder: void(draw(folder / "images/val2017/z.jpg")),
        "images/val2017/z.jpg: is not named in FILE",
    ),
    (
        "voc",
        "no whole XML",
        put("Annotations/a.xml", "<annotation>"),
        "FILE: is no whole XML file (no element found: line 1, column 12)",
    ),
    ("voc", "another XML", put("Annotations/a.xml", "<html></html>"), "FILE: does not begin with <annotation>"),
    (
        "voc",
        "encoding",
        put_bytes("Annotations/a.xml", b"<annotation><object><name>caf\xe9</name></object></annotation>"),
        "FILE: is not UTF-8 text and names no encoding, save the file as UTF-8",
    ),
    (
        "voc",
        "bomb",
        put("Annotations/a.xml", '<!DOCTYPE a [<!ENTITY b "dog">]><annotation>&b;</annotation>'),
        "FILE: is no whole XML file (it defines entities)",
    ),
    ("voc", "picture without annotation", forget("Annotations/a.xml"), "JPEGImages/a.jpg: there is no XML file"),
    (
        "voc",
        "annotation without picture",
        forget("JPEGImages/a.jpg"),
        "ImageSets/Main/val.txt: names picture a, which is not there",
    ),
    (
        "voc",
        "name twice",
        put("ImageSets/Main/val.txt", "a\nb\na\n"),
        "ImageSets/Main/val.txt: names JPEGImages/a.jpg again",
    ),
    (
        "ultralytics",
        "encoding",
        put_bytes("labels/val/a.txt", b"0 0.5 0.5 1 1\n\xff\n"),
        "labels/val/a.txt: line 2 is not in UTF-8. Save the file as UTF-8",
    ),
    (
        "ultralytics",
        "no text",
        put("labels/val/a.txt", "0 0 0 0 0\0"),
        "labels/val/a.txt: this is no text. Save the file as UTF-8",
    ),
    (
        "darknet",
        "name twice",
        put("valid.txt", "obj_valid_data/a.jpg\nobj_valid_data/a.jpg\n"),
        "valid.txt: line 2 names obj_valid_data/a.jpg again",
    ),
    ("pairs", "label file without picture", forget("a.jpg"), "FILE: there is no picture of this name"),
    (
        "open-images",
        "picture without row",
        lambda folder: void(draw(folder / "Images/z.jpg")),
        "Images/z.jpg: there is no line in FILE",
    ),
    (
        "wider-face",
        "picture missing",
        forget("Images/*/0_Parade_1.jpg"),
        "FILE: line 1 names 0--Parade/0_Parade_1.jpg, which is not there",
    ),
]


@pytest.mark.parametrize(
    ("name", "fault", "act", "sentence"), REPORTED, ids=[f"{row[0]}, {row[1]}" for row in REPORTED]
)
def test_what_is_left_out_is_named_and_the_rest_is_read(
    tmp_path: Path, name: str, fault: str, act: Callable[[Path], None], sentence: str
) -> None:
    format_, writer, _ = SETS[name]
    act(writer(tmp_path))
    listing = read(format_, tmp_path)
    file = SETS[name][2].removeprefix("annotations/")  # COCO's file is named without its folder
    assert sentence in [str(problem).replace(file, "FILE") for problem in listing.problems]
    assert len(listing) >= 1
    assert sum(len(listing.truth(number).objects.boxes) for number in range(len(listing))) >= 1  # type: ignore[union-attr]


@pytest.mark.parametrize("name", SETS)
def test_a_byte_order_mark_changes_nothing(tmp_path: Path, name: str) -> None:
    format_, writer, file = SETS[name]
    path = writer(tmp_path) / file
    before = read(format_, tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    after = read(format_, tmp_path)
    assert (after.names, after.classes, after.problems) == (before.names, before.classes, before.problems)


@pytest.mark.parametrize("name", SETS)
def test_a_labels_file_with_other_names_is_refused(tmp_path: Path, name: str) -> None:
    format_, writer, _ = SETS[name]
    labels = write(tmp_path / "names/of_the_model.txt", "ship\nhouse\n")
    message = refusal(format_, writer(tmp_path / "set"), labels=labels)
    assert "of_the_model.txt" in message and "is not among its 2 names" in message


@pytest.mark.parametrize("name", SETS)
def test_an_unknown_split_names_what_there_is(tmp_path: Path, name: str) -> None:
    format_, writer, _ = SETS[name]
    assert "'nightly'" in refusal(format_, writer(tmp_path), split="nightly")


@pytest.mark.parametrize("name", ["coco", "ultralytics", "pairs", "open-images", "wider-face"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_bytes_give_a_listing_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    format_, writer, file = SETS[name]
    folder = writer(tmp_path_factory.mktemp("set"))
    for target in (file, *(("labels/val/a.txt",) if name == "ultralytics" else ())):
        path = folder / target
        path.write_bytes(damaged(path.read_bytes(), data))
    assert_read_or_refused(format_, folder)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_xml_gives_a_listing_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = write_voc(tmp_path_factory.mktemp("set"))
    path = folder / "Annotations/a.xml"
    path.write_bytes(damaged(path.read_bytes(), data))
    assert_read_or_refused(VOC, folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "size", "counts", "name"]), inner)
    ),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_at_any_place_of_a_coco_file_gives_a_listing_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = coco_data(masks=True)
    for _ in range(data.draw(st.integers(1, 3))):
        place = content[data.draw(st.sampled_from(["images", "annotations", "categories"]))]
        entry = place[data.draw(st.integers(0, len(place) - 1))]
        if isinstance(entry, dict):
            entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(JSON)
    folder = write_coco(tmp_path_factory.mktemp("set"))
    write(folder / "annotations/instances_val2017.json", json.dumps(content))
    assert_read_or_refused(COCO, folder)


def damaged(content: bytes, data: st.DataObject) -> bytes:
    """A few bytes replaced, taken out, doubled, or the end cut off."""
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(content)))
        last = data.draw(st.integers(first, min(first + 20, len(content))))
        piece = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b"-", b"9" * 30, b"nan", b"\n", content[first:last] * 2]))
        )
        content = content[:first] + piece + content[last:]
    return content[: data.draw(st.integers(len(content) // 2, len(content)))]


def assert_read_or_refused(format_: Format, folder: Path) -> None:
    try:
        listing = read(format_, folder)
    except DatasetError as error:
        assert "\n" not in str(error)
    else:
        assert len(set(listing.names)) == len(listing) > 0
        for problem in listing.problems:
            assert "\n" not in str(problem)
        for number in range(len(listing)):
            objects = listing.truth(number).objects
            assert objects is None or (objects.labels < len(listing.classes)).all()


def test_the_small_sets_have_no_problems(tmp_path: Path) -> None:
    """So what the tests above see comes from what they break."""
    for name, (format_, writer, _) in SETS.items():
        listing = read(format_, writer(tmp_path / name))
        assert [problem for problem in listing.problems if "c.jpg" not in problem.where] == []

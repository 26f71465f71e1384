"""Pascal VOC as it comes, with its quirks."""

from pathlib import Path

import numpy as np
import pytest
from layouts_with_boxes import THREE, draw, voc_object, voc_text, write, write_voc
from PIL import Image

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.voc import VOC, VOC_CLASSES
from calibench.datasets.formats.voc_masks import voc_palette
from calibench.datasets.listing import Listing, ReadOptions
from calibench.errors import DatasetError

DOG, CAT = VOC_CLASSES.index("dog"), VOC_CLASSES.index("cat")


def read(folder: Path, **options: object) -> Listing:
    layout = Layout(folder)
    assert not VOC.broken(layout)
    return VOC.read(layout, ReadOptions(**options))  # type: ignore[arg-type]


def sentences(listing: Listing) -> list[str]:
    return sorted(map(str, listing.problems))


def save_mask(path: Path, rows: np.ndarray, colors: dict[tuple[int, int, int], int] | None) -> None:
    """A palette PNG; without colours a gray one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.fromarray(rows.astype(np.uint8), "L")
    if colors is not None:
        mask = Image.fromarray(rows.astype(np.uint8), "P")
        flat = [0] * 768
        for color, number in colors.items():
            flat[3 * number : 3 * number + 3] = color
        flat[765:768] = (224, 224, 192)
        mask.putpalette(flat)
    mask.save(path)


def test_without_a_label_map_the_names_of_voc_keep_their_order(tmp_path: Path) -> None:
    listing = read(write_voc(tmp_path))

    assert listing.names == ("JPEGImages/a.jpg", "JPEGImages/b.jpg", "JPEGImages/c.jpg")
    assert listing.picture(1) == tmp_path / "JPEGImages/b.jpg"
    assert (listing.classes, listing.label_source) == (VOC_CLASSES, "the order of Pascal VOC")
    assert listing.annotated == {"objects"}
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.tolist() == [[1, 2, 11, 22], [20, 10, 60, 40]]
    assert objects.labels.tolist() == [DOG, CAT]
    assert len(listing.truth(2).objects.boxes) == 0  # type: ignore[union-attr]
    assert not listing.problems


def test_other_names_come_in_alphabetical_order_from_the_annotations(tmp_path: Path) -> None:
    listing = read(write_voc(tmp_path, {"a": [("zebra", 1, 2, 11, 22), ("ant:x", 3, 4, 5, 6)]}))
    assert listing.classes == ("ant:x", "zebra")
    assert listing.truth(0).objects.labels.tolist() == [1, 0]  # type: ignore[union-attr]
    assert listing.label_source == "the alphabet: the names in the annotations"


def test_a_label_map_sets_the_order_and_what_it_lacks_is_reported(tmp_path: Path) -> None:
    write_voc(tmp_path)
    write(tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndog:128,0,0::\n")

    listing = read(tmp_path)

    assert listing.classes == ("background", "dog")
    assert listing.truth(0).objects.labels.tolist() == [1]  # type: ignore[union-attr]
    assert sentences(listing) == [
        "Annotations/a.xml: object 2 names class 'cat', which the label map does not define",
    ]


def test_difficult_objects_do_not_count(tmp_path: Path) -> None:
    objects = read(write_voc(tmp_path, extra="<difficult>1</difficult>")).truth(0).objects
    assert objects is not None and objects.is_ignored.tolist() == [True, True]


def test_parts_of_a_person_are_no_objects(tmp_path: Path) -> None:
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    listing = read(write_voc(tmp_path, extra=part))
    assert len(listing.truth(0).objects.boxes) == 2  # type: ignore[union-attr]
    assert not listing.problems


@pytest.mark.parametrize(
    ("lists", "split", "count"),
    [
        (("Main/val", "Main/train"), None, 2),
        (("Main/trainval",), None, 2),
        (("Main/test", "Main/train"), None, 2),
        (("Main/dog_val", "Main/val"), None, 2),
        ((), None, 3),
        (("Main/train", "Main/val"), "train", 2),
    ],
)
def test_the_list_of_the_split_names_the_pictures(
    tmp_path: Path, lists: tuple[str, ...], split: str | None, count: int
) -> None:
    write_voc(tmp_path)
    for number, each in enumerate(lists):
        names = ("a", "b") if number == 0 or "train" not in each else ("a", "b", "c")
        write(tmp_path / f"ImageSets/{each}.txt", "\n".join(names) + "\n")
    if lists:
        for other in {"Main/val", "Main/train"} - set(lists):
            (tmp_path / f"ImageSets/{other}.txt").unlink(missing_ok=True)
    else:
        (tmp_path / "ImageSets/Main/val.txt").unlink()
    assert len(read(tmp_path, split=split)) == count


def test_a_set_below_vocdevkit_is_found_and_two_are_refused(tmp_path: Path) -> None:
    write_voc(tmp_path / "VOCdevkit/VOC2012")
    assert read(tmp_path).names[0] == "VOCdevkit/VOC2012/JPEGImages/a.jpg"

    write_voc(tmp_path / "VOCdevkit/VOC2007")
    with pytest.raises(DatasetError, match=r"it holds 2 sets \(VOCdevkit/VOC2007, VOCdevkit/VOC2012\)"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["../../elsewhere/a.jpg", "/home/me/a.jpg", "", "C:\\a.jpg"])
def test_odd_names_of_pictures_in_the_files_lose_nothing(tmp_path: Path, name: str) -> None:
    write_voc(tmp_path)
    text = (tmp_path / "Annotations/a.xml").read_text().replace("<filename>a.jpg", f"<filename>{name}")
    write(tmp_path / "Annotations/a.xml", text)
    listing = read(tmp_path)
    assert len(listing.truth(0).objects.boxes) == 2  # type: ignore[union-attr]
    assert not listing.problems


def test_a_picture_is_found_by_the_name_in_its_file_when_the_stems_differ(tmp_path: Path) -> None:
    write_voc(tmp_path, lists=())
    (tmp_path / "Annotations/a.xml").rename(tmp_path / "Annotations/0001.xml")
    listing = read(tmp_path)
    assert listing.names[0] == "JPEGImages/a.jpg"
    assert len(listing.truth(0).objects.boxes) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("<object><name>dog</name></object>", "object 1 has no bndbox of four numbers"),
        (voc_object(("dog", 1, 2, "x", 4)), "object 1 has no bndbox of four numbers"),  # type: ignore[arg-type]
        (
            voc_object(("dog", 1, 2, 9, 4), "<difficult>no</difficult>"),
            "object 1 has difficult that is neither 0 nor 1",
        ),
        (voc_object(("dog", 9, 2, 1, 4)), "object 1 has a box with a negative side"),
        (voc_object(("dog", 9, 2, 9, 4)), "object 1 has an empty box"),
        (voc_object(("dog", 1, 2, "nan", 4)), "object 1 has a box with a number that is no position"),  # type: ignore[arg-type]
        (voc_object(("dog", 70, 2, 80, 4)), "object 1 has a box outside its picture"),
        (voc_object(("", 1, 2, 9, 4)), "object 1 names no class"),
    ],
)
def test_a_broken_object_is_named_and_the_others_are_kept(tmp_path: Path, inside: str, sentence: str) -> None:
    write_voc(tmp_path)
    write(tmp_path / "Annotations/a.xml", voc_text("a", inside + voc_object(("dog", 1, 2, 9, 4))))

    listing = read(tmp_path)

    assert sentences(listing) == [f"Annotations/a.xml: {sentence}"]
    assert listing.truth(0).objects.boxes.tolist() == [[1, 2, 9, 4]]  # type: ignore[union-attr]


def test_a_box_outside_the_picture_is_cut_off_and_reported(tmp_path: Path) -> None:
    listing = read(write_voc(tmp_path, {"a": [("dog", -9, 2, 99, 40)]}))
    assert listing.truth(0).objects.boxes.tolist() == [[0, 2, 64, 40]]  # type: ignore[union-attr]
    assert sentences(listing) == [
        "Annotations/a.xml: object 1 has a box that reaches outside its picture of 64 x 48 and is cut off"
    ]


@pytest.mark.parametrize("kind", ["palette", "gray", "color"])
def test_masks_give_the_class_of_every_pixel(tmp_path: Path, kind: str) -> None:
    write_voc(tmp_path, lists=("Segmentation/val",))
    rows = np.zeros((48, 64), np.uint8)
    rows[:10], rows[10:20], rows[20:22] = 12, 8, 255
    for name in THREE:
        path = tmp_path / f"SegmentationClass/{name}.png"
        save_mask(path, rows, None if kind == "gray" else voc_palette(21))
        if kind == "color":
            Image.open(path).convert("RGB").save(path)

    listing = read(tmp_path)

    assert listing.annotated == {"objects", "pixels"}
    assert listing.classes == ("background", *VOC_CLASSES)
    assert [listing.classes[place] for place in listing.truth(0).objects.labels] == ["dog", "cat"]  # type: ignore[union-attr]
    pixels = listing.truth(0).pixels
    assert pixels is not None and pixels.dtype == np.uint8
    assert np.array_equal(pixels, rows)
    assert listing.names[0] == "JPEGImages/a.jpg"


def test_the_colours_of_a_label_map_decide_over_the_numbers_of_the_palette(tmp_path: Path) -> None:
    write_voc(tmp_path, lists=("Segmentation/val",))
    write(tmp_path / "labelmap.txt", "background:0,0,0::\ncat:10,0,0::\ndog:0,20,0::\n")
    rows = np.zeros((48, 64), np.uint8)
    rows[:10] = 7
    for name in THREE:
        save_mask(tmp_path / f"SegmentationClass/{name}.png", rows, {(0, 0, 0): 0, (0, 20, 0): 7})
    pixels = read(tmp_path).truth(0).pixels
    assert pixels is not None and pixels[0, 0] == 2 and pixels[20, 0] == 0


def test_a_mask_of_another_size_or_with_an_unknown_number_is_one_sentence(tmp_path: Path) -> None:
    write_voc(tmp_path, lists=("Segmentation/val",))
    for name, rows in (("a", np.zeros((8, 8))), ("b", np.full((48, 64), 99)), ("c", np.zeros((48, 64)))):
        save_mask(tmp_path / f"SegmentationClass/{name}.png", rows, None)
    listing = read(tmp_path)
    with pytest.raises(DatasetError, match=r"a\.png: this mask is 8 x 8"):
        listing.truth(0)
    with pytest.raises(DatasetError, match=r"b\.png: this mask holds 99, but the classes are 0 to 20"):
        listing.truth(1)


def test_the_palette_is_that_of_voc() -> None:
    colors = list(voc_palette(256))
    assert colors[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert colors[15] == (192, 128, 128)  # person
    assert colors[255] == (224, 224, 192)


@pytest.mark.parametrize("is_named", [True, False])
def test_one_stem_with_two_endings_is_ambiguous_unless_the_file_names_one(tmp_path: Path, is_named: bool) -> None:
    write_voc(tmp_path)
    draw(tmp_path / "JPEGImages/a.png")
    if not is_named:
        text = (tmp_path / "Annotations/a.xml").read_text()
        write(tmp_path / "Annotations/a.xml", text.replace("<filename>a.jpg</filename>", ""))
    listing = read(tmp_path)
    assert len(listing) == (3 if is_named else 2)
    what = "ImageSets/Main/val.txt: names picture a, which may be JPEGImages/a.jpg or JPEGImages/a.png"
    assert sentences(listing) == ([] if is_named else [what])


def test_another_size_in_the_file_than_in_the_picture_is_reported(tmp_path: Path) -> None:
    write_voc(tmp_path)
    draw(tmp_path / "JPEGImages/a.jpg", (32, 24))
    assert sentences(read(tmp_path)) == [
        "Annotations/a.xml: says 64 x 48, but JPEGImages/a.jpg has 32 x 24 pixels: "
        "its boxes may be those of another size"
    ]

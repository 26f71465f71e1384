"""ImageNet with a list file."""

import pytest
from layouts_without_boxes import draw, imagenet_list, write

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST, parse_line
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError


def read(folder, **options):
    return IMAGENET_LIST.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("a.JPEG 65", ("a.JPEG", ("65",))),
        ("val/a b.jpg\t3", ("val/a b.jpg", ("3",))),
        ("a.png,7", ("a.png", ("7",))),
        ('"a b".jpg 7 8', ("a b.jpg", ("7", "8"))),
        ('"a b.jpg" 7', ("a b.jpg", ("7",))),
        ("ILSVRC2012_val_00000001 n01440764", ("ILSVRC2012_val_00000001", ("n01440764",))),
        ("a.jpg", None),
        ("a.jpg -1", None),
        ("a.jpg 1.5", None),
        ("a.jpg cat", None),
        ("5", None),
        (" " * 5000 + "1", None),
    ],
)
def test_a_line_is_a_name_and_numbers(line, entry):
    assert parse_line(line) == entry


@pytest.mark.parametrize("separator", [" ", "\t", ",", "  "])
@pytest.mark.parametrize("inner", ["", "images", "ILSVRC2012_img_val"])
def test_pictures_get_the_class_of_the_list(tmp_path, inner, separator):
    listing = read(imagenet_list(tmp_path, inner=inner, separator=separator, bom=separator == ","))
    assert [name.rpartition("/")[2] for name in listing.names] == [f"ILSVRC2012_val_{i:08d}.JPEG" for i in (1, 2, 3)]
    assert listing.labels == (2, 0, 1)
    assert [listing.truth(i).label for i in range(3)] == [2, 0, 1]
    assert listing.classes == ("tench, Tinca tinca", "goldfish", "great white shark")
    assert listing.annotated == {"label"}
    assert listing.problems == ()
    assert listing.picture(0).is_file()
    assert not IMAGENET_LIST.broken(Layout(tmp_path))


def test_without_class_names_the_numbers_count(tmp_path):
    listing = read(imagenet_list(tmp_path, words=False))
    assert (listing.labels, listing.classes) == ((2, 0, 1), ())
    assert listing.label_source == "the numbers in val.txt"


def test_synset_ids_stand_for_their_line_among_the_class_names(tmp_path):
    imagenet_list(tmp_path)
    write(tmp_path / "val.txt", "ILSVRC2012_val_00000001.JPEG n01484850\nILSVRC2012_val_00000002.JPEG n01440764\n")
    (tmp_path / "ILSVRC2012_val_00000003.JPEG").unlink()
    assert read(tmp_path).labels == (2, 0)


def test_a_file_of_names_overrules_the_order(tmp_path):
    imagenet_list(tmp_path / "set")
    names = write(tmp_path / "names.txt", "goldfish\nother\ngreat white shark\ntench, Tinca tinca\n")
    listing = read(tmp_path / "set", labels=names)
    assert listing.labels == (2, 3, 0)
    assert listing.classes[3] == "tench, Tinca tinca"
    with pytest.raises(DatasetError, match="class goldfish of the dataset is not among its 1 names"):
        read(tmp_path / "set", labels=write(tmp_path / "few.txt", "tench, Tinca tinca\n"))


def test_the_split_chooses_the_list_and_pictures_of_other_lists_are_no_problem(tmp_path):
    imagenet_list(tmp_path)
    draw(tmp_path / "t.JPEG")
    write(tmp_path / "train_list.txt", "t.JPEG 1\n")
    assert len(read(tmp_path)) == 3
    assert read(tmp_path).problems == ()
    assert read(tmp_path, split="train").names == ("t.JPEG",)
    with pytest.raises(DatasetError, match=r"there is no split dev\. It holds: train, val"):
        read(tmp_path, split="dev")


def test_every_line_that_does_not_fit_is_counted_and_named(tmp_path):
    imagenet_list(tmp_path)
    draw(tmp_path / "extra.png")
    name = "ILSVRC2012_val_0000000{}.JPEG"
    lines = [f"{name.format(1)} 2", "gone.JPEG 1", f"{name.format(2)} 3", "nonsense", f"{name.format(1)} 0"]
    write(tmp_path / "val.txt", "\n".join([*lines, f"{name.format(3)} 1 2"]))
    listing = read(tmp_path)
    assert listing.labels == (2, 1)
    assert sorted(map(str, listing.problems)) == [
        "extra.png: there is no line in val.txt",
        "val.txt: line 2 names gone.JPEG, which is missing",
        "val.txt: line 3 names class 3, but there are 3 classes, 0 to 2",
        "val.txt: line 4 is no 'name number': 'nonsense'",
        "val.txt: line 5 names ILSVRC2012_val_00000001.JPEG again; its first line counts",
        "val.txt: line 6 gives ILSVRC2012_val_00000003.JPEG 2 classes; the first counts",
    ]


def test_two_pictures_of_the_same_name_are_not_guessed(tmp_path):
    imagenet_list(tmp_path, inner="a")
    imagenet_list(tmp_path / "b")
    (tmp_path / "b" / "val.txt").unlink()
    with pytest.raises(DatasetError, match=r"none of its 3 names|none of its lines"):
        read(tmp_path)


def test_classes_that_count_from_one_are_refused(tmp_path):
    imagenet_list(tmp_path)
    write(tmp_path / "val.txt", "".join(f"ILSVRC2012_val_0000000{i}.JPEG {i}\n" for i in (1, 2, 3)))
    with pytest.raises(DatasetError, match=r"run from 1 to 3, but synset_words.txt names 3, which count from 0"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.1 0.1\n", "images/a.jpg\n", "just words\n", "10 300\nAnn 1 2\n", ""])
def test_other_text_files_are_no_lists(tmp_path, text):
    draw(tmp_path / "a.jpg")
    write(tmp_path / "a.txt", text)
    assert [rule.wants[:4] for rule in IMAGENET_LIST.broken(Layout(tmp_path))] == ["list"]

"""Lines of text."""

import pytest
from layouts_without_boxes import draw, text_lines, write

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST
from calibench.datasets.formats.text_lines import TEXT_LINES, parse_line
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError


def read(folder, **options):
    return TEXT_LINES.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("a/b.png\tone  two", ("a/b.png", "one  two")),
        ("a.png\tone\ttwo", ("a.png", "one\ttwo")),
        ("a.png one two", ("a.png", "one two")),
        ("a b.jpg one.jpg", ("a b.jpg", "one.jpg")),
        ('word_1.png, "Tiredness"', ("word_1.png", "Tiredness")),
        ('word_1.png, "say \\"no\\", \\\\ "', ("word_1.png", 'say "no", \\ ')),
        ("word_1.png, 42", ("word_1.png", "42")),
        ("a.png\t", ("a.png", "")),
        ("words only", None),
        ("a.png", None),
    ],
)
def test_a_line_is_a_name_and_a_text(line, entry):
    assert parse_line(line) == entry


@pytest.mark.parametrize("form", ["tab", "space", "quoted"])
@pytest.mark.parametrize("name", ["rec_gt.txt", "gt.txt", "labels.txt", "words.tsv", "rec_gt_test.txt", "crops/gt.txt"])
def test_pictures_get_their_text(tmp_path, form, name):
    listing = read(text_lines(tmp_path, form=form, name=name))
    assert listing.names == ("crops/word_1.png", "crops/word_2.png")
    assert [listing.truth(i).text for i in range(2)] == ["Hello, world", 'say "no"']
    assert listing.annotated == {"text"}
    assert listing.problems == ()
    assert not TEXT_LINES.broken(Layout(tmp_path))
    assert IMAGENET_LIST.broken(Layout(tmp_path))


def test_texts_of_digits_are_texts_where_the_name_of_the_list_says_so(tmp_path):
    draw(tmp_path / "a.png")
    write(tmp_path / "gt.txt", "a.png\t42\n")
    assert read(tmp_path).truth(0).text == "42"
    assert IMAGENET_LIST.broken(Layout(tmp_path))
    (tmp_path / "gt.txt").rename(tmp_path / "labels.txt")
    assert TEXT_LINES.broken(Layout(tmp_path))
    assert not IMAGENET_LIST.broken(Layout(tmp_path))


def test_the_split_is_part_of_the_name_and_pictures_of_other_splits_are_no_problem(tmp_path):
    text_lines(tmp_path)
    (tmp_path / "rec_gt.txt").unlink()
    write(tmp_path / "rec_gt_train.txt", "crops/word_1.png\tone\n")
    write(tmp_path / "rec_gt_val.txt", "crops/word_2.png\ttwo\n")
    assert read(tmp_path).names == ("crops/word_2.png",)
    assert read(tmp_path).problems == ()
    assert read(tmp_path, split="train").truth(0).text == "one"


def test_a_table_may_have_a_head_and_a_byte_order_mark(tmp_path):
    text_lines(tmp_path)
    (tmp_path / "rec_gt.txt").unlink()
    write(
        tmp_path / "data.tsv", "filename\twords\r\ncrops/word_1.png\tStraße\r\ncrops/word_2.png\t東京\r\n", "utf-8-sig"
    )
    listing = read(tmp_path)
    assert [listing.truth(i).text for i in range(2)] == ["Straße", "東京"]
    assert listing.problems == ()


def test_lines_that_do_not_fit_are_counted_and_named(tmp_path):
    text_lines(tmp_path)
    lines = ["crops/word_1.png\tone", "crops/word_1.png\tuno", "gone.png\tx", "crops/word_2.png\t###", "nonsense"]
    write(tmp_path / "rec_gt.txt", "\n".join([*lines, "crops/word_2.png\t"]))
    draw(tmp_path / "crops/word_3.png")
    assert [str(each).removeprefix("rec_gt.txt: ") for each in read(tmp_path).problems] == [
        "line 2 names crops/word_1.png again; its first line counts",
        "line 3 names gone.png, which is missing",
        "line 4 marks crops/word_2.png as not legible (###)",
        "line 5 is no name of a picture with a text behind it",
        "line 6 has no text for crops/word_2.png",
        "crops/word_3.png: there is no line in rec_gt.txt",
    ]


def test_a_list_that_fits_no_picture_is_refused(tmp_path):
    text_lines(tmp_path)
    write(tmp_path / "rec_gt.txt", "x/1.png\tone\nx/2.png\ttwo\n")
    with pytest.raises(DatasetError, match=r"none of its 2 names is a picture here, the first is x/1.png"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["cat\ndog\n", "", "0 0.5 0.5 0.1 0.1\n", "a.png\n"])
def test_other_files_are_no_lists_of_texts(tmp_path, text):
    draw(tmp_path / "a.png")
    write(tmp_path / "labels.txt", text)
    assert len(TEXT_LINES.broken(Layout(tmp_path))) == 1
    with pytest.raises(DatasetError, match=r"there is no list such as rec_gt.txt"):
        read(tmp_path)

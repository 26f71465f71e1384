"""Layers of type ImageData."""

import cv2
import numpy as np
import pytest

from calibench.datasets.ahead import readable
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.errors import DatasetError
from written_data import noise, write_prototxt


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Open an ImageData layer with this list; pictures `a.png`, `b c.png` lie in `some pictures/`."""
    (tmp_path / "some pictures").mkdir()
    cv2.imwrite(str(tmp_path / "some pictures/a.png"), noise(8, 10, 3))
    cv2.imwrite(str(tmp_path / "some pictures/b c.png"), noise(8, 10, 3, seed=1))
    monkeypatch.chdir(tmp_path)

    def opened(lines="a.png 0\nb c.png 1\n", param='root_folder: "some pictures/"', transform=""):
        (tmp_path / "list.txt").write_text(lines)
        layer = (
            'name: "data" type: "ImageData" top: "data" top: "label" '
            f'transform_param {{ {transform} }} image_data_param {{ source: "list.txt" batch_size: 5 {param} }}'
        )
        return open_prototxt(write_prototxt(tmp_path / "net.prototxt", layer))

    return opened


def test_pictures_are_blue_first_from_0_to_255(samples):
    found = samples()
    assert np.array_equal(found[1]["data"][0], noise(8, 10, 3, seed=1).transpose(2, 0, 1))
    assert found[0]["data"].shape == (1, 3, 8, 10)
    assert list(found.labels) == [0, 1]
    assert (found.format, found.source, found.batch_size) == ("caffe-images", "list.txt", 5)
    assert [found.describe(i).name for i in range(2)] == ["a.png", "b c.png"]


def test_a_picture_is_resized_bilinearly_before_it_is_transformed(samples):
    found = samples(
        param='root_folder: "some pictures/" new_height: 6 new_width: 4', transform="mean_value: 3 scale: 2"
    )
    wanted = (cv2.resize(noise(8, 10, 3), (4, 6)).astype(np.float32) - 3) * 2
    assert np.array_equal(found[0]["data"][0], wanted.transpose(2, 0, 1))


def test_a_gray_picture_has_one_channel(samples):
    found = samples(param='root_folder: "some pictures/" is_color: false')[0]["data"]
    assert np.array_equal(found[0, 0], cv2.imread("some pictures/a.png", cv2.IMREAD_GRAYSCALE))


def test_intel_may_put_red_first(samples):
    assert np.array_equal(samples(transform="bgr2rgb: true")[0]["data"], samples()[0]["data"][:, ::-1])


@pytest.mark.parametrize(
    ("size", "wanted"), [((16, 11), (16, 20)), ((9, 40), (32, 40)), ((8, 10), (8, 10)), ((3, 2), (8, 10))]
)
def test_by_hand_intel_makes_small_pictures_larger(samples, size, wanted):
    param = f'root_folder: "some pictures/" min_height: {size[0]} min_width: {size[1]}'
    assert samples(param=param)[0]["data"].shape[2:] == wanted


def test_a_slash_that_lacks_behind_the_folder_is_added(samples):
    assert np.array_equal(samples(param='root_folder: "some pictures"')[0]["data"], samples()[0]["data"])


def test_paths_may_be_relative_to_the_list(samples, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    opened = samples("some pictures/b c.png 4", param="")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert opened[0]["data"].shape == (1, 3, 8, 10)


@pytest.mark.parametrize("lines", ["a.png 0\r\nb c.png 1\r\n", "\na.png\t0\n\nb c.png   1  \n\n"])
def test_line_ends_tabs_and_empty_lines_do_no_harm(samples, lines):
    found = samples(lines)
    assert [found.describe(i).name for i in range(len(found))] == ["a.png", "b c.png"]
    assert list(found.labels) == [0, 1]


def test_a_list_without_labels_is_not_annotated(samples):
    found = samples("a.png\nb c.png")
    assert found.labels is None
    assert found[1]["data"].shape == (1, 3, 8, 10)


def test_a_line_without_label_among_others_is_refused(samples):
    with pytest.raises(DatasetError, match=r"list\.txt, line 2: 'b c\.png' has no label"):
        samples("a.png 0\nb c.png\n")


@pytest.mark.parametrize("label", ["-1", "1.5", "nan.5"])
def test_a_label_that_is_no_class_is_refused_by_its_line(samples, label):
    lines = f"a.png 0\n\nb c.png {label}"
    with pytest.raises(DatasetError, match=r"list\.txt, line 3: "):
        samples(lines).describe(1)


def test_an_empty_list_is_refused(samples):
    with pytest.raises(DatasetError, match=r"list\.txt: this list is empty"):
        samples("\n \n")


def test_a_list_that_is_no_text_is_refused(samples, tmp_path):
    opened = samples()
    opened.layer.path.write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match=r"list\.txt is no text, so it is no list of pictures"):
        open_prototxt(tmp_path / "net.prototxt")


def test_a_folder_in_place_of_the_list_is_refused(samples, tmp_path):
    layer = 'name: "data" type: "ImageData" top: "data" top: "label" image_data_param { source: "some pictures" }'
    with pytest.raises(DatasetError, match=r"the list .*some pictures cannot be read"):
        open_prototxt(write_prototxt(tmp_path / "net.prototxt", layer))


def test_one_side_alone_is_refused(samples):
    with pytest.raises(DatasetError, match="needs new_height and new_width, or neither"):
        samples(param="new_height: 4")


def test_missing_and_damaged_pictures_are_left_out_and_named(samples, tmp_path):
    (tmp_path / "some pictures/broken.png").write_bytes(b"no picture")
    found = readable(samples("a.png 0\nlost.png 1\nbroken.png 0\nb c.png 1"), 2)
    assert len(found.samples) == 2
    assert found.note == (
        f"2 of 4 samples are unreadable and left out: {tmp_path}/list.txt, line 2, {tmp_path}/list.txt, line 3."
    )
    assert "there is no picture some pictures/lost.png, looked for in" in found.unreadable[0]
    assert found.unreadable[1].endswith("line 3: broken.png: it is no picture that OpenCV can decode.")


def test_shuffling_is_left_out_and_said(samples):
    found = samples(param='root_folder: "some pictures/" shuffle: true')
    assert found.note is not None
    assert found.note.startswith("Layer data: shuffle is left out")
    assert list(found.labels) == [0, 1]


def test_identities_tell_contents_labels_and_sizes_apart(samples, tmp_path):
    (tmp_path / "some pictures/copy.png").write_bytes((tmp_path / "some pictures/a.png").read_bytes())
    found = samples("a.png 0\ncopy.png 0\ncopy.png 1\nb c.png 0")
    identities = [found.identity(i) for i in range(4)]
    assert len(set(identities)) == 3
    assert identities[0] == identities[1]
    small = samples(param='root_folder: "some pictures/" new_height: 4 new_width: 4')
    assert small.identity(0) not in identities

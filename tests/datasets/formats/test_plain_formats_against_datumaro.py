"""Where Datumaro reads a layout, our own readers find the same."""

import pickle

import layouts_without_boxes as layouts
import numpy as np
import pytest
from layouts_without_boxes import write

from calibench.datasets.formats.cifar import CIFAR
from calibench.datasets.formats.cityscapes import CITYSCAPES
from calibench.datasets.formats.datumaro_items import kind, label_of, read_items
from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.idx import MNIST_IDX
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST
from calibench.datasets.formats.lfw import LFW
from calibench.datasets.formats.semantic_folder import SEMANTIC_FOLDER
from calibench.datasets.formats.text_lines import TEXT_LINES
from calibench.datasets.formats.vgg_face import VGG_FACE
from calibench.datasets.listing import ReadOptions

pytest.importorskip("datumaro")


def read(format_, folder):
    return format_.read(Layout(folder), ReadOptions())


def test_imagenet_with_a_list(tmp_path):
    layouts.imagenet_list(tmp_path, inner="images", words=False)
    write(tmp_path / "synsets.txt", "tench\ngoldfish\nshark\n")
    own, other = read(IMAGENET_LIST, tmp_path), read_items(tmp_path, "imagenet_txt")
    assert own.classes == other.classes
    assert list(own.labels) == [label_of(item) for item in other.items]
    assert [own.folder / name for name in own.names] == [item.picture for item in other.items]


def test_cifar(tmp_path):
    layouts.cifar(tmp_path)
    for name in ("test_batch", "data_batch_1"):  # bytes of arrays as Python 2 wrote them, which Datumaro asks for
        held = pickle.loads((tmp_path / name).read_bytes())
        (tmp_path / name).write_bytes(pickle.dumps(held, protocol=4))
    own, other = read(CIFAR, tmp_path), read_items(tmp_path, "cifar")
    assert own.classes == other.classes
    assert list(own.labels) == [label_of(item) for item in other.items if item.subset == "test_batch"]


def test_mnist(tmp_path):
    layouts.mnist(tmp_path)
    own, other = read(MNIST_IDX, tmp_path), read_items(tmp_path, "mnist")
    assert list(own.labels) == [label_of(item) for item in other.items if item.subset == "test"]


def test_colour_masks(tmp_path):
    layouts.semantic(tmp_path, form="color", lower=True)
    own, other = read(SEMANTIC_FOLDER, tmp_path), read_items(tmp_path, "common_semantic_segmentation")
    assert own.classes == other.classes
    for index, item in enumerate(sorted(other.items, key=lambda item: item.name)):
        pixels = own.truth(index).pixels
        assert len(item.annotations) >= 3
        for mask in item.annotations:
            np.testing.assert_array_equal(pixels == mask.label, mask.image)


def test_cityscapes_masks_with_train_ids(tmp_path):
    layouts.cityscapes(tmp_path, outer=False, kind="labelTrainIds")
    own, other = read(CITYSCAPES, tmp_path), read_items(tmp_path, "cityscapes")
    for index, item in enumerate(sorted(other.items, key=lambda item: item.name)):
        pixels = own.truth(index).pixels
        assert len(item.annotations) >= 3
        for mask in item.annotations:
            place = own.classes.index(other.classes[mask.label].replace("trafficlight", "traffic light"))
            np.testing.assert_array_equal(pixels == place, mask.image)


def test_lfw(tmp_path):
    layouts.lfw(tmp_path / "set", landmarks=False)
    (tmp_path / "set/Images").rename(tmp_path / "set/images")
    (tmp_path / "set/Annotations").rename(tmp_path / "set/annotations")
    own, other = read(LFW, tmp_path / "set"), read_items(tmp_path, "lfw")
    by_name = {item.name: item for item in other.items}
    for index, name in enumerate(own.names):
        item = by_name[name.rpartition("/")[2].removesuffix(".jpg")]
        assert other.classes[label_of(item)] == own.classes[own.labels[index]]
    first = own.truth(0).pairs[0]
    assert by_name["Ann_Lee_0001"].annotations[0].attributes == {"positive_pairs": ["Ann_Lee/Ann_Lee_0002"]}
    assert first in own.truth(1).pairs
    assert first.is_same


def test_vggface2(tmp_path):
    layouts.vgg_face(tmp_path, inner="test")
    (tmp_path / "Annotations").rename(tmp_path / "bb_landmark")
    own, other = read(VGG_FACE, tmp_path), read_items(tmp_path, "vgg_face2")
    for index, item in enumerate(sorted(other.items, key=lambda item: item.name)):
        found = {kind(each): each.points for each in item.annotations}
        np.testing.assert_allclose(own.truth(index).objects.boxes[0], found["bbox"])
        np.testing.assert_allclose(own.truth(index).points.ravel(), found["points"])


def test_words_of_icdar(tmp_path):
    layouts.text_lines(tmp_path / "test", form="quoted", name="gt.txt")
    (tmp_path / "test/crops").rename(tmp_path / "test/images")
    write(tmp_path / "test/gt.txt", 'word_1.png, "one"\nword_2.png, "say \\"no\\""\n')
    own, other = read(TEXT_LINES, tmp_path / "test"), read_items(tmp_path, "icdar_word_recognition")
    texts = [item.annotations[0].caption for item in sorted(other.items, key=lambda item: item.name)]
    assert texts == [own.truth(i).text for i in range(2)] == ["one", 'say "no"']

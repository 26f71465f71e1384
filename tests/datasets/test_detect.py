"""Finding out what a path holds."""

from pathlib import Path

import numpy as np
import pytest

from calibench.datasets.dataset import Arrays
from calibench.datasets.detect import holds_images, read_dataset
from calibench.datasets.formats import any_datumaro
from calibench.datasets.formats.datumaro_items import Item, Items
from calibench.datasets.inputs import InputPlan, TensorInput
from calibench.datasets.pictures import Pictures
from calibench.datasets.tensors import TensorFolder, Tensors
from calibench.errors import DatasetError, SettingsError
from calibench.settings import DataSettings

TENSORS = InputPlan((TensorInput("x", (-1, 4), "float32"),))


def test_every_kind_is_found(tmp_path, picture, plan):
    picture(tmp_path / "pictures" / "a.png")
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "a.npy", np.zeros(4))
    np.save(tmp_path / "b.npy", np.zeros((2, 4)))
    assert isinstance(read_dataset(tmp_path / "pictures", plan()), Pictures)
    assert isinstance(read_dataset(tmp_path / "arrays", TENSORS), TensorFolder)
    assert isinstance(read_dataset(tmp_path / "b.npy", TENSORS), Tensors)
    assert holds_images(tmp_path / "pictures")
    assert not holds_images(tmp_path / "arrays")
    assert not holds_images(tmp_path / "b.npy")


def test_pictures_go_before_arrays_that_lie_beside_them(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.zeros(4))
    assert holds_images(tmp_path)
    assert len(read_dataset(tmp_path, plan())) == 1


def test_samples_of_a_python_caller_are_looked_at():
    assert holds_images(Arrays([{"x": np.zeros((1, 8, 8, 3), np.uint8)}]))
    assert not holds_images(Arrays([{"x": np.zeros((1, 3, 8, 8), np.float32)}]))
    assert not holds_images(Arrays([]))


def test_uint8_pictures_in_a_file_feed_an_image_input(tmp_path, plan):
    np.savez(tmp_path / "a.npz", image=np.zeros((2, 8, 8, 3), np.uint8))
    assert read_dataset(tmp_path / "a.npz", plan())[1]["image"].shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.json", "a.json: this is no dataset. Accepted: a folder of pictures, plain, one folder per class"),
        ("a.png", "a.png: this is one picture. Give the folder that holds the pictures."),
        ("a.zip", "a.zip: this is an archive. Unpack it and give the folder."),
        ("", "there is no such file or folder. Accepted: a folder of pictures"),
    ],
)
def test_everything_else_is_refused(tmp_path, plan, name, sentence):
    path = tmp_path / (name or "nowhere")
    if name:
        path.write_bytes(b"x")
    with pytest.raises(DatasetError) as error:
        read_dataset(path, plan())
    assert sentence in str(error.value)


def test_a_folder_of_pictures_for_a_model_of_tensors_is_refused(tmp_path, picture):
    picture(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="The model takes no pictures but x"):
        read_dataset(tmp_path, TENSORS)


def test_annotations_that_a_plain_folder_does_not_use_are_pointed_out(tmp_path, picture, plan):
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "boxes.json").write_text("{}")
    (problem,) = read_dataset(tmp_path, plan()).about.problems
    assert str(problem) == (
        f"{tmp_path} is read as pictures without these annotations: for COCO 2014/2017 (coco) it lacks "
        "annotations/instances_*.json (annotations/boxes.json is not used)"
    )


def test_a_format_with_one_rule_broken_is_pointed_out(tmp_path, picture, plan):
    picture(tmp_path / "LR" / "a.png")
    (problem,) = read_dataset(tmp_path, plan()).about.problems
    assert "for super-resolution pairs (super-resolution) it lacks folder HR with pictures" in str(problem)


def test_a_format_by_name_must_hold_its_rules(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"is no COCO 2014/2017: it has no annotations/instances_\*\.json"):
        read_dataset(tmp_path, plan(), DataSettings(format="coco"))
    with pytest.raises(SettingsError, match=r"--format caco: there is no such format\. Known: coco, voc"):
        read_dataset(tmp_path, plan(), DataSettings(format="caco"))


def test_formats_of_datumaro_are_read_by_its_own_name(tmp_path, picture, plan):
    picture(tmp_path / "training" / "image_2" / "a.png")
    (tmp_path / "training" / "label_2").mkdir()
    (tmp_path / "training" / "label_2" / "a.txt").write_text("Car 0.0 0 0.0 1 2 5 6 0 0 0 0 0 0 0\n")
    found = read_dataset(tmp_path, plan(), DataSettings(format="datumaro:kitti_detection"))
    truth = found.describe(0).truth
    assert found.about.annotated == {"objects"}
    assert truth.objects.boxes.tolist() == [[1, 2, 5, 6]]
    assert found.about.classes[truth.objects.labels[0]].lower() == "car"
    with pytest.raises(DatasetError, match="cannot be read as no_such_thing"):
        read_dataset(tmp_path, plan(), DataSettings(format="datumaro:no_such_thing"))


def test_datumaro_gives_no_picture_from_outside_of_the_dataset(tmp_path, picture, plan, monkeypatch):
    here, there = tmp_path / "set" / "a.png", tmp_path / "secret.png"
    picture(here)
    picture(there)
    items = tuple(
        Item(str(path), "train", path, None, (), {}) for path in (here, there, tmp_path / "set/../secret.png")
    )
    monkeypatch.setattr(any_datumaro, "read_items", lambda *_: Items(items, (), ()))
    found = read_dataset(tmp_path / "set", plan(), DataSettings(format="datumaro:any"))
    assert len(found) == 1
    monkeypatch.chdir(tmp_path)
    assert len(read_dataset(Path("set"), plan(), DataSettings(format="datumaro:any"))) == 1

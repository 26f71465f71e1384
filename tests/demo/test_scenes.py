"""Scenes made of two hand-made cut-outs and two plain wallpapers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibench.demo.scenes import classification_scene, detection_scenes, write_classification_scenes
from calibench.demo.stamps import Materials, Stamp, read_materials
from calibench.errors import DatasetError

RED, GREEN, GREY = (200, 0, 0, 255), (0, 200, 0, 255), (128, 128, 128)


@pytest.fixture
def materials(tmp_path: Path) -> Materials:
    stamps = []
    for name, colour, index in (("drake", RED, 97), ("hen", GREEN, 8)):
        picture = Image.new("RGBA", (80, 60))
        picture.paste(colour, (20, 10, 70, 40))
        picture.save(tmp_path / f"{name}.png")
        stamps.append(Stamp(tmp_path / f"{name}.png", name, (index,)))
    Image.new("RGB", (800, 700), GREY).save(tmp_path / "grey.png")
    return Materials(tuple(stamps), (tmp_path / "grey.png",), "calibration")


def test_the_same_seed_gives_the_same_scenes(materials: Materials) -> None:
    one, other = (classification_scene(materials, 5, 3) for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)


def test_seed_part_and_position_each_change_the_scene(materials: Materials) -> None:
    scene = classification_scene(materials, 5, 3).mask
    assert not np.array_equal(scene, classification_scene(materials, 6, 3).mask)
    assert not np.array_equal(scene, classification_scene(materials, 5, 5).mask)
    assert not np.array_equal(scene, classification_scene(replace(materials, part="validation"), 5, 3).mask)


def test_the_cut_outs_take_turns(materials: Materials) -> None:
    names = [classification_scene(materials, 1, index).stamp.name for index in range(4)]
    assert sorted(names[:2]) == ["drake", "hen"]
    assert names[:2] == names[2:]


def test_the_mask_covers_the_object_and_only_it(materials: Materials) -> None:
    scene = classification_scene(materials, 1, 0)
    inside, outside = scene.image[scene.mask == 255], scene.image[scene.mask == 0]
    assert (np.ptp(inside, axis=1) == 200).all()
    assert (outside == 128).all()
    assert 0.6 * 320 - 1 <= max(np.ptp(axis) + 1 for axis in np.nonzero(scene.mask)) <= 0.95 * 320 + 1


def test_written_scenes_stand_in_folders_that_begin_with_the_class_index(materials: Materials, tmp_path: Path) -> None:
    write_classification_scenes(tmp_path / "scenes", materials, 6, seed=1)
    assert {path.name for path in (tmp_path / "scenes").iterdir()} == {"0008_hen", "0097_drake"}
    assert len(list((tmp_path / "scenes").glob("*/*.jpg"))) == 6


def test_a_longer_dataset_begins_with_the_shorter_one(materials: Materials, tmp_path: Path) -> None:
    for count in (2, 4):
        write_classification_scenes(tmp_path / str(count), materials, count, seed=1)
    for path in (tmp_path / "2").glob("*/*.jpg"):
        assert path.read_bytes() == (tmp_path / "4" / path.relative_to(tmp_path / "2")).read_bytes()


def test_boxes_enclose_their_objects(materials: Materials) -> None:
    for scene in detection_scenes(materials, 12, seed=1):
        assert 1 <= len(scene.boxes) == len(scene.names) <= 3
        coloured = np.zeros(scene.image.shape[:2], bool)
        for (left, top, right, bottom), name in zip(scene.boxes.astype(int), scene.names, strict=True):
            middle = scene.image[(top + bottom) // 2, (left + right) // 2]
            assert middle.argmax() == {"drake": 0, "hen": 1}[name]
            coloured[top:bottom, left:right] = True
        np.testing.assert_array_equal(np.ptp(scene.image, axis=2) > 0, coloured)


def test_an_empty_package_is_refused_by_the_name_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=str(tmp_path)):
        read_materials("imagenet", tmp_path, (tmp_path,), "calibration")

"""Importing a dataset: where it begins in what was given, what is known of it, and why it is not recognised."""

import json
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibench.targets.bundle import End
from calibench.targets.import_dataset import bounded
from calibench.things.kept import KeptDataset

Run = Callable[..., End]


def picture(place: Path, shade: int = 0) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(place)
    return place


def class_folders(folder: Path) -> Path:
    for number, name in enumerate(("daisy", "rose", "daisy", "rose")):
        picture(folder / name / f"{number}.png", number)
    return folder


def coco(folder: Path) -> Path:
    picture(folder / "val2017/1.png")
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations/instances_val2017.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "1.png", "width": 8, "height": 8}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4], "area": 16, "iscrowd": 0}
                ],
                "categories": [{"id": 1, "name": "cat"}],
            }
        )
    )
    return folder


def zipped(folder: Path, place: Path, below: str = "") -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{below}{path.relative_to(folder)}")
    return place


def reason(end: End) -> str:
    assert end.state == "failed"
    assert end.failure is not None
    return f"{end.failure.kind}: {end.failure.message}"


@pytest.mark.parametrize("below", ["", "flowers/", "a/b/flowers/"])
def test_class_folders_are_found_wherever_they_begin(run: Run, tmp_path: Path, below: str) -> None:
    archive = zipped(class_folders(tmp_path / "set"), tmp_path / "set.zip", below)
    end = run(kind="import-dataset", sources=[archive], is_copied=False)
    found = KeptDataset(created=datetime.now(UTC), name="d", **end.result)
    assert found.entry == below.rstrip("/")
    assert (found.samples, found.classes, found.annotated) == (4, ("daisy", "rose"), ("label",))
    assert found.has_pictures
    assert str(tmp_path) not in json.dumps(end.result)


def test_a_known_format_goes_before_plain_pictures_further_in(run: Run, tmp_path: Path) -> None:
    archive = zipped(coco(tmp_path / "set"), tmp_path / "set.zip", "coco/")
    end = run(kind="import-dataset", sources=[archive])
    assert (end.result["format"], end.result["samples"]) == ("coco", 1)
    assert end.result["annotated"] == ["objects"]


def test_two_archives_make_one_dataset(run: Run, tmp_path: Path) -> None:
    folder = coco(tmp_path / "set")
    one = zipped(folder / "val2017", tmp_path / "val2017.zip", "val2017/")
    two = zipped(folder / "annotations", tmp_path / "annotations.zip", "annotations/")
    assert run(kind="import-dataset", sources=[one, two]).result["format"] == "coco"


def test_a_tar_is_unpacked_too(run: Run, tmp_path: Path) -> None:
    class_folders(tmp_path / "set")
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "set", "set")
    assert run(kind="import-dataset", sources=[tmp_path / "set.tar.gz"]).result["samples"] == 4


def test_a_folder_is_copied_and_left_as_it_was(run: Run, job: Path, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "set")
    assert run(kind="import-dataset", sources=[folder]).result["samples"] == 4
    assert (job / "out/tree/rose/1.png").read_bytes() == (folder / "rose/1.png").read_bytes()


def test_a_table_of_texts_alone_is_the_dataset(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\ngood,1\nbad,0\n")
    end = run(kind="import-dataset", sources=[tmp_path / "t.csv"])
    assert (end.result["format"], end.result["entry"], end.result["samples"]) == ("text", "t.csv", 2)
    assert not end.result["has_pictures"]


def test_the_tokenizer_beside_a_table_comes_along(run: Run, job: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/t.csv").write_text("text,label\ngood,1\nbad,0\n")
    (tmp_path / "there/tokenizer.json").write_text("{}")
    (tmp_path / "there/other.bin").touch()
    end = run(kind="import-dataset", sources=[tmp_path / "there/t.csv"])
    assert (end.result["format"], end.result["samples"]) == ("text", 2)
    assert sorted(path.name for path in (job / "out/tree").iterdir()) == ["t.csv", "tokenizer.json"]


def test_arrays_in_one_file_are_its_samples(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 3), np.float32))
    end = run(kind="import-dataset", sources=[tmp_path / "a.npz"])
    assert (end.result["format"], end.result["entry"], end.result["samples"]) == ("arrays", "a.npz", 5)


def test_what_is_not_recognised_says_what_is_nearest(run: Run, tmp_path: Path) -> None:
    (tmp_path / "set/annotations").mkdir(parents=True)
    (tmp_path / "set/annotations/instances_val.json").write_text("{}")
    said = reason(run(kind="import-dataset", sources=[tmp_path / "set"]))
    assert said.startswith("DatasetError: ")
    assert "Accepted" in said or "Nearest is" in said
    assert str(tmp_path) not in said


def test_an_archive_without_files_and_a_damaged_one_are_refused(run: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert "holds no files" in reason(run(kind="import-dataset", sources=[tmp_path / "empty.zip"]))
    archive = zipped(class_folders(tmp_path / "set"), tmp_path / "set.zip")
    archive.write_bytes(archive.read_bytes()[:200])
    assert reason(run(kind="import-dataset", sources=[archive])).startswith("DatasetError: set.zip")


def test_what_only_its_name_says_to_be_an_archive_is_refused(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "a.png").rename(tmp_path / "a.zip")
    for is_copied in (True, False):
        said = reason(run(kind="import-dataset", sources=[tmp_path / "a.zip"], is_copied=is_copied))
        assert said.startswith("DatasetError: a.zip: is no archive, or a damaged one. Give a .zip")


def test_archives_in_an_archive_are_left_as_they_are_and_said(run: Run, tmp_path: Path) -> None:
    zipped(class_folders(tmp_path / "more"), class_folders(tmp_path / "set") / "inner.zip")
    end = run(kind="import-dataset", sources=[zipped(tmp_path / "set", tmp_path / "set.zip")])
    assert end.result["samples"] == 4
    assert end.result["problems"][0].startswith("inner.zip: archives in the archive are not unpacked.")


def test_a_folder_that_is_too_deep_to_be_walked_is_refused(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "set" / ("a/" * 101) / "1.png")
    assert "lies in more than 100 folders" in reason(run(kind="import-dataset", sources=[tmp_path / "set"]))


def test_an_archive_that_leads_outside_leaves_nothing_there(run: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../../escaped.txt", "x")
    assert reason(run(kind="import-dataset", sources=[tmp_path / "evil.zip"])).startswith("DatasetError: evil.zip")
    assert not list(tmp_path.rglob("escaped.txt"))


def test_of_what_is_endless_the_beginning_is_kept_with_the_count(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for number in range(1005):
        (folder / f"class {number:04d}").mkdir(parents=True)
        (folder / f"class {number:04d}/{'x' * 200}{number}.png").touch()
    result = run(kind="import-dataset", sources=[zipped(folder, tmp_path / "set.zip")]).result
    assert (result["samples"], len(result["classes"])) == (1005, 1000)
    assert len(result["facts"]["unreadable"]) == len(result["facts"]["counts"]) == 1000
    assert result["facts"]["cut"] == {"classes": 1005, "counts": 1005, "unreadable": 1005}


def test_a_long_text_is_cut() -> None:
    assert bounded({"a": ["x" * 10_000]}) == {"a": ["x" * 300 + "..."]}


def test_settings_of_the_data_are_kept_to(run: Run, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "set")
    said = reason(run(kind="import-dataset", sources=[folder], settings={"data": {"format": "coco"}}))
    assert "is no COCO" in said or "it has no" in said

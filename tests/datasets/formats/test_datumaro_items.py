"""What the small face of Datumaro gives."""

import builtins
import logging
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from calibench.datasets.formats.datumaro_items import as_problems, label_of, objects_of, read_items
from calibench.errors import DatasetError

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>22</ymax></bndbox>"


def voc(folder: Path, **objects: str) -> Path:
    for name, inside in objects.items():
        for inner in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (folder / inner).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(folder / "JPEGImages" / f"{name}.jpg")
        text = f"<annotation><filename>{name}.jpg</filename>{inside}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    (folder / "ImageSets/Main/val.txt").write_text("\n".join(objects))
    return folder


def test_items_carry_name_subset_picture_and_boxes(tmp_path: Path) -> None:
    size = "<size><width>64</width><height>48</height></size>"
    folder = voc(tmp_path, a=f"{size}<object><name>dog</name>{BOX}<difficult>1</difficult></object>")

    read = read_items(folder, "voc_detection")

    (item,) = read.items
    assert (item.name, item.subset, item.size) == ("a", "val", (48, 64))
    assert item.picture == folder / "JPEGImages/a.jpg"
    objects = objects_of(item, lambda each: bool(each.attributes["difficult"]))
    assert objects.boxes.tolist() == [[1, 2, 11, 22]]
    assert read.classes[objects.labels[0]] == "dog"
    assert objects.is_ignored.tolist() == [True]
    assert label_of(item) is None


def test_broken_samples_and_annotations_are_kept_as_faults(tmp_path: Path) -> None:
    folder = voc(tmp_path, a=f"<object><name>yeti</name>{BOX}</object>", b="<object>", c="")

    read = read_items(folder, "voc_detection")

    assert [item.name for item in read.items] == ["a", "c"]
    assert [(fault.name, fault.is_sample, fault.kind) for fault in read.faults] == [
        ("a", False, "UndeclaredLabelError"),
        ("b", True, "InvalidAnnotationError"),
    ]
    first = as_problems(read.faults, lambda name: f"Annotations/{name}.xml")[0]
    assert str(first).startswith("Annotations/a.xml: ") and "yeti" in str(first)


def test_what_cannot_be_read_at_all_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be read as voc_detection \(.+\)\. Give the folder") as raised:
        read_items(tmp_path, "voc_detection")
    assert "\n" not in str(raised.value)


def test_nothing_is_logged_and_no_handler_stays_behind(tmp_path: Path, capfd: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    folder = voc(tmp_path, a=f"<object><name>yeti</name>{BOX}</object>")

    read_items(folder, "voc")

    assert logging.root.handlers == []
    assert logging.root.manager.disable == logging.NOTSET
    assert capfd.readouterr() == ("", "")


def test_without_datumaro_the_message_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("datumaro"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DatasetError, match=r"needs Datumaro. Install it: pip install 'calibench\[datasets\]'"):
        read_items(tmp_path, "voc_detection")

"""The objects in Pascal VOC's XML files: Datumaro reads them, and we say what is wrong with which object."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from calibench.datasets.formats.box_table import box_fault, reaches_outside
from calibench.datasets.formats.datumaro_items import Fault, Item, Items, objects_of, read_items
from calibench.datasets.listing import Problem

PARSER_ERRORS = (ElementTree.ParseError, OSError, ValueError, LookupError)  # LookupError: an encoding nobody knows
CORNERS = ("xmin", "ymin", "xmax", "ymax")
Row = tuple[float, float, float, float, float, float]
"""Left, top, right, bottom, label, is_ignored."""


@dataclass(frozen=True)
class VocObjects:
    """What the files hold.

    Attributes:
        rows: stem of a file -> its objects; a file that cannot be read is missing.
        file_names: stem of a file -> the name of the picture that it names, if it does.
        sizes: stem of a file -> height, width of the picture as it says, if it does.
    """

    rows: dict[str, list[Row]]
    file_names: dict[str, str]
    sizes: dict[str, tuple[int, int]]
    problems: tuple[Problem, ...]


def find_classes(folder: Path, stems: Iterable[str]) -> tuple[str, ...]:
    """The names of all objects, sorted; files that cannot be parsed are left to `read_objects`."""
    found: set[str] = set()
    for stem in stems:
        try:
            root = _parse(folder / f"{stem}.xml")
        except PARSER_ERRORS:
            continue
        found.update(name.strip() for each in root.iterfind("object") if (name := each.findtext("name") or "").strip())
    return tuple(sorted(found))


def read_objects(folder: Path, shown: str, stems: Sequence[str], classes: Sequence[str]) -> VocObjects:
    """Read the XML files of a folder.

    Args:
        folder: the folder Annotations.
        shown: how a person knows it: "VOC2012/Annotations".
        stems: the files without .xml, relative to the folder.
        classes: names that may occur, in the order of their index.
    """
    with tempfile.TemporaryDirectory() as stage:
        first = _read(folder, Path(stage) / "first", stems, classes)
        lost = _lost(stems, first)
        again = _read(folder, Path(stage) / "again", lost, classes, is_repaired=True)
    faults: dict[str, list[Fault]] = {}
    for fault in (*(each for each in first.faults if each.name not in lost), *again.faults):
        faults.setdefault(fault.name, []).append(fault)
    problems: list[Problem] = []
    rows: dict[str, list[Row]] = {}
    for item in (*first.items, *again.items):
        where = f"{shown}/{item.name}.xml:"
        named = _explained(folder / f"{item.name}.xml", faults.get(item.name, []), classes)
        problems += [Problem(rule, f"{where} object {number}", what) for number, (rule, what) in sorted(named.items())]
        rows[item.name] = _rows(item, where, named, problems)
    for name in _lost(stems, again, *first.items):
        what = _file_fault(folder / f"{name}.xml", faults.get(name, []))
        problems.append(Problem("annotation file that cannot be read", f"{shown}/{name}.xml:", what))
    names = {item.name: item.picture.name for item in first.items if item.picture is not None}
    sizes = {item.name: item.size for item in first.items if item.size is not None}
    return VocObjects(rows, names, sizes, tuple(problems))


def _lost(stems: Iterable[str], read: Items, *more: Item) -> tuple[str, ...]:
    kept = {item.name for item in (*read.items, *more)}
    return tuple(stem for stem in stems if stem not in kept)


def _read(folder: Path, stage: Path, stems: Sequence[str], classes: Sequence[str], is_repaired: bool = False) -> Items:
    """Let Datumaro read the files out of a folder that has what it asks for: a list, and a label map with all names."""
    if not stems:
        return Items((), (), ())
    named = stage / "ImageSets/Main/all.txt"
    named.parent.mkdir(parents=True)
    if is_repaired:
        stems = _repair(folder, stage / "Annotations", stems)
    else:
        _link(folder.resolve(), stage / "Annotations")
    named.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
    (stage / "dataset_meta.json").write_text(json.dumps({"labels": list(classes)}), encoding="utf-8")
    return read_items(named, "voc_detection")


def _repair(folder: Path, to: Path, stems: Sequence[str]) -> list[str]:
    """Copy files without the name and the size of their picture, for whose faults Datumaro drops all objects.

    Returns:
        Those that could be copied.
    """
    to.mkdir()
    copied: list[str] = []
    for stem in stems:
        try:
            root = _parse(folder / f"{stem}.xml")
        except PARSER_ERRORS:
            continue
        for each in [each for each in root if each.tag in ("filename", "size")]:
            root.remove(each)
        (to / stem).parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(to / f"{stem}.xml", encoding="utf-8")
        copied.append(stem)
    return copied


def _link(folder: Path, link: Path) -> None:
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError:  # Windows gives this right to few
        shutil.copytree(folder, link)


def _rows(item: Item, where: str, faults: dict[int, Any], problems: list[Problem]) -> list[Row]:
    """The usable boxes of a file; the numbers of its objects leave out those that Datumaro did."""
    objects = objects_of(item, lambda each: bool(each.attributes.get("difficult")))
    count = len(objects.boxes) + len(faults)
    numbers = [number for number in range(1, count + 1) if number not in faults]
    height, width = item.size or (None, None)
    rows: list[Row] = []
    for number, box, label, ignored in zip(numbers, objects.boxes, objects.labels, objects.is_ignored, strict=True):
        left, top, right, bottom = map(float, box)
        if fault := box_fault((left, top, right, bottom), height, width):
            problems.append(Problem("box that covers nothing", f"{where} object {number}", fault))
            continue
        if height and width and reaches_outside((left, top, right, bottom), height, width):
            what = f"has a box that reaches outside its picture of {width} x {height} and is cut off"
            problems.append(Problem("box outside its picture", f"{where} object {number}", what))
        rows.append((left, top, right, bottom, float(label), float(ignored)))
    return rows


def _explained(path: Path, faults: Sequence[Fault], classes: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Number of an object -> why it was left out; in Datumaro's words where we see no reason."""
    if not faults:
        return {}
    named = _object_faults(path, classes)
    if len(named) == len(faults):
        return named
    rule = "annotation that cannot be read"
    return {number: (rule, f"or one near it cannot be read ({each.what})") for number, each in enumerate(faults, 1)}


def _object_faults(path: Path, classes: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Number of an object, from 1 -> the rule that it breaks and the end of the sentence; in a file with a fault."""
    faults: dict[int, tuple[str, str]] = {}
    for number, each in enumerate(_parse(path).iterfind("object"), 1):
        name, box = each.findtext("name"), each.find("bndbox")
        values = [None if box is None else box.findtext(key) for key in CORNERS]
        if name not in classes:
            what = f"names class {name!r}, which the label map does not define" if name else "names no class"
            faults[number] = "annotation of an unknown class", what
        elif box is None or not all(map(_is_number, values)):
            faults[number] = "annotation without a box", "has no bndbox of four numbers"
        elif (flag := _odd_flag(each)) is not None:
            faults[number] = "annotation with a flag that is not 0 or 1", f"has {flag} that is neither 0 nor 1"
        elif (point := each.find("point")) is not None and not all(_is_number(point.findtext(key)) for key in "xy"):
            faults[number] = "annotation that cannot be read", "has a point that is not two numbers"
        elif any(pair.find("name") is None or pair.find("value") is None for pair in each.iterfind("attributes/*")):
            faults[number] = "annotation that cannot be read", "has an attribute without name or value"
    return faults


def _odd_flag(each: ElementTree.Element) -> str | None:
    flags = ("difficult", "truncated", "occluded")
    return next((key for key in flags if each.find(key) is not None and each.findtext(key) not in ("0", "1")), None)


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _file_fault(path: Path, faults: Sequence[Fault]) -> str:
    """Why a file cannot be read."""
    try:
        if _parse(path).tag != "annotation":
            return "does not begin with <annotation>"
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        head = path.read_bytes()
        if not _is_utf8(head) and b"encoding" not in head[:100]:
            return "is not UTF-8 text and names no encoding, save the file as UTF-8"
        return f"is no whole XML file ({error})"
    except OSError as error:
        return f"cannot be read ({(error.strerror or 'no access').lower()})"
    return f"cannot be read ({faults[0].what})" if faults else "cannot be read (its name begins with # or a space)"


def _parse(path: Path) -> ElementTree.Element:
    """The root of a file; entities, which can make a small file fill the memory, are refused as Datumaro does."""
    data = path.read_bytes()
    if b"<!ENTITY" in data:
        raise ValueError("it defines entities")
    return ElementTree.fromstring(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

"""YOLO: a label file for every picture (docs/reference/datasets.md#yolo)."""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial
from itertools import islice
from pathlib import Path

from calibench.datasets.folder import check_folder, pictures
from calibench.datasets.formats.box_table import BoxTable
from calibench.datasets.formats.class_order import order_classes
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_choice import find_picture
from calibench.datasets.formats.picture_names import index_pictures, no_overlap, stem_of
from calibench.datasets.formats.splits import ORDER, belongs, choose_part
from calibench.datasets.formats.text_file import head_of, read_lines
from calibench.datasets.formats.yolo_config import YoloConfig, find_below, find_config, name_files, read_config
from calibench.datasets.formats.yolo_labels import BOX, YoloLabels
from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

LOOKED_AT = 50  # label files that are looked at until one has an object


def read_yolo(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures of a split and the objects in their label files.

    Raises:
        DatasetError: no folder, no class names, a settings file that cannot be read, no pictures, no label files.
    """
    check_folder(layout.folder)
    config = read_config(layout)
    problems: list[Problem] = []
    chosen = _chosen(layout, config, options.split, problems)
    files = set(layout.files)
    labels = {name: _label_file(name, files) for name in chosen}
    problems += _check_labels(layout.folder, labels)
    order = order_classes(tuple(config.names.values()), config.file, options.labels)
    numbers = sorted(config.names)
    reading = YoloLabels(dict(zip(config.names, order.places, strict=True)), _range(numbers), config.has_points)
    names: list[str] = []
    for name in chosen:
        file = labels[name]
        if file is None or reading.add(layout.folder, file, len(names)):
            names.append(name)
    table, kinds = reading.table(len(names))
    loose = _loose(layout, {file for file in labels.values() if file}, config)
    return Listing(
        folder=layout.folder,
        format="yolo",
        names=tuple(names),
        picture=lambda number: layout.folder / names[number],
        truth=partial(_truth, layout.folder, names, table),
        annotated=kinds,
        classes=order.names,
        class_ids=tuple(config.names) if options.labels is None else (),
        problems=(*problems, *reading.problems, *loose),
        label_source=order.source,
    )


def _check_labels(folder: Path, labels: Mapping[str, str | None]) -> list[Problem]:
    """A picture without a label file has no objects; where most have none, that is said."""
    count = sum(file is not None for file in labels.values())
    if count == 0:
        first = next(iter(labels), None)
        what = f"none of its {len(labels)} pictures has a label file, the first is {first}" if first else "no pictures"
        hint = "Put a .txt beside each, or into labels/ where the pictures are in images/."
        raise DatasetError(f"{folder}: {what}. {hint}")
    if 2 * count >= len(labels):
        return []
    what = f"have a label file, the other {len(labels) - count} count as pictures without objects"
    return [Problem("most pictures have no label file", f"{count} of {len(labels)} pictures", what)]


def _truth(folder: Path, names: Sequence[str], table: BoxTable, number: int) -> Truth:
    return Truth(objects=table.objects(number, *upright_size(folder / names[number])))


def _range(numbers: Sequence[int]) -> str:
    if numbers == list(range(len(numbers))):
        return f"0 to {len(numbers) - 1}"
    return ", ".join(map(str, numbers[:8])) + (" and more" if len(numbers) > 8 else "")


def _chosen(layout: Layout, config: YoloConfig, split: str | None, problems: list[Problem]) -> list[str]:
    """The pictures of a split, sorted."""
    own = pictures(layout)
    if config.splits:
        key = choose_part(tuple(config.splits), split, layout.folder)
        found = {name for place in config.splits[key] for name in _at(layout, config.file, key, place, problems)}
        return sorted(found)
    folders = tuple(sorted({name.rpartition("/")[0] for name in own}))
    if split or (len(folders) > 1 and any(belongs(folder, part) for folder in folders for part in ORDER)):
        folder = choose_part(folders, split, layout.folder)
        return [name for name in own if name.rpartition("/")[0] == folder]
    return list(own)


def _at(layout: Layout, file: str, key: str, place: str, problems: list[Problem]) -> Iterable[str]:
    """Pictures of a list file, or below a folder."""
    if place.endswith(".txt"):
        listed = find_below(place, layout.files)
        if listed is None:
            raise DatasetError(f"{layout.folder / file}: its list {place}, for {key}, is not there. Add it.")
        return _listed(layout, listed, problems)
    folder = find_below(place, _folders(pictures(layout)))
    if folder is None:
        raise DatasetError(
            f"{layout.folder / file}: its folder {place}, for {key}, holds no pictures. Correct the path."
        )
    return [name for name in pictures(layout) if name.startswith(f"{folder}/" if folder else "")]


def _listed(layout: Layout, listed: str, problems: list[Problem]) -> list[str]:
    index = index_pictures(layout.files)
    names: dict[str, None] = {}
    lines = read_lines(layout.folder / listed)
    for number, line in lines:
        name, reason = find_picture(index, line)
        where = f"{listed}: line {number}"
        if name is None:
            problems.append(Problem("picture that is not there", where, f"names {line.strip()}, which {reason}"))
        elif name in names:
            problems.append(Problem("picture named twice", where, f"names {name} again"))
        else:
            names[name] = None
    if lines and not names:
        hint = "Put the pictures where the list says."
        raise no_overlap(layout.folder / listed, len(lines), lines[0][1].strip(), hint)
    return list(names)


def _label_file(picture: str, files: Set[str]) -> str | None:
    """labels/val/a.txt of images/val/a.jpg, else a.txt beside it."""
    beside = f"{stem_of(picture)}.txt"
    head, mark, tail = f"/{beside}".rpartition("/images/")
    mirrored = f"{head}/labels/{tail}".lstrip("/") if mark else beside
    return next((name for name in (mirrored, beside) if name in files), None)


def _folders(names: Iterable[str]) -> set[str]:
    """All folders that hold the files, or folders of them; the top one is ""."""
    found: set[str] = {""}
    for folder in {name.rpartition("/")[0] for name in names}:
        parts = folder.split("/")
        found |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
    return found


def _loose(layout: Layout, used: Set[str], config: YoloConfig) -> list[Problem]:
    """Label files without a picture, in the folders of those that have one."""
    folders = {name.rpartition("/")[0] for name in used}
    files = set(layout.files)
    others = {*name_files(layout), config.file, *(_label_file(name, files) for name in pictures(layout))}
    return [
        Problem("label file without a picture", f"{name}:", "there is no picture of this name")
        for name in layout.files
        if name.endswith(".txt") and name.rpartition("/")[0] in folders
        if name not in used and name not in others and _looks_like_labels(layout.folder / name)
    ]


def _looks_like_labels(path: Path) -> bool:
    """Whether the first line is a class and at least four numbers."""
    words = next(iter(head_of(path)), "").split()
    return len(words) >= BOX and words[0].isdecimal() and all(_is_number(word) for word in words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _has_labels(layout: Layout) -> bool:
    files = set(layout.files)
    labels = (file for name in pictures(layout) if (file := _label_file(name, files)))
    return any(_looks_like_labels(layout.folder / file) for file in islice(labels, LOOKED_AT))


YOLO = Format(
    "yolo",
    "YOLO (Ultralytics, Darknet, or pictures with .txt beside)",
    (
        Rule("data.yaml, obj.data or classes.txt with the names", lambda layout: find_config(layout) is not None),
        Rule("pictures", lambda layout: bool(pictures(layout))),
        Rule("label files: a .txt of numbers for a picture, beside it or in labels/", _has_labels),
    ),
    read_yolo,
)

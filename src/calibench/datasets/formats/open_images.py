"""Open Images: all boxes in one CSV file, classes in another (docs/reference/datasets.md#open-images)."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from calibench.datasets.folder import check_folder, pictures
from calibench.datasets.formats.box_table import SHARE_OUTSIDE, BoxTable, make_table, reaches_outside, share_fault
from calibench.datasets.formats.class_order import order_classes
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_choice import find_picture
from calibench.datasets.formats.picture_names import index_pictures, no_annotation, no_overlap
from calibench.datasets.formats.splits import choose_part
from calibench.datasets.formats.text_file import head_of, read_lines, read_text
from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

CSV_FILES = ("*.csv", "*/*.csv", "*/*/*.csv")
CORNERS = ("XMin", "YMin", "XMax", "YMax")
NEEDED = ("ImageID", "LabelName", *CORNERS)
MANY = 1000  # classes: the file of all labels has 20,000, of which only those that occur are kept


def read_open_images(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures that have rows in the CSV file of boxes.

    Raises:
        DatasetError: no folder, no CSV file of boxes or classes, one that cannot be read, or none of its pictures.
    """
    check_folder(layout.folder)
    file = _box_file(layout, options.split)
    classes_file = _class_file(layout)
    reading = _Reading(file, _read_classes(layout.folder / classes_file))
    reading.read(layout)
    if not reading.found:
        raise _nothing(layout, file, reading)
    used = [mid for mid in reading.classes if len(reading.classes) <= MANY or mid in reading.used]
    order = order_classes([reading.classes[mid] for mid in used], classes_file, options.labels)
    names = tuple(sorted(reading.found))
    table = reading.table(names, dict(zip(used, order.places, strict=True)))
    folders = {name.rpartition("/")[0] for name in names}
    missing = [name for name in pictures(layout) if name not in reading.found and name.rpartition("/")[0] in folders]
    return Listing(
        folder=layout.folder,
        format="open-images",
        names=names,
        picture=lambda number: layout.folder / names[number],
        truth=partial(_truth, layout.folder, names, table),
        annotated=frozenset(("objects",)),
        classes=order.names,
        problems=(*reading.problems, *reading.lost(), *no_annotation(missing, f"no line in {file}")),
        label_source=order.source,
    )


@dataclass
class _Reading:
    """The rows of a file of boxes.

    Attributes:
        classes: name of a label, such as /m/01yrx -> the name for people.
        found: pictures that have rows.
        used: labels that occur.
        missing: pictures that are not there -> how many rows they have.
    """

    file: str
    classes: dict[str, str]
    problems: list[Problem] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    missing: dict[str, int] = field(default_factory=dict)
    _pictures: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    _rows: list[tuple[str, str, tuple[float, ...], bool]] = field(default_factory=list)

    def read(self, layout: Layout) -> None:
        """Take all rows; what is wrong with one becomes a problem."""
        index = index_pictures(layout.files)
        split = self.file.rpartition("/")[2].partition("-")[0]
        homes = ("Images", "images", f"images/{split}", split)
        for line, row in _rows_of(layout.folder / self.file):
            image = row.get("ImageID") or ""
            if image not in self._pictures:
                self._pictures[image] = find_picture(index, image, homes)
            name = self._pictures[image][0]
            if name is None:
                self.missing[image] = self.missing.get(image, 0) + 1
            else:
                self.found.add(name)
                self._add(f"{self.file}: line {line}", name, row)

    def _add(self, where: str, name: str, row: Mapping[str, str | None]) -> None:
        label, box = row.get("LabelName") or "", _box(row)
        if label not in self.classes:
            what = f"names class {label!r}, which the class descriptions do not have"
            self.problems.append(Problem("annotation of an unknown class", where, what))
        elif box is None:
            self.problems.append(Problem("annotation without a box", where, f"has no numbers in {', '.join(CORNERS)}"))
        elif fault := share_fault(box):
            self.problems.append(Problem("box that covers nothing", where, fault))
        else:
            if reaches_outside(box, 1.0, 1.0, SHARE_OUTSIDE):
                what = "has a box that reaches outside its picture and is cut off"
                self.problems.append(Problem("box outside its picture", where, what))
            self.used.add(label)
            self._rows.append((name, label, box, (row.get("IsGroupOf") or "").strip() == "1"))

    def table(self, names: Sequence[str], places: Mapping[str, int]) -> BoxTable:
        numbers = {name: number for number, name in enumerate(names)}
        owners = [numbers[name] for name, *_ in self._rows]
        rows = [(*box, places[label], is_group) for _, label, box, is_group in self._rows]
        return make_table(len(names), owners, rows, is_relative=True)

    def lost(self) -> list[Problem]:
        """The pictures that rows name and that are not there."""
        return [
            Problem(
                "picture that is not there",
                f"{self.file}:",
                f"its {count} lines of picture {image} are left out: it {self._pictures[image][1]}",
            )
            for image, count in self.missing.items()
        ]


def _truth(folder: Path, names: Sequence[str], table: BoxTable, number: int) -> Truth:
    return Truth(objects=table.objects(number, *upright_size(folder / names[number])))


def _box(row: Mapping[str, str | None]) -> tuple[float, float, float, float] | None:
    try:
        left, top, right, bottom = (float(row.get(key) or "") for key in CORNERS)
    except ValueError:
        return None
    return left, top, right, bottom


def _rows_of(path: Path) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Number of the line and values by column; a row that is too short lacks its last ones."""
    reader = csv.reader(read_text(path).splitlines())
    try:
        columns = [name.strip() for name in next(reader, [])]
        lacking = [name for name in NEEDED if name not in columns]
        if lacking:
            raise DatasetError(f"{path}: its first line has no column {lacking[0]}. It needs {', '.join(NEEDED)}.")
        for row in reader:
            if row:
                yield reader.line_num, dict(zip(columns, row, strict=False))
    except csv.Error as error:
        raise DatasetError(f"{path}: line {reader.line_num} is no CSV ({error}). Correct it.") from None


def _read_classes(path: Path) -> dict[str, str]:
    """Label -> name for people, in the order of the file; the line of column names of newer versions is left out."""
    try:
        rows = list(csv.reader(line for _, line in read_lines(path)))
    except csv.Error as error:
        raise DatasetError(f"{path}: this is no CSV ({error}). Correct it.") from None
    classes = {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[0].strip() != "LabelName"}
    if not classes:
        raise DatasetError(f"{path}: it names no class. Write lines such as /m/01yrx,Cat.")
    return classes


def _box_file(layout: Layout, split: str | None) -> str:
    files = _box_files(layout)
    if not files:
        raise DatasetError(f"{layout.folder}: it has no annotations.csv with columns {', '.join(NEEDED)}. Add it.")
    return choose_part(files, split, layout.folder)


def _box_files(layout: Layout) -> tuple[str, ...]:
    """Those with the usual names, else all whose first line has the columns of boxes."""
    files = layout.matching(*CSV_FILES)
    usual = ("annotations.csv", "annotations-bbox.csv")
    named = tuple(name for name in files if name.lower().endswith(usual))
    return named or tuple(name for name in files if _has_columns(layout.folder / name))


def _has_columns(path: Path) -> bool:
    columns = {name.strip() for name in next(iter(head_of(path)), "").split(",")}
    return columns.issuperset(NEEDED)


def _class_file(layout: Layout) -> str:
    files = _class_files(layout)
    if not files:
        raise DatasetError(f"{layout.folder}: it has no class-descriptions-boxable.csv. Add the names of the classes.")
    return next((name for name in files if "boxable" in name.lower()), files[0])


def _class_files(layout: Layout) -> tuple[str, ...]:
    return tuple(
        name for name in layout.matching(*CSV_FILES) if "class-descriptions" in name.rpartition("/")[2].lower()
    )


def _nothing(layout: Layout, file: str, reading: _Reading) -> DatasetError:
    missing = list(reading.missing)
    if not missing:
        return DatasetError(f"{layout.folder / file}: it has no rows. Add a line for every box.")
    return no_overlap(layout.folder / file, len(missing), missing[0], "Put the pictures into Images/.")


OPEN_IMAGES = Format(
    "open-images",
    "Open Images",
    (
        Rule(
            "annotations.csv or *-annotations-bbox.csv with ImageID, LabelName, XMin, ...",
            lambda layout: any(_has_columns(layout.folder / name) for name in _box_files(layout)),
        ),
        Rule("class-descriptions-boxable.csv", lambda layout: bool(_class_files(layout))),
        Rule("pictures", lambda layout: bool(pictures(layout))),
    ),
    read_open_images,
)

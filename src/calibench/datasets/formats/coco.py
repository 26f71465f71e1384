"""COCO: one JSON file with pictures, categories, boxes and masks (docs/reference/datasets.md#coco)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from calibench.datasets.folder import check_folder, pictures
from calibench.datasets.formats.box_table import BoxTable, box_fault, make_table, reaches_outside
from calibench.datasets.formats.class_order import ClassOrder, order_classes
from calibench.datasets.formats.coco_file import JSON_FILES, annotation_files, choose_file, load_coco
from calibench.datasets.formats.coco_masks import MaskStore
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_choice import find_picture
from calibench.datasets.formats.picture_names import PictureNames, index_pictures
from calibench.datasets.formats.stated_sizes import check_sizes
from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import NOTHING, Kind, Truth
from calibench.errors import DatasetError


def read_coco(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures that the annotation file names, with their boxes and masks.

    Raises:
        DatasetError: no folder, no annotation file or several, a file that is no JSON of COCO's form, none of its
            pictures in the folder.
    """
    check_folder(layout.folder)
    file = choose_file(layout, options.split)
    reading = _Reading(file.rsplit("/", 1)[-1])
    data = load_coco(layout.folder / file)
    categories = reading.categories(data, layout.folder / file)
    order = order_classes([name for _, name in categories], "the numbers of the categories", options.labels)
    found = reading.images(data, index_pictures(layout.files), _homes(file))
    if not found:
        raise DatasetError(_no_pictures(layout, file, data))
    annotated = isinstance(data.get("annotations"), list)
    classes = {id_: place for (id_, _), place in zip(categories, order.places, strict=True)}
    table, kinds = reading.objects(data, found, classes)
    names = tuple(image.name for image in found)
    reading.unlisted(layout, found)
    reading.check_sizes(layout.folder, found)
    return Listing(
        folder=layout.folder,
        format="coco",
        names=names,
        picture=lambda number: layout.folder / names[number],
        truth=partial(_truth, layout.folder, names, table) if annotated else lambda number: NOTHING,
        annotated=kinds if annotated else frozenset(),
        classes=order.names,
        class_ids=_class_ids(order, categories),
        problems=tuple(reading.problems),
        label_source=order.source,
    )


@dataclass(frozen=True)
class _Image:
    """A picture that is there; height and width as the file says, None where it does not."""

    id: Any
    name: str
    height: float | None
    width: float | None


@dataclass
class _Reading:
    """What is read from one annotation file, and what is wrong with it."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    _missing: dict[Any, tuple[str, str]] = field(default_factory=dict)

    def problem(self, rule: str, where: str, what: str) -> None:
        self.problems.append(Problem(rule, f"{self.file}: {where}", what))

    def categories(self, data: Mapping[str, Any], path: Path) -> list[tuple[int, str]]:
        """Number and name of every category, by number."""
        known: dict[int, str] = {}
        for place, entry in enumerate(data.get("categories") or (), 1):
            id_, name = (entry.get("id"), entry.get("name")) if isinstance(entry, dict) else (None, None)
            if type(id_) is not int or not isinstance(name, str) or not -(2**53) < id_ < 2**53:
                self.problem("category without number or name", f"category {place}", "has no whole number or no name")
            elif id_ in known:
                self.problem("category defined twice", f"category {id_}", f"is defined twice, {known[id_]!r} is kept")
            else:
                known[id_] = name
        if not known and data.get("annotations"):
            raise DatasetError(f"{path}: it defines no categories. Add the list of categories with id and name.")
        return sorted(known.items())

    def images(self, data: Mapping[str, Any], index: PictureNames, homes: tuple[str, ...]) -> list[_Image]:
        """The pictures that are there, by name."""
        found: dict[str, _Image] = {}
        ids: dict[Any, str] = {}
        for place, entry in enumerate(data["images"], 1):
            image = self._image(place, entry, ids)
            if image is None:
                continue
            name, reason = find_picture(index, image.name, homes)
            if name is None:
                self._missing[image.id] = image.name, reason
            elif name in found:
                self.problem("picture named twice", f"image {image.id}", f"names {name} again")
            else:
                found[name] = _Image(image.id, name, image.height, image.width)
        return [found[name] for name in sorted(found)]

    def _image(self, place: int, entry: Any, ids: dict[Any, str]) -> _Image | None:
        id_, name = (entry.get("id"), entry.get("file_name")) if isinstance(entry, dict) else (None, None)
        if not isinstance(id_, int | str) or not isinstance(name, str):
            self.problem("image without number or name", f"image number {place}", "has no id or no file_name")
            return None
        if id_ in ids:
            self.problem("two images with one number", f"image {id_}", f"is defined twice, {ids[id_]} is kept")
            return None
        ids[id_] = name
        height, width = (_side(entry.get(key)) for key in ("height", "width"))
        return _Image(id_, name, height, width)

    def objects(
        self, data: Mapping[str, Any], found: list[_Image], classes: Mapping[int, int]
    ) -> tuple[BoxTable, frozenset[Kind]]:
        """All objects of the pictures that are there; what is wrong with the others becomes a problem."""
        numbers = {image.id: number for number, image in enumerate(found)}
        owners: list[int] = []
        rows: list[tuple[float, ...]] = []
        masks = MaskStore()
        lost = dict.fromkeys(self._missing, 0)
        for where, entry in _annotations(data):
            image_id, category = entry.get("image_id"), entry.get("category_id")
            number = numbers.get(image_id) if isinstance(image_id, int | str) else None
            if number is None and image_id.__hash__ and image_id in lost:
                lost[image_id] += 1
                continue
            label = classes.get(category) if isinstance(category, int) else None
            box = _corners(entry.get("bbox"))
            if number is None:
                self.problem(
                    "annotation of an unknown image", where, f"belongs to image {image_id!r}, which is not listed"
                )
            elif label is None:
                what = f"names category {category!r}, but the file defines {_some(classes)}"
                self.problem("annotation of an unknown class", where, what)
            elif box is None:
                self.problem("annotation without a box", where, "has no bbox of four numbers")
            elif fault := box_fault(box, found[number].height, found[number].width):
                self.problem("box that covers nothing", where, fault)
            else:
                self._outside(where, box, found[number])
                if fault := masks.add(entry.get("segmentation"), found[number].height, found[number].width):
                    self.problem("mask that cannot be used", where, f"{fault}; its box stands for it")
                owners.append(number)
                rows.append((*box, label, bool(entry.get("iscrowd", 0))))
        self._lost(lost)
        return self._table(len(found), owners, rows, masks)

    def _table(
        self, pictures: int, owners: list[int], rows: list[tuple[float, ...]], masks: MaskStore
    ) -> tuple[BoxTable, frozenset[Kind]]:
        if masks.count * 2 <= len(rows):
            return make_table(pictures, owners, rows), frozenset(("objects",))
        mask = partial(_mask_or_box, masks, rows)
        return make_table(pictures, owners, rows, mask=mask), frozenset(("objects", "instances"))

    def _outside(self, where: str, box: tuple[float, ...], image: _Image) -> None:
        if image.height and image.width and reaches_outside(box, image.height, image.width):
            what = f"has a box that reaches outside its picture of {image.width:g} x {image.height:g} and is cut off"
            self.problem("box outside its picture", where, what)

    def _lost(self, lost: Mapping[Any, int]) -> None:
        """The pictures that are named and not there, with the number of their annotations."""
        for id_, (name, reason) in self._missing.items():
            also = f", its {lost[id_]} annotations are left out" if lost[id_] else ""
            self.problem("picture that is not there", f"image {id_}", f"names {name}, which {reason}{also}")

    def unlisted(self, layout: Layout, found: list[_Image]) -> None:
        """Pictures beside those that the file names."""
        if len(layout.matching(*JSON_FILES)) > 1:
            return  # they may belong to another split
        named, homes = {image.name for image in found}, {image.name.rpartition("/")[0] for image in found}
        for name in pictures(layout):
            if name not in named and name.rpartition("/")[0] in homes:
                self.problems.append(Problem("picture without an entry", f"{name}:", f"is not named in {self.file}"))

    def check_sizes(self, folder: Path, found: list[_Image]) -> None:
        """A look at some of the pictures."""
        stated = {image.name: (image.height, image.width) for image in found if image.height and image.width}
        ids = {image.name: image.id for image in found}
        self.problems += check_sizes(folder, stated, lambda name: f"{self.file}: image {ids[name]}")


def _truth(folder: Path, names: tuple[str, ...], table: BoxTable, number: int) -> Truth:
    return Truth(objects=table.objects(number, *upright_size(folder / names[number])))


def _mask_or_box(masks: MaskStore, rows: list[tuple[float, ...]], number: int, height: int, width: int) -> Any:
    left, top, right, bottom = rows[number][:4]
    return masks.get(number, height, width) or [[left, top, right, top, right, bottom, left, bottom]]


def _annotations(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, entry in enumerate(data.get("annotations") or (), 1):
        entry = entry if isinstance(entry, dict) else {}
        id_ = entry.get("id")
        yield f"annotation {id_}" if isinstance(id_, int) else f"annotation number {place}", entry


def _corners(box: Any) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of left, top, width, height; None when it is not four numbers."""
    try:
        left, top, width, height = map(float, box)
    except (TypeError, ValueError, OverflowError):
        return None
    return left, top, left + width, top + height


def _side(value: Any) -> float | None:
    """A side of a picture in pixels, None where it is not said."""
    return value if isinstance(value, int | float) and 0 < value < 1e6 else None


def _some(classes: Mapping[int, int]) -> str:
    """The numbers of the categories, shortly."""
    numbers = sorted(classes)
    return ", ".join(map(str, numbers)) if len(numbers) <= 5 else f"{len(numbers)} from {numbers[0]} to {numbers[-1]}"


def _class_ids(order: ClassOrder, categories: list[tuple[int, str]]) -> tuple[int, ...]:
    """The number of every class; none when a class of the labels file has no number."""
    ids = {place: id_ for place, (id_, _) in zip(reversed(order.places), reversed(categories), strict=True)}
    return tuple(ids[place] for place in range(len(order.names))) if len(ids) == len(order.names) else ()


def _homes(file: str) -> tuple[str, ...]:
    """Folders in which the pictures of an annotation file mostly lie, the likeliest first."""
    folder, _, last = file.rpartition("/")
    split = last.removesuffix(".json").removeprefix("instances_")
    plain = split.rstrip("0123456789")
    names = (split, plain, f"{plain}2017")
    return (*(f"images/{name}" for name in names), *names, "images", folder)


def _no_pictures(layout: Layout, file: str, data: Mapping[str, Any]) -> str:
    named = [str(entry.get("file_name")) for entry in data["images"] if isinstance(entry, dict)]
    such = f", such as {named[0]}," if named else ""
    there = len(pictures(layout))
    return (
        f"{layout.folder}: {file} names {len(data['images'])} pictures{such} but none of them is among the {there} "
        "pictures there. Put the pictures beside their annotations."
    )


COCO = Format(
    "coco",
    "COCO 2014/2017",
    (
        Rule("annotations/instances_*.json", lambda layout: bool(annotation_files(layout))),
        Rule("pictures", lambda layout: bool(pictures(layout))),
    ),
    read_coco,
)

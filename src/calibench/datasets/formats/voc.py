"""Pascal VOC: one XML file a picture, and masks as PNG files (docs/reference/datasets.md#pascal-voc)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from calibench.datasets.folder import check_folder, pictures
from calibench.datasets.formats.box_table import BoxTable, make_table
from calibench.datasets.formats.class_order import ClassOrder, order_classes
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_choice import find_picture
from calibench.datasets.formats.picture_names import index_pictures, no_annotation, no_overlap, stem_of
from calibench.datasets.formats.splits import choose_part
from calibench.datasets.formats.stated_sizes import check_sizes
from calibench.datasets.formats.text_file import read_lines
from calibench.datasets.formats.voc_masks import Color, MaskColors, read_voc_mask
from calibench.datasets.formats.voc_objects import Row, VocObjects, find_classes, read_objects
from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Kind, Truth
from calibench.errors import DatasetError

TWENTY = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant "
    "sheep sofa train tvmonitor"
)
VOC_CLASSES = tuple(TWENTY.split())
ANNOTATIONS, MASKS, INSTANCES, IMAGES = "Annotations", "SegmentationClass", "SegmentationObject", "JPEGImages"
LIST_FOLDERS = ("Main", "Segmentation")


@dataclass(frozen=True)
class _Set:
    """The files of one set.

    Attributes:
        prefix: where it begins: "VOCdevkit/VOC2012/", empty for the folder itself.
        texts, masks: stem -> path of an XML file, of a mask.
        pictures: candidates, masks not among them.
    """

    prefix: str
    texts: dict[str, str]
    masks: dict[str, str]
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class _Labels:
    """Class names, where they come from, and the colour of those that have one -> number of the class."""

    names: tuple[str, ...]
    source: str
    colors: Mapping[Color, int]


@dataclass(frozen=True)
class _Samples:
    """Stem -> picture, in order, and what is wrong with the others."""

    pictures: dict[str, str]
    problems: list[Problem]


def read_voc(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures of a split with their boxes, and with their masks where most have one.

    Raises:
        DatasetError: no folder, no annotations, several sets, a list or label map that cannot be read, or no picture
            that has an annotation.
    """
    check_folder(layout.folder)
    files = _files(layout)
    list_file = _list_file(layout, files, options.split)
    wanted = _listed(layout.folder / list_file) if list_file else None
    names = list(wanted if wanted is not None else files.texts or files.masks)
    has_masks = 2 * sum(name in files.masks for name in names) > len(names)
    present = [name for name in names if name in files.texts]
    labels = _labels(layout, files, present, has_masks)
    order = order_classes(labels.names, labels.source, options.labels)
    annotations = layout.folder / f"{files.prefix}{ANNOTATIONS}"
    read = read_objects(annotations, f"{files.prefix}{ANNOTATIONS}", present, labels.names)
    samples = _samples(files, names, read, list_file, has_masks)
    if not samples.pictures:
        raise _nothing(layout, names, samples.problems)
    problems = [*read.problems, *samples.problems, *_unlisted(files, wanted, samples)]
    problems += _sizes(layout.folder, files, samples, read)
    return _listing(layout, files, samples, _Read(read, order, labels, has_masks), problems)


@dataclass(frozen=True)
class _Read:
    objects: VocObjects
    order: ClassOrder
    labels: _Labels
    has_masks: bool


def _listing(layout: Layout, files: _Set, samples: _Samples, read: _Read, problems: list[Problem]) -> Listing:
    stems = sorted(samples.pictures, key=samples.pictures.__getitem__)
    names = tuple(samples.pictures[stem] for stem in stems)
    rows = [[_ordered(row, read.order) for row in read.objects.rows.get(stem, [])] for stem in stems]
    has_boxes = 2 * sum(stem in read.objects.rows for stem in stems) > len(stems)
    owners = [number for number, own in enumerate(rows) for _ in own]
    table = make_table(len(names), owners, [row for own in rows for row in own]) if has_boxes else None
    masks = {number: files.masks[stem] for number, stem in enumerate(stems) if stem in files.masks and read.has_masks}
    colors = MaskColors(read.order.places, read.labels.colors)
    kinds: dict[Kind, bool] = {"objects": has_boxes, "pixels": read.has_masks}
    return Listing(
        folder=layout.folder,
        format="voc",
        names=names,
        picture=lambda number: layout.folder / names[number],
        truth=partial(_truth, layout.folder, names, table, masks, colors),
        annotated=frozenset(kind for kind, is_there in kinds.items() if is_there),
        classes=read.order.names,
        problems=tuple(problems),
        label_source=read.order.source,
    )


def _truth(
    folder: Path,
    names: Sequence[str],
    table: BoxTable | None,
    masks: Mapping[int, str],
    colors: MaskColors,
    number: int,
) -> Truth:
    picture = folder / names[number]
    objects = None if table is None else table.objects(number, *upright_size(picture))
    pixels = read_voc_mask(folder / masks[number], picture, colors) if number in masks else None
    return Truth(objects=objects, pixels=pixels)


def _ordered(row: Row, order: ClassOrder) -> Row:
    return (*row[:4], order.places[int(row[4])], row[5])


def _files(layout: Layout) -> _Set:
    prefixes = sorted({name.split(f"{inner}/")[0] for name, inner in _annotation_files(layout)})
    if not prefixes:
        raise DatasetError(f"{layout.folder}: it has no {ANNOTATIONS}/*.xml. Add the annotations of Pascal VOC.")
    if len(prefixes) > 1:
        named = ", ".join(prefix.rstrip("/") or "." for prefix in prefixes[:3])
        raise DatasetError(f"{layout.folder}: it holds {len(prefixes)} sets ({named}). Give the folder of one of them.")
    prefix = prefixes[0]
    inside = [name for name in layout.files if name.startswith(prefix)]
    masks = (f"{prefix}{MASKS}/", f"{prefix}{INSTANCES}/")
    own = tuple(name for name in pictures(layout) if name.startswith(prefix) and not name.startswith(masks))
    return _Set(
        prefix, _stems(inside, f"{prefix}{ANNOTATIONS}/", ".xml"), _stems(inside, f"{prefix}{MASKS}/", ".png"), own
    )


def _annotation_files(layout: Layout) -> list[tuple[str, str]]:
    """XML files and masks, with the name of their folder; below at most two other folders."""
    found = []
    for name in layout.files:
        parts = name.split("/")[:-1]
        for inner, ending in ((ANNOTATIONS, ".xml"), (MASKS, ".png")):
            if inner in parts[:3] and name.lower().endswith(ending):
                found.append((name, inner))
    return found


def _stems(files: Iterable[str], folder: str, ending: str) -> dict[str, str]:
    return {
        name[len(folder) : -len(ending)]: name
        for name in files
        if name.startswith(folder) and name.lower().endswith(ending)
    }


def _list_file(layout: Layout, files: _Set, split: str | None) -> str | None:
    """The list of the split: those of Main before those of Segmentation, unless the split says "Segmentation/val"."""
    kind, _, inner = (split or "").rpartition("/")
    for folder in (kind,) if kind else LIST_FOLDERS:
        top = f"{files.prefix}ImageSets/{folder}/"
        lists = [name[len(top) : -4] for name in layout.files if name.startswith(top) and name.endswith(".txt")]
        plain = [name for name in lists if name.rpartition("_")[2] == name or name.rpartition("_")[2] not in lists]
        if plain:  # dog_val.txt says of every picture of val.txt whether there is a dog
            return f"{top}{choose_part(plain, inner or None, layout.folder)}.txt"
    if split:
        raise DatasetError(f"{layout.folder}: no part is called {split!r}, ImageSets holds no such list.")
    return None


def _listed(path: Path) -> list[str]:
    """Names of pictures in the order of the list; "a.jpg" and "a 1" are taken too."""
    names = []
    for _, line in read_lines(path):
        name, _, flag = line.strip().rpartition(" ")
        names.append(stem_of(name.strip() if name and flag in ("1", "0", "-1") else line.strip()))
    return names


def _labels(layout: Layout, files: _Set, stems: Sequence[str], has_masks: bool) -> _Labels:
    file = next((name for name in (f"{files.prefix}labelmap.txt", "labelmap.txt") if name in layout.files), None)
    if file:
        return _label_map(layout.folder / file)
    found = find_classes(layout.folder / f"{files.prefix}{ANNOTATIONS}", stems)
    if set(found) <= set(VOC_CLASSES) and (found or has_masks):
        return _Labels(("background", *VOC_CLASSES) if has_masks else VOC_CLASSES, "the order of Pascal VOC", {})
    if has_masks:
        raise DatasetError(
            f"{layout.folder}: its masks need a label map. Add labelmap.txt with lines such as background:0,0,0::"
        )
    return _Labels(found, "the alphabet: the names in the annotations", {})


def _label_map(path: Path) -> _Labels:
    """Lines "name:r,g,b:parts:actions", the first line is number 0."""
    names: list[str] = []
    colors: dict[Color, int] = {}
    for number, line in read_lines(path):
        if line.lstrip().startswith("#"):
            continue
        name, *rest = (part.strip() for part in line.split(":"))
        color = tuple(int(part) for part in rest[0].split(",") if part.strip().isdecimal()) if rest else ()
        if not name or name in names or len(color) not in (0, 3):
            raise DatasetError(
                f"{path}: line {number} is no new class with a colour. Write name:r,g,b:: and each once."
            )
        if len(color) == 3:
            colors[color[0], color[1], color[2]] = len(names)
        names.append(name)
    if not names:
        raise DatasetError(f"{path}: it names no class. Write one a line: name:r,g,b::")
    return _Labels(tuple(names), path.name, colors)


def _samples(files: _Set, names: list[str], read: VocObjects, list_file: str | None, has_masks: bool) -> _Samples:
    index = index_pictures(files.pictures)
    taken: dict[str, str] = {}
    problems: list[Problem] = []
    missing: list[str] = []
    seen: set[str] = set()
    for name in names:
        picture, reason = find_picture(index, name, (f"{files.prefix}{IMAGES}",))
        if picture is None and name in read.file_names:
            picture, _ = find_picture(index, read.file_names[name], (f"{files.prefix}{IMAGES}",))
        is_annotated = name in (files.masks if has_masks else read.rows)
        where = f"{list_file or files.texts.get(name, name)}:"
        if picture is None:
            problems.append(Problem("picture that is not there", where, f"names picture {name}, which {reason}"))
        elif picture in seen:
            problems.append(Problem("picture named twice", where, f"names {picture} again"))
        elif is_annotated:
            taken[name] = picture
            seen.add(picture)
        elif has_masks or name not in files.texts:
            missing.append(picture)
    return _Samples(taken, problems + no_annotation(missing, "no mask" if has_masks else "no XML file"))


def _unlisted(files: _Set, wanted: list[str] | None, samples: _Samples) -> list[Problem]:
    """Pictures without an annotation file, where no list says which ones belong to the set."""
    if wanted is not None:
        return []
    taken = {*samples.pictures.values()}
    known = {*files.texts, *files.masks}
    loose = [name for name in files.pictures if name not in taken and stem_of(name).rpartition("/")[2] not in known]
    return no_annotation(loose, "no XML file")


def _sizes(folder: Path, files: _Set, samples: _Samples, read: VocObjects) -> tuple[Problem, ...]:
    stated = {name: read.sizes[stem] for stem, name in samples.pictures.items() if stem in read.sizes}
    texts = {name: files.texts[stem] for stem, name in samples.pictures.items() if stem in read.sizes}
    return check_sizes(folder, stated, lambda name: f"{texts[name]}:")


def _nothing(layout: Layout, names: list[str], problems: Sequence[Problem]) -> DatasetError:
    if not names:
        return DatasetError(f"{layout.folder}: its list of pictures is empty. Name one picture a line.")
    if any(problem.rule == "picture that is not there" for problem in problems):
        hint = f"Put the pictures into {IMAGES}."
        return no_overlap(layout.folder, len(names), names[0], hint)
    first = f", the first: {problems[0]}" if problems else ""
    return DatasetError(f"{layout.folder}: none of its {len(names)} annotation files can be used{first}.")


VOC = Format(
    "voc",
    "Pascal VOC 2007/2010/2012",
    (
        Rule(f"folder {ANNOTATIONS} with XML files", lambda layout: bool(_annotation_files(layout))),
        Rule("pictures", lambda layout: bool(pictures(layout))),
    ),
    read_voc,
)

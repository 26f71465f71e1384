"""WIDER FACE: one text file with the faces of all pictures (docs/reference/datasets.md#wider-face)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from calibench.datasets.folder import check_folder, pictures
from calibench.datasets.formats.box_table import BoxTable, box_fault, make_table, reaches_outside
from calibench.datasets.formats.class_order import order_classes
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_choice import find_picture
from calibench.datasets.formats.picture_names import PictureNames, index_pictures, is_picture, no_annotation, no_overlap
from calibench.datasets.formats.splits import choose_part
from calibench.datasets.formats.text_file import Line, read_lines
from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

FILES = ("*_bbx_gt.txt", "*/*_bbx_gt.txt", "*/*/*_bbx_gt.txt")
INVALID = 7  # place in a line: left, top, width, height, blur, expression, illumination, invalid, occlusion, pose
Size = tuple[int, int] | None


def read_wider_face(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures that the text file names, with their faces.

    Raises:
        DatasetError: no folder, no text file or several, one that is no text, or none of its pictures.
    """
    check_folder(layout.folder)
    files = layout.matching(*FILES)
    if not files:
        raise DatasetError(f"{layout.folder}: it has no wider_face_val_bbx_gt.txt. Add the file with the faces.")
    file = choose_part(files, options.split, layout.folder)
    order = order_classes(("face",), "the one class of the format", options.labels)
    reading = _Reading(file, layout.folder, order.places[0])
    reading.read(index_pictures(layout.files))
    if not reading.faces:
        raise _nothing(layout.folder / file, reading)
    names = tuple(sorted(reading.faces))
    rows = [(number, row) for number, name in enumerate(names) for row in reading.faces[name]]
    table = make_table(len(names), [number for number, _ in rows], [row for _, row in rows])
    return Listing(
        folder=layout.folder,
        format="wider-face",
        names=names,
        picture=lambda number: layout.folder / names[number],
        truth=partial(_truth, layout.folder, names, table),
        annotated=frozenset(("objects",)),
        classes=order.names,
        problems=(*reading.problems, *_unlisted(layout, file, reading)),
        label_source=order.source,
    )


@dataclass
class _Reading:
    """The faces of a text file.

    Attributes:
        faces: picture -> left, top, right, bottom, label, is_ignored of its faces.
        named: the names of pictures in the file.
    """

    file: str
    folder: Path
    label: int
    faces: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(self, index: PictureNames) -> None:
        """Take all blocks; what is wrong with a face or a block becomes a problem."""
        lines = read_lines(self.folder / self.file)
        for head, block in self._blocks(lines):
            number, wanted = head[0], head[1].strip()
            self.named[wanted] = None
            name, reason = find_picture(index, wanted)
            where = f"{self.file}: line {number}"
            if name is None:
                self.problem("picture that is not there", where, f"names {wanted}, which {reason}")
            elif name in self.faces:
                self.problem("picture named twice", where, f"names {name} again")
            elif not block or not block[0][1].strip().isdecimal():
                self.problem("picture without a number of faces", where, "is not followed by the number of faces")
            else:
                self._add(name, int(block[0][1].strip()[:9]), block[1:], where)

    def _blocks(self, lines: Sequence[Line]) -> Iterator[tuple[Line, list[Line]]]:
        """The line of a picture, and the lines up to the next."""
        heads = [place for place, (_, text) in enumerate(lines) if is_picture(text.strip())]
        first = heads[0] if heads else len(lines)
        for number, _ in lines[:first]:
            self.problem("line without a picture", f"{self.file}: line {number}", "belongs to no picture")
        for place, end in pairwise([*heads, len(lines)]):
            yield lines[place], list(lines[place + 1 : end])

    def _add(self, name: str, count: int, block: Sequence[Line], where: str) -> None:
        if count == 0 and len(block) == 1 and set(block[0][1].split()) == {"0"}:
            block = ()  # a picture without faces has one line of zeros
        if len(block) != count:
            self.problem("wrong number of faces", where, f"says {count} faces, but {len(block)} lines follow")
        self.faces[name] = []
        size = _size(self.folder / name) if block else None
        for number, text in block:
            self._add_face(self.faces[name], text.split(), f"{self.file}: line {number}", size)

    def _add_face(self, faces: list[tuple[float, ...]], words: list[str], where: str, size: Size) -> None:
        try:
            left, top, width, height = map(float, words[:4])
        except ValueError:
            self.problem("annotation without a box", where, "does not begin with four numbers")
            return
        box = left, top, left + width, top + height
        tall, wide = size or (None, None)
        if fault := box_fault(box, tall, wide):
            self.problem("box that covers nothing", where, fault)
            return
        if tall and wide and reaches_outside(box, tall, wide):
            what = f"has a box that reaches outside its picture of {wide} x {tall} and is cut off"
            self.problem("box outside its picture", where, what)
        faces.append((*box, self.label, len(words) > INVALID and words[INVALID] == "1"))

    def problem(self, rule: str, where: str, what: str) -> None:
        self.problems.append(Problem(rule, where, what))


def _nothing(path: Path, reading: _Reading) -> DatasetError:
    if not reading.named:
        what = "Write the path of a picture, the number of its faces, and a line for each"
        return DatasetError(f"{path}: it names no picture. {what}.")
    if all(problem.rule != "picture that is not there" for problem in reading.problems):
        return DatasetError(f"{path}: no picture can be used, the first problem: {reading.problems[0]}.")
    return no_overlap(path, len(reading.named), next(iter(reading.named)), "Put the pictures into Images/.")


def _truth(folder: Path, names: Sequence[str], table: BoxTable, number: int) -> Truth:
    return Truth(objects=table.objects(number, *upright_size(folder / names[number])))


def _size(path: Path) -> Size:
    """The file says no sizes, so a look at the picture; a broken one is reported when all pictures are checked."""
    try:
        return upright_size(path)
    except DatasetError:
        return None


def _unlisted(layout: Layout, file: str, reading: _Reading) -> list[Problem]:
    """Pictures in the same folders that the file does not name."""
    folders = {name.rpartition("/")[0] for name in reading.faces}
    loose = [name for name in pictures(layout) if name not in reading.faces and name.rpartition("/")[0] in folders]
    ends = {name.rpartition("/")[2] for name in reading.named}
    return no_annotation([name for name in loose if name.rpartition("/")[2] not in ends], f"no entry in {file}")


WIDER_FACE = Format(
    "wider-face",
    "WIDER FACE",
    (
        Rule("Annotations/wider_face_val_bbx_gt.txt", lambda layout: layout.has(*FILES)),
        Rule("pictures", lambda layout: bool(pictures(layout))),
    ),
    read_wider_face,
)

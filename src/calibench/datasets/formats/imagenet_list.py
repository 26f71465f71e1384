"""ImageNet with a list: pictures, and a text file with `name number` for each."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibench.datasets.formats.class_order import ClassOrder, order_classes
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import (
    PictureNames,
    choose_split,
    index_pictures,
    is_picture,
    no_annotation,
    no_overlap,
)
from calibench.datasets.formats.text_file import Line, head_of, read_lines
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

CLASS_FILES = ("synset_words.txt", "LOC_synset_mapping.txt", "synsets.txt", "labels.txt", "classes.txt")
TEXT_LISTS = re.compile(r"(^|_)(rec_)?gt([_.]|$)", re.IGNORECASE)  # such lists hold texts, even where these are numbers
LINE = re.compile(  # a name, then numbers or ids of WordNet synsets
    r'\s*(?:"([^"]+)"(\.\w+)?|(\S.*?))((?:[\s,]+(?:\d{1,6}|n\d{8}))+)[\s,]*'
)
LONGEST_LINE = 4096  # characters; a longer one is no line of a list
MANY = 20  # so many text files in one folder are annotations of single pictures, not lists
HEAD = 20  # lines by which a list is known

Entry = tuple[int, str, tuple[str, ...]]
"""Number of the line, name of the picture, classes."""


@dataclass(frozen=True)
class _Names:
    """Class names and, where the file has them, the synset ids in the same order."""

    file: str
    names: tuple[str, ...]
    synsets: dict[str, int]


def parse_line(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Name of the picture and its classes; None for a line of another form. A name with spaces may stand in quotes."""
    match = LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if match is None:
        return None
    quoted, ending, plain, words = match.groups()
    return (quoted + (ending or "") if quoted else plain), tuple(re.split(r"[\s,]+", words.strip(" \t,")))


def find_lists(layout: Layout) -> dict[str, str]:
    """The lists of a folder by the split that they stand for: "val" for val.txt or ILSVRC2012_val_map.txt."""
    texts = [name for name in layout.files if name.lower().endswith(".txt")]
    folders = Counter(name.rpartition("/")[0] for name in texts)
    lists = [name for name in texts if folders[name.rpartition("/")[0]] <= MANY and _is_list(layout.folder / name)]
    words = [re.search(r"(?<![a-z])(train|val|test)(?![a-z])", Path(name).stem.lower()) for name in lists]
    splits = [word[1] if word else Path(name).stem for word, name in zip(words, lists, strict=True)]
    named = zip(splits, lists, strict=True)
    return {split if splits.count(split) == 1 else Path(name).stem: name for split, name in named}


def _is_list(path: Path) -> bool:
    if TEXT_LISTS.search(path.stem) or path.name in CLASS_FILES[:3]:
        return False
    lines = head_of(path)[:HEAD]
    parsed = filter(None, map(parse_line, lines))
    fitting = sum(is_picture(name) and len(words) == 1 for name, words in parsed)
    return 2 * fitting >= max(len(lines), 1)


def read_imagenet_list(layout: Layout, options: ReadOptions) -> Listing:
    """Pictures with the class that a list gives them.

    Raises:
        DatasetError: no list, not UTF-8, none of its lines fits, or its classes count from 1.
    """
    lists = find_lists(layout)
    if not lists:
        raise DatasetError(f"{layout.folder}: there is no .txt list with a line 'name number' for every picture.")
    chosen = lists[choose_split(lists, options.split, layout.folder)]
    own = _class_names(layout)
    order = order_classes(own.names, own.file or f"the numbers in {chosen}", options.labels)
    entries, problems = _entries(chosen, read_lines(layout.folder / chosen))
    _check_first_class(layout.folder / chosen, entries, own)
    found = index_pictures(layout.files)
    labels, named = _label_pictures(chosen, entries, found, _ClassFinder(order, own), problems)
    if not labels:
        raise _nothing(layout.folder / chosen, entries, problems)
    named |= _named_elsewhere(layout, [name for name in lists.values() if name != chosen], found)
    problems += no_annotation([name for name in found.files if name not in named], f"no line in {chosen}")
    names = tuple(sorted(labels))
    numbers = tuple(labels[name] for name in names)
    return Listing(
        folder=layout.folder,
        format=IMAGENET_LIST.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(label=numbers[index]),
        annotated=frozenset({"label"}),
        classes=order.names,
        labels=numbers,
        problems=tuple(problems),
        label_source=order.source,
    )


@dataclass(frozen=True)
class _ClassFinder:
    order: ClassOrder
    own: _Names

    def find(self, word: str) -> int | None:
        place = self.own.synsets.get(word) if word.startswith("n") else int(word)
        return None if place is None else self.order.index(place)

    def known(self) -> str:
        count = len(self.order.places)
        return f"there are {count} classes, 0 to {count - 1}" if count else "no file gives the order of synsets"


def _entries(list_name: str, lines: Sequence[Line]) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for number, line in lines:
        parsed = parse_line(line)
        if parsed is None:
            problems.append(
                Problem("is no 'name number'", f"{list_name}: line {number}", f"is no 'name number': {_cut(line)}")
            )
        else:
            entries.append((number, *parsed))
    return entries, problems


def _cut(text: str, length: int = 60) -> str:
    return repr(text if len(text) <= length else text[:length] + "...")


def _label_pictures(
    list_name: str, entries: Sequence[Entry], found: PictureNames, classes: _ClassFinder, problems: list[Problem]
) -> tuple[dict[str, int], set[str]]:
    """Picture -> class index, and all pictures that are named; what does not fit goes to the problems."""
    labels: dict[str, int] = {}
    named: set[str] = set()
    for number, name, words in entries:
        where = f"{list_name}: line {number}"
        pictures = found.find(name)
        named.update(pictures)
        label = classes.find(words[0])
        if len(pictures) != 1:
            what = f"names {name}, which is {'missing' if not pictures else f'there {len(pictures)} times'}"
            problems.append(Problem("names a picture that is not there once", where, what))
        elif label is None:
            problems.append(
                Problem("names a class that is not defined", where, f"names class {words[0]}, but {classes.known()}")
            )
        elif pictures[0] in labels:
            problems.append(Problem("names a picture again", where, f"names {name} again; its first line counts"))
        else:
            labels[pictures[0]] = label
            if len(words) > 1:
                what = f"gives {name} {len(words)} classes; the first counts"
                problems.append(Problem("gives several classes", where, what))
    return labels, named


def _check_first_class(path: Path, entries: Sequence[Entry], own: _Names) -> None:
    """Raise DatasetError when the numbers surely count from 1: none is 0, and the last is one too large."""
    numbers = {int(words[0]) for _, _, words in entries if words[0].isdigit()}
    if own.names and numbers and min(numbers) >= 1 and max(numbers) == len(own.names):
        raise DatasetError(
            f"{path}: the classes run from {min(numbers)} to {max(numbers)}, but {own.file} names {len(own.names)}, "
            "which count from 0. Subtract 1 from each."
        )


def _nothing(path: Path, entries: Sequence[Entry], problems: Sequence[Problem]) -> DatasetError:
    if entries and all(each.rule == "names a picture that is not there once" for each in problems[-len(entries) :]):
        return no_overlap(path, len(entries), entries[0][1], "Put the pictures beside the list, or correct the names.")
    first = f", the first: {problems[0]}" if problems else ""
    return DatasetError(f"{path}: none of its lines can be used{first}. Write 'name number' on each line.")


def _named_elsewhere(layout: Layout, lists: Sequence[str], found: PictureNames) -> frozenset[str]:
    """Pictures that the lists of other splits name."""
    parsed = [parse_line(line) for name in lists for _, line in read_lines(layout.folder / name)]
    return frozenset(file for entry in parsed if entry for file in found.find(entry[0]))


def _class_names(layout: Layout) -> _Names:
    by_name = {Path(name).name: name for name in reversed(layout.files)}
    for file in CLASS_FILES:
        if file in by_name and not _is_list(layout.folder / by_name[file]):
            lines = [line.strip() for _, line in read_lines(layout.folder / by_name[file])]
            split = [re.fullmatch(r"(n\d{8})\s*(.*)", line) for line in lines]
            synsets = {match[1]: place for place, match in enumerate(split) if match}
            names = tuple((match[2] or match[1]) if match else line for match, line in zip(split, lines, strict=True))
            return _Names(by_name[file], names, synsets)
    return _Names("", (), {})


PICTURES = Rule("pictures", lambda layout: any(map(is_picture, layout.files)))
LIST = Rule("list, a .txt with a line 'name number' for every picture", lambda layout: bool(find_lists(layout)))
IMAGENET_LIST = Format("imagenet-list", "ImageNet with a list", (PICTURES, LIST), read_imagenet_list)

"""LFW: pictures by person, and pairs of which it is known whether both show the same one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calibench.datasets.formats.class_order import order_classes
from calibench.datasets.formats.face_points import MISSING, Points, read_points
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import (
    PictureNames,
    index_pictures,
    is_picture,
    no_overlap,
)
from calibench.datasets.formats.text_file import Line, read_lines
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Kind, Pair, Truth
from calibench.errors import DatasetError

PAIRS = ("Annotations/pairs.txt", "pairs.txt", "*/pairs.txt")
LANDMARKS = "landmarks.txt"
SHORT = 4  # digits of a number in a picture's name: Aaron_Peirsol_0001.jpg

Who = tuple[str, str]
"""Person and number of the picture, as pairs.txt writes them."""


@dataclass(frozen=True)
class _Question:
    line: int
    first: Who
    second: Who
    is_same: bool


def read_lfw(layout: Layout, options: ReadOptions) -> Listing:
    """All pictures, each with its person and the pairs that it is part of; landmarks where there are some.

    Raises:
        DatasetError: no pictures, no pairs.txt, not one pair of pictures that are there, or a split is wanted.
    """
    found = index_pictures([name for name in layout.files if "/" in name])
    lists = layout.matching(*PAIRS)
    if not lists or not found.files:
        what = "folder of pictures for every person" if lists else "pairs.txt"
        raise DatasetError(f"{layout.folder}: there is no {what}. Give the folder that holds both.")
    if options.split is not None:
        raise DatasetError(f"{layout.folder}: there is no split {options.split}; pairs.txt is one set. Leave it out.")
    questions, problems = _questions(lists[0], read_lines(layout.folder / lists[0]))
    if not questions:
        first = f", the first: {problems[0]}" if problems else ""
        raise DatasetError(f"{layout.folder / lists[0]}: there is no pair in it{first}.")
    names = found.files
    pairs = _pair_pictures(lists[0], questions, found, problems)
    if not pairs:
        person, number = questions[0].first
        hint = "Pictures are named <person>/<person>_0001.jpg."
        raise no_overlap(layout.folder / lists[0], 2 * len(questions), f"{person} {number}", hint)
    points = _points(layout, found, problems)
    persons = [name.split("/")[-2] for name in names]
    own = tuple(sorted(set(persons)))
    order = order_classes(own, "the names of the folders", options.labels)
    label = dict(zip(own, order.places, strict=True))
    labels = tuple(label[person] for person in persons)
    kinds: tuple[Kind, ...] = ("label", "pairs", "points") if points else ("label", "pairs")
    return Listing(
        folder=layout.folder,
        format=LFW.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(
            label=labels[index], pairs=pairs.get(names[index], ()), points=points.get(names[index])
        ),
        annotated=frozenset(kinds),
        classes=order.names,
        labels=labels,
        problems=tuple(problems),
        label_source=order.source,
    )


def _questions(name: str, lines: Sequence[Line]) -> tuple[list[_Question], list[Problem]]:
    """Lines "person n m" (the same) and "person n other m" (not the same); the first may say how many there are."""
    questions: list[_Question] = []
    problems: list[Problem] = []
    for place, (number, line) in enumerate(lines):
        words = line.strip().split("\t") if "\t" in line else line.split()
        words = [word.strip() for word in words]
        if len(words) == 3 and all(words):
            questions.append(_Question(number, (words[0], words[1]), (words[0], words[2]), True))
        elif len(words) == 4 and all(words):
            questions.append(_Question(number, (words[0], words[1]), (words[2], words[3]), words[0] == words[2]))
        elif place > 0 or not all(word.isdigit() for word in words):
            what = "is no pair: a name and two numbers, or a name and a number twice"
            problems.append(Problem("is no pair", f"{name}: line {number}", what))
    return questions, problems


def _pair_pictures(
    name: str, questions: Sequence[_Question], found: PictureNames, problems: list[Problem]
) -> dict[str, tuple[Pair, ...]]:
    """Picture -> its parts in the questions, which are numbered from 0; what does not fit goes to the problems."""
    pairs: dict[str, tuple[Pair, ...]] = {}
    asked: dict[frozenset[str], int] = {}
    for question in questions:
        where = f"{name}: line {question.line}"
        both = [_picture(found, who) for who in (question.first, question.second)]
        first, second = both
        if first is None or second is None:
            person, number = question.first if first is None else question.second
            problems.append(Problem(MISSING, where, f"names picture {number} of {person}, which is missing"))
        elif first == second:
            problems.append(Problem("pairs a picture with itself", where, f"pairs {first} with itself"))
        elif frozenset((first, second)) in asked:
            earlier = asked[frozenset((first, second))]
            problems.append(Problem("repeats a pair", where, f"repeats the pair of line {earlier}"))
        else:
            pair = Pair(len(asked), question.is_same)
            asked[frozenset((first, second))] = question.line
            for picture in (first, second):
                pairs[picture] = (*pairs.get(picture, ()), pair)
    return pairs


def _picture(found: PictureNames, who: Who) -> str | None:
    """ "Aaron_Peirsol", "1" -> ".../Aaron_Peirsol/Aaron_Peirsol_0001.jpg"."""
    person, number = who
    name = f"{person}_{number.zfill(SHORT)}" if re.fullmatch(r"\d+", number) else number
    pictures = found.find(f"{person}/{name}")
    return pictures[0] if len(pictures) == 1 else None


def _points(layout: Layout, found: PictureNames, problems: list[Problem]) -> Mapping[str, Points]:
    lists = layout.matching(f"Annotations/{LANDMARKS}", LANDMARKS, f"*/{LANDMARKS}")
    if not lists:
        return {}
    rows = [(number, line.split()) for number, line in read_lines(layout.folder / lists[0])]
    return read_points(lists[0], rows, found, problems)


def _has_persons(layout: Layout) -> bool:
    """Whether pictures lie in folders whose name begins theirs."""
    parts = (name.rsplit("/", 2)[-2:] for name in layout.files if is_picture(name))
    return any(len(each) > 1 and each[1].startswith(f"{each[0]}_") for each in parts)


LFW = Format(
    "lfw",
    "LFW",
    (
        Rule("pictures <person>/<person>_0001.jpg", _has_persons),
        Rule("Annotations/pairs.txt", lambda layout: layout.has(*PAIRS)),
    ),
    read_lfw,
)

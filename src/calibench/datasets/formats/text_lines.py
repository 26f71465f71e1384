"""Lines of text: small pictures, and a list with what each of them says."""

import re
from collections.abc import Sequence
from pathlib import Path

from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.imagenet_list import parse_line as parse_class_line
from calibench.datasets.formats.picture_names import (
    PictureNames,
    choose_split,
    index_pictures,
    is_picture,
    no_annotation,
    no_overlap,
)
from calibench.datasets.formats.text_file import Line, head_of, read_lines
from calibench.datasets.images import EXTENSIONS
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

LIST = re.compile(
    r"(?:[^/]+/)?(?:[^/]+\.tsv|labels?(?:_\w+)?\.txt|(?:.*[_-])?(?:rec_)?gt(?:[_-][^/]+)?\.txt|words?\.txt)",
    re.IGNORECASE,
)
NAME = r"\S.*?(?:" + "|".join(map(re.escape, EXTENSIONS)) + ")"
FORMS = (  # of a line: name and text
    re.compile(r"(?P<name>[^\t]+)\t(?P<text>.*)"),  # PaddleOCR
    re.compile(rf'(?P<name>{NAME}),\s*"(?P<quoted>.*)"\s*', re.IGNORECASE),  # ICDAR
    re.compile(rf"(?P<name>{NAME})(?:\s*,\s?|\s)(?P<text>.*)", re.IGNORECASE),
)
HEADS = ("file", "filename", "file_name", "image", "img", "path", "name")
SPLIT = re.compile(r"(?<![a-z])(train|val|test)(?![a-z])")
NOT_LEGIBLE = "###"  # ICDAR's sign for a text that nobody can read
HEAD = 20  # lines by which a list is known
LONGEST_LINE = 65536  # characters


def parse_line(line: str) -> tuple[str, str] | None:
    """Name of the picture and its text; None for a line of another form."""
    if len(line) > LONGEST_LINE:
        return None
    for form in FORMS:
        if match := form.fullmatch(line.strip(" \r\n")):
            parts = match.groupdict()
            if parts.get("quoted") is not None:
                return parts["name"], re.sub(r"\\(.)", r"\1", parts["quoted"])
            return parts["name"].strip(), parts["text"].strip()
    return None


def read_text_lines(layout: Layout, options: ReadOptions) -> Listing:
    """Pictures with their text, as the list writes it.

    Raises:
        DatasetError: no list, not UTF-8, or none of its lines fits a picture.
    """
    lists = find_text_lists(layout)
    if not lists:
        raise DatasetError(f"{layout.folder}: there is no list such as rec_gt.txt with a line 'name<TAB>text'.")
    chosen = lists[choose_split(lists, options.split, layout.folder)]
    lines = read_lines(layout.folder / chosen)
    found = index_pictures(layout.files)
    texts, named, problems = _texts(chosen, lines, found)
    if not texts:
        raise _nothing(layout.folder / chosen, lines, problems)
    for other in lists.values():
        if other != chosen:
            named |= _texts(other, read_lines(layout.folder / other), found)[1]
    problems += no_annotation([name for name in found.files if name not in named], f"no line in {chosen}")
    names = tuple(sorted(texts))
    return Listing(
        folder=layout.folder,
        format=TEXT_LINES.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(text=texts[names[index]]),
        annotated=frozenset({"text"}),
        problems=tuple(problems),
    )


def find_text_lists(layout: Layout) -> dict[str, str]:
    """Lists by the split that they stand for, or by the name of the file where two stand for the same."""
    lists = [name for name in layout.files if LIST.fullmatch(name) and _is_list(layout.folder / name)]
    matches = [SPLIT.search(name.lower()) for name in lists]
    splits = [match[1] if match else Path(name).stem for match, name in zip(matches, lists, strict=True)]
    pairs = zip(splits, lists, strict=True)
    return {split if splits.count(split) == 1 else name: name for split, name in pairs}


def _is_list(path: Path) -> bool:
    """Whether most of its first lines begin with the name of a picture, and do not go on with class numbers."""
    parsed = [parse_line(line) for line in head_of(path)[:HEAD]]
    fitting = [entry for entry in parsed if entry and is_picture(entry[0])]
    if not fitting or 2 * len(fitting) < len(parsed):
        return False
    is_text = re.search(r"gt", path.stem, re.IGNORECASE) or path.suffix.lower() == ".tsv"
    return bool(is_text) or any(parse_class_line(f"{name} {text}") is None for name, text in fitting)


def _texts(
    list_name: str, lines: Sequence[Line], found: PictureNames
) -> tuple[dict[str, str], set[str], list[Problem]]:
    """Picture -> text, all pictures that are named, and what does not fit."""
    texts: dict[str, str] = {}
    named: set[str] = set()
    problems: list[Problem] = []
    for place, (number, line) in enumerate(lines):
        parsed = parse_line(line)
        if place == 0 and _is_head(parsed):
            continue
        pictures = found.find(parsed[0]) if parsed else ()
        named.update(pictures)
        fault = _fault(parsed, pictures, texts)
        if fault:
            problems.append(Problem(fault[0], f"{list_name}: line {number}", fault[1]))
        elif parsed:
            texts[pictures[0]] = parsed[1]
    return texts, named, problems


def _fault(parsed: tuple[str, str] | None, pictures: Sequence[str], texts: dict[str, str]) -> tuple[str, str] | None:
    """Rule and sentence for a line that cannot be used."""
    if parsed is None:
        return "is no name with a text", "is no name of a picture with a text behind it"
    name, text = parsed
    if len(pictures) != 1:
        there = f"there {len(pictures)} times" if pictures else "missing"
        return "names a picture that is not there once", f"names {name}, which is {there}"
    if not text:
        return "has no text", f"has no text for {name}"
    if text == NOT_LEGIBLE:
        return "is marked as not legible", f"marks {name} as not legible ({NOT_LEGIBLE})"
    if pictures[0] in texts:
        return "names a picture again", f"names {name} again; its first line counts"
    return None


def _is_head(parsed: tuple[str, str] | None) -> bool:
    return parsed is not None and parsed[0].strip().lower() in HEADS


def _nothing(path: Path, lines: Sequence[Line], problems: Sequence[Problem]) -> DatasetError:
    missing = [each for each in problems if each.rule == "names a picture that is not there once"]
    if missing and len(missing) == len(problems):
        name = missing[0].what.removeprefix("names ").partition(", which is ")[0]
        return no_overlap(path, len(missing), name, "Names are relative to the folder of the list.")
    first = f", the first: {problems[0]}" if problems else ""
    return DatasetError(f"{path}: none of its {len(lines)} lines can be used{first}.")


TEXT_LINES = Format(
    "text-lines",
    "lines of text",
    (
        Rule("pictures", lambda layout: any(map(is_picture, layout.files))),
        Rule(
            "list such as rec_gt.txt, gt.txt, labels.txt or *.tsv with a line 'name<TAB>text' for every picture",
            lambda layout: bool(find_text_lists(layout)),
        ),
    ),
    read_text_lines,
)

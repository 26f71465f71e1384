"""The settings file of a YOLO dataset: data.yaml of Ultralytics, obj.data of Darknet, or only a list of names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.splits import ORDER
from calibench.datasets.formats.text_file import head_of, read_lines, read_text
from calibench.errors import DatasetError
from calibench.settings import ALIAS, plain_yaml

NAME_FILES = ("classes.txt", "obj.names", "*.names", "*/classes.txt", "labels.txt", "*/obj.names")
YAML_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml", "*.yaml", "*.yml")
NO_SPLITS = ("names", "classes", "backup", "eval", "top", "hierarchy", "labels", "map")  # other keys of obj.data
HEAD = 65536  # bytes of a YAML file in which its keys are looked for: lists of 1,000 classes are below that


@dataclass(frozen=True)
class YoloConfig:
    """What a file of settings says.

    Attributes:
        file: where it stands, relative to the folder.
        names: number of a class in the label files -> its name.
        splits: split -> lists or folders of pictures as they are written; empty: all pictures.
        has_points: the lines hold landmarks.
    """

    file: str
    names: dict[int, str]
    splits: Mapping[str, tuple[str, ...]]
    has_points: bool = False


def read_config(layout: Layout) -> YoloConfig:
    """Class names and splits.

    Raises:
        DatasetError: there is no such file, or it cannot be read.
    """
    file = find_config(layout)
    if file is None:
        raise DatasetError(
            f"{layout.folder}: it has no data.yaml, obj.data or classes.txt. Add the names of the classes."
        )
    if file.endswith((".yaml", ".yml")):
        return _from_yaml(layout.folder / file, file)
    if file.endswith(".data"):
        return _from_darknet(layout, file)
    return YoloConfig(file, _named(layout.folder / file), {})


def find_config(layout: Layout) -> str | None:
    """The settings file, else a list of names."""
    for pattern in YAML_FILES:
        for name in layout.matching(pattern):
            keys = {line.partition(":")[0].strip("'\" ") for line in head_of(layout.folder / name, HEAD) if ":" in line}
            if "names" in keys and keys & {"train", "val", "test"}:
                return name
    return next(iter((*layout.matching("obj.data", "*.data"), *name_files(layout))), None)


def name_files(layout: Layout) -> tuple[str, ...]:
    """Lists of class names, the likeliest first."""
    return tuple(name for pattern in NAME_FILES for name in layout.matching(pattern))


def find_below(wanted: str, known: Iterable[str]) -> str | None:
    """The file or folder here that a path of another machine means: the one with the longest equal end."""
    parts = [part for part in wanted.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    there = set(known)
    for start in range(len(parts) + 1):
        tail = "/".join(parts[start:])
        found = sorted((name for name in there if name == tail or (tail and name.endswith(f"/{tail}"))), key=len)
        if found and (tail or not parts):
            return found[0]
    return None


def _from_yaml(path: Path, file: str) -> YoloConfig:
    try:
        data = plain_yaml(read_text(path))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}" if mark else ""
        why = f" ({ALIAS})" if getattr(error, "problem", "") == ALIAS else ""
        raise DatasetError(f"{path}: this is no YAML{at}{why}. Correct it.") from None
    data = data if isinstance(data, dict) else {}
    names = data.get("names")
    pairs = list(enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else ())
    numbered = [(number, str(name)) for number, name in pairs if type(number) is int and number >= 0]
    known = dict(sorted(numbered))
    if not known or len(known) < len(pairs):
        raise DatasetError(f"{path}: its names are no list and no numbers with names. Write names: [dog, cat].")
    splits = {key: _paths(data.get("path"), data[key]) for key in data if key in ORDER and data[key]}
    return YoloConfig(file, known, splits, "kpt_shape" in data)


def _paths(top: Any, given: Any) -> tuple[str, ...]:
    """The places of one split, below `path` where the file has it."""
    places = given if isinstance(given, list) else [given]
    above = f"{top}/" if isinstance(top, str) and top not in (".", "") else ""
    return tuple(f"{above}{place}" for place in places if isinstance(place, str))


def _from_darknet(layout: Layout, file: str) -> YoloConfig:
    path = layout.folder / file
    pairs = [line.partition("=") for _, line in read_lines(path) if not line.lstrip().startswith("#")]
    data = {key.strip().lower(): value.strip() for key, sign, value in pairs if sign}
    names = find_below(data.get("names", ""), layout.files) if data.get("names") else None
    if names is None:
        raise DatasetError(f"{path}: its file of names, {data.get('names', '')!r}, is not there. Add it.")
    splits = {key: (value,) for key, value in data.items() if key not in NO_SPLITS and value}
    return YoloConfig(file, _named(layout.folder / names), splits)


def _named(path: Path) -> dict[int, str]:
    names = dict(enumerate(line.strip() for _, line in read_lines(path)))
    if not names:
        raise DatasetError(f"{path}: this file is empty. List one class name a line, in order.")
    return names

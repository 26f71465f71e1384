"""The annotation file of COCO: which one it is, and its JSON."""

import json
from pathlib import Path
from typing import Any

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.splits import choose_part
from calibench.datasets.formats.text_file import read_text
from calibench.errors import DatasetError

JSON_FILES = ("*.json", "*/*.json", "*/*/*.json")
OTHER_TASKS = ("captions_", "panoptic_", "stuff_", "image_info_", "person_keypoints_")  # beside instances_*.json
KEYS = (b'"images"', b'"annotations"', b'"categories"', b'"info"', b'"licenses"')
LOOKED_AT = 100  # JSON files at most: where there are more, each belongs to one picture
HEAD = 4096  # bytes at both ends of a file, where the names of its parts stand


def choose_file(layout: Layout, split: str | None) -> str:
    """The annotation file of a split, relative to the folder.

    Raises:
        DatasetError: there is none, or several.
    """
    files = annotation_files(layout)
    if not files:
        raise DatasetError(f"{layout.folder}: it has no annotations/instances_*.json. Add COCO's annotation file.")
    return choose_part(files, split, layout.folder)


def annotation_files(layout: Layout) -> tuple[str, ...]:
    """Files of instances; if there are none other JSON files of COCO's form, and if need be those of keypoints."""
    files = layout.matching(*JSON_FILES)
    named = tuple(name for name in files if name.rsplit("/", 1)[-1].lower().startswith("instances"))
    if named:
        return named
    alike = tuple(name for name in files[:LOOKED_AT] if _looks_like_coco(layout.folder / name))
    plain = tuple(name for name in alike if not name.rsplit("/", 1)[-1].lower().startswith(OTHER_TASKS))
    return plain or tuple(name for name in alike if "person_keypoints_" in name)


def load_coco(path: Path) -> dict[str, Any]:
    """What stands in it: a list of images, and lists of annotations and categories if there are any.

    Raises:
        DatasetError: it is no text, no JSON, or has no such lists.
    """
    text = read_text(path)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise DatasetError(
            f"{path}: this is no whole JSON file ({error.msg.lower()} at {at}). Copy it again."
        ) from None
    except (ValueError, RecursionError):
        raise DatasetError(f"{path}: this is no JSON file of COCO's form. Copy it again.") from None
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise DatasetError(f"{path}: it has no list of images. COCO's file holds images, annotations and categories.")
    for key in ("annotations", "categories"):
        if not isinstance(data.get(key, []), list):
            raise DatasetError(f"{path}: its {key} are no list. COCO's file holds images, annotations and categories.")
    return data


def _looks_like_coco(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            ends = file.read(HEAD)
            file.seek(max(0, path.stat().st_size - HEAD))
            ends += file.read()
    except OSError:
        return False
    seen = [key in ends for key in KEYS]
    return sum(seen) >= 2 and any(seen[:3])

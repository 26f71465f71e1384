"""Which class of the dataset a class of the model is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.errors import SettingsError
from calibench.evaluation.class_names import COCO, names_in, normal
from calibench.evaluation.decoders.decoder import Background, Counting
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

IntArray = NDArray[np.int64]

NONE = -1
"""No class of the dataset."""

EMPTY = "otx_empty_lbl"
"""First name in files of OpenVINO Training Extensions for Mask R-CNN, whose outputs number the classes without it."""

COCO_SHARE = 0.5
"""Of the dataset's names that must be COCO's for it to count as a part of COCO: custom sets share a name or two."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """From the model's classes to the dataset's.

    Attributes:
        lookup: int64 [classes of the model], index into the dataset's classes; NONE where it has no such class.
        note: how it was found, for a person.
        names: what the model calls its classes; () where it does not say.
    """

    lookup: IntArray
    note: str
    names: tuple[str, ...] = ()

    def apply(self, labels: IntArray) -> IntArray:
        """Classes of the model [N] -> of the dataset [N]; NONE also for numbers that the model should not have."""
        is_known = (labels >= 0) & (labels < len(self.lookup))
        return np.where(is_known, self.lookup[np.where(is_known, labels, 0)], NONE)


def map_classes(context: Context, counting: Counting) -> ClassMap:
    """Match the classes as the settings say, or as names and numbers suggest.

    Args:
        counting: how the model counts: its classes, and where among them the background is, as far as the outputs show.

    Raises:
        SettingsError: a file with names cannot be read; what the settings ask for is not there; or nothing tells which
            class is which.
    """
    names = model_names(context)
    counting = _settled(counting, names, context)
    if not context.classes:
        return ClassMap(
            np.arange(counting.count or len(names) or 1000, dtype=np.int64), "classes as the model numbers them"
        )
    way = context.settings.class_numbers
    if context.settings.label_offset:
        return _by_index(context, counting, names)
    if way == "auto":
        return _guessed(context, counting, names)
    if way == "name":
        return _by_name(context, _shifted(names, counting, context.settings), names)
    return _by_id(context, counting, names) if way == "id" else _by_index(context, counting, names)


def model_names(context: Context) -> tuple[str, ...]:
    """What the model calls its classes: from the file of the settings, else from the model's own.

    Raises:
        SettingsError: the file cannot be read.
    """
    path = context.settings.class_names
    if path is None:
        return names_in(context.metadata)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Give a file with one class name a line.") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _settled(counting: Counting, names: Sequence[str], context: Context) -> Counting:
    """With what the settings say of the background, or what one class too many says."""
    said, count = context.settings.background, counting.count
    if said != "auto":
        return Counting(count, said)
    is_one_more = count is not None and count - 1 in {len(context.classes), len(names)} - {0}
    fits_as_it_is = count is not None and count in (len(context.classes), len(names))
    background: Background = counting.background
    if background == "none" and is_one_more and not fits_as_it_is:
        background = "first"
    if count is None and names and normal(names[0]) in ("background", "bg"):
        background = "first"
    return Counting(count, background)


def _guessed(context: Context, counting: Counting, names: tuple[str, ...]) -> ClassMap:
    classes, count = context.classes, counting.count
    shown = None if count is None else count - (counting.background != "none")
    numbered = _shifted(names, counting, context.settings)
    if names and any(normal(name) in set(map(normal, classes)) for name in numbered.values()):
        return _by_name(context, numbered, names)
    is_coco = _is_coco(context)
    if shown == len(COCO) and is_coco:
        first = int(counting.background == "first")
        return _by_name(
            context, {place + first: name for place, (_, name) in enumerate(COCO)}, names, "COCO's 80 names"
        )
    if is_coco and shown in (89, 90, 91):
        first = 1 if count == 90 and counting.background == "none" else 0
        return _by_name(context, {number - first: name for number, name in COCO}, names, "COCO's numbers 1..90")
    if is_coco and shown is None and counting.background == "first" and _counts_to_90(context):
        return _by_name(context, dict(COCO), names, "COCO's numbers 1..90")
    if shown in (None, len(classes)):
        return _by_index(context, counting, names)
    raise SettingsError(
        f"The model has {shown} classes, the dataset {len(classes)}, and no names tell which is which. Give "
        "task.class_names (a file with the model's names), or task.class_numbers: index or id."
    )


def _is_coco(context: Context) -> bool:
    known = {name for _, name in COCO}
    return sum(normal(name) in known for name in context.classes) > COCO_SHARE * len(context.classes)


def _counts_to_90(context: Context) -> bool:
    """Whether a dataset of COCO's classes uses its numbers, which have gaps; a few without numbers do not say."""
    numbers = context.class_ids
    if not numbers:
        return len(context.classes) == len(COCO)
    return list(numbers) != list(range(numbers[0], numbers[0] + len(numbers)))


def _shifted(names: Sequence[str], counting: Counting, settings: TaskSettings) -> dict[int, str]:
    """Number in the model -> name: a list that leaves the background out begins behind it."""
    leaves_out = (counting.count is None and settings.background == "first") or counting.count == len(names) + 1
    has_it = bool(names) and normal(names[0]) in ("background", "bg")
    first = int(counting.background == "first" and leaves_out and not has_it)
    if names and names[0] == EMPTY and counting.background == "none":
        first = -1
    return {place + first: name for place, name in enumerate(names) if place + first >= 0}


def _by_name(
    context: Context, numbered: Mapping[int, str], names: tuple[str, ...], source: str = "the model's names"
) -> ClassMap:
    if not numbered:
        raise SettingsError("Classes should be matched by name, but the model has no names. Give task.class_names.")
    places = {normal(name): place for place, name in reversed(list(enumerate(context.classes)))}
    lookup = np.full(max(numbered) + 1, NONE, np.int64)
    for number, name in numbered.items():
        lookup[number] = places.get(normal(name), NONE)
    matched = len(set(lookup.tolist()) - {NONE})
    if not matched:
        raise SettingsError(
            f"None of the model's classes ({_few(list(numbered.values()))}) is one of the dataset's "
            f"({_few(context.classes)}). Give task.class_names, or task.class_numbers: index or id."
        )
    return ClassMap(lookup, f"classes by name, from {source}: {matched} of {len(context.classes)}", names)


def _by_index(context: Context, counting: Counting, names: tuple[str, ...]) -> ClassMap:
    offset = context.settings.label_offset or int(counting.background == "first")
    lookup = np.full(max(len(context.classes) + offset, counting.count or 0), NONE, np.int64)
    for place in range(len(context.classes)):
        if place + offset >= 0:
            lookup[place + offset] = place
    where = f", the model's from {offset}" if offset else ""
    return ClassMap(lookup, f"classes by their place in the list{where}", names)


def _by_id(context: Context, counting: Counting, names: tuple[str, ...]) -> ClassMap:
    if not context.class_ids:
        raise SettingsError(
            "Classes should be matched by number, but the dataset has none. Set task.class_numbers: index."
        )
    leaves_out_zero = counting.count == max(context.class_ids) and counting.background == "none"
    first = -1 if leaves_out_zero and 0 not in context.class_ids else 0
    lookup = np.full(max(context.class_ids) + 1 + first, NONE, np.int64)
    for place, number in enumerate(context.class_ids):
        lookup[number + first] = place
    return ClassMap(lookup, "classes by the numbers of the dataset", names)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")

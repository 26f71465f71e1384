"""The one place that knows Datumaro: it reads a folder, and what it finds leaves as plain values.

A broken picture or annotation does not end the reading: Datumaro reports it to a policy, which keeps it as a Fault.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibench.datasets.listing import Problem
from calibench.datasets.truth import Objects
from calibench.errors import DatasetError


@dataclass(frozen=True)
class Item:
    """One sample as Datumaro gives it.

    Attributes:
        name: Datumaro's id: mostly the path of the picture without its suffix.
        picture: path of the picture as Datumaro supposes it, whether or not it is there; None where it names none.
        size: height, width as the annotation says; None where it does not.
        annotations: Datumaro's own: Label, Bbox, Mask, Points, ... told apart by `kind`.
        attributes: what else the format says of the sample.
    """

    name: str
    subset: str
    picture: Path | None
    size: tuple[int, int] | None
    annotations: tuple[Any, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A sample or an annotation that Datumaro could not read, and why.

    Attributes:
        name: id of the sample, empty where Datumaro does not know it.
        is_sample: the whole sample was left out, not one annotation of it.
        kind: name of Datumaro's error, such as "UndeclaredLabelError".
        what: the reason in Datumaro's words, one line.
    """

    name: str
    subset: str
    is_sample: bool
    kind: str
    what: str


@dataclass(frozen=True)
class Items:
    """What Datumaro read: samples in its order, class names in the order of their index, and what it left out."""

    items: tuple[Item, ...]
    classes: tuple[str, ...]
    faults: tuple[Fault, ...]


def read_items(folder: Path, datumaro_format: str, **options: Any) -> Items:
    """Read a folder (or the file that a format begins with) as one of Datumaro's formats.

    Args:
        datumaro_format: Datumaro's name, such as "voc_detection".
        options: passed to Datumaro's reader.

    Raises:
        DatasetError: Datumaro is not installed, or it can read nothing at all.
    """
    dataset_type, policy_type = _datumaro()
    faults: list[Fault] = []
    try:
        with _quiet():
            read = dataset_type.import_from(str(folder), datumaro_format, error_policy=policy_type(faults), **options)
            items = tuple(_item(each) for each in read)
            classes = _classes(read.categories())
    except Exception as error:  # Datumaro's readers raise whatever their parsers raise: all of it is about the files
        raise DatasetError(
            f"{folder}: this cannot be read as {datumaro_format} ({reason_of(error)}). Give the folder that holds the "
            "whole dataset, or another --format."
        ) from None
    return Items(items, classes, tuple(faults))


def kind(annotation: Any) -> str:
    """What an annotation of Datumaro's is: "label", "bbox", "mask", "polygon", "points", "caption", ..."""
    return str(annotation.type.name)


def label_of(item: Item) -> int | None:
    """Class index of a sample: its first Label; None without one."""
    return next(
        (int(each.label) for each in item.annotations if kind(each) == "label" and each.label is not None), None
    )


def objects_of(item: Item, is_ignored: Callable[[Any], bool] = lambda annotation: False) -> Objects:
    """All boxes of a sample that name a class; coordinates as the format gives them."""
    found = [each for each in item.annotations if kind(each) == "bbox" and each.label is not None]
    boxes = np.array([each.points for each in found], np.float32).reshape(-1, 4)
    labels = np.array([each.label for each in found], np.int64)
    return Objects(boxes, labels, np.array([is_ignored(each) for each in found], np.bool_))


def as_problems(faults: tuple[Fault, ...], where: Callable[[str], str]) -> tuple[Problem, ...]:
    """Faults as problems in Datumaro's words.

    Args:
        where: name of a sample -> the file to look at, such as "Annotations/000017.xml".
    """
    rules = {True: "sample cannot be read", False: "annotation cannot be read"}
    return tuple(Problem(rules[each.is_sample], f"{where(each.name)}:", each.what) for each in faults)


def reason_of(error: BaseException) -> str:
    """What an error of Datumaro's says at its root, in one line without a full stop."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def _datumaro() -> tuple[Any, Any]:
    """Its Dataset, and our policy, which can only be defined when Datumaro is there."""
    try:
        with _quiet():
            from datumaro.components.contexts.importer import ImportErrorPolicy  # type: ignore[import-untyped]
            from datumaro.components.dataset import Dataset  # type: ignore[import-untyped]
    except ImportError:
        raise DatasetError(
            "Reading this format needs Datumaro. Install it: pip install 'calibench[datasets]'."
        ) from None

    class Collect(ImportErrorPolicy):  # type: ignore[misc]
        """Keeps every error and lets the reading go on."""

        def __init__(self, faults: list[Fault]) -> None:
            self.faults = faults

        def report_item_error(self, error: Exception, *, item_id: tuple[str, str]) -> None:
            self._keep(error, item_id, is_sample=True)

        def report_annotation_error(self, error: Exception, *, item_id: tuple[str, str]) -> None:
            self._keep(error, item_id, is_sample=False)

        def _keep(self, error: Exception, item_id: tuple[str, str], *, is_sample: bool) -> None:
            name, subset = ("" if each is None else str(each) for each in item_id)
            self.faults.append(Fault(name, subset, is_sample, type(error).__name__, reason_of(error)))

    return Dataset, Collect


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines and no warnings.

    Datumaro logs through the functions of `logging`, which give the root logger a handler when it has none; ours
    stands there meanwhile, so that nothing is left behind in the program that called us.
    """
    handler, before = logging.NullHandler(), logging.root.manager.disable
    logging.root.addHandler(handler)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        logging.root.removeHandler(handler)


def _item(read: Any) -> Item:
    media = read.media
    path = getattr(media, "path", None)
    size = getattr(media, "_size", None)  # the property `size` would open the picture
    return Item(
        str(read.id),
        str(read.subset),
        Path(path) if path else None,
        None if size is None else (int(size[0]), int(size[1])),
        tuple(read.annotations),
        dict(read.attributes),
    )


def _classes(categories: Any) -> tuple[str, ...]:
    for type_, category in categories.items():
        if type_.name == "label":
            return tuple(str(each.name) for each in category.items)
    return ()

"""CIFAR-10 and CIFAR-100: pictures of 32 x 32 pixels in Python pickles or in binary files."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.class_order import ClassOrder, order_classes, read_names
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import choose_split
from calibench.datasets.formats.safe_pickle import FAILURES, UnsafePickleError, load_plain
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

SIDE = 32  # pixels
BYTES = 3 * SIDE * SIDE  # of a picture: all red values, then green, then blue, row by row
BATCH = re.compile(r"(?:.*/)?(?:data_batch_\d+|test_batch|train|test)(?:\.bin)?")
NAMES = {"batches.meta", "meta", "batches.meta.txt", "fine_label_names.txt"}


@dataclass(frozen=True)
class _Batch:
    """One file: uint8 [N, 3072] and the class numbers [N]."""

    name: str
    pixels: NDArray[np.uint8]
    labels: Sequence[int]


def read_cifar(layout: Layout, options: ReadOptions) -> Listing:
    """The pictures of the test batch, or of the batches of the wanted split.

    Raises:
        DatasetError: no batch, all of them damaged or unsafe, or class names that cannot be read.
    """
    splits = _splits(layout)
    if not splits:
        raise DatasetError(f"{layout.folder}: there is no data_batch_1, test_batch, train or test. Give their folder.")
    split = choose_split(splits, options.split, layout.folder)
    own, source = _class_names(layout.folder, splits[split][0])
    order = order_classes(own, source or "the numbers in the batches", options.labels)
    batches, problems = _batches(layout.folder, splits[split])
    kept = [_Kept(batch, number, index) for batch in batches for number, index in _known(batch, order, problems)]
    if not kept:
        raise DatasetError(f"{layout.folder}: no picture of {split} can be used, the first: {problems[0]}.")
    if not source:
        problems.append(Problem("has no class names", f"{layout.folder.name}:", "there is no batches.meta or meta"))
    labels = tuple(each.label for each in kept)
    return Listing(
        folder=layout.folder,
        format=CIFAR.name,
        names=tuple(f"{each.batch.name}/{each.number}" for each in kept),
        picture=lambda index: kept[index].picture(),
        truth=lambda index: Truth(label=labels[index]),
        annotated=frozenset({"label"}),
        classes=order.names,
        labels=labels,
        problems=tuple(problems),
        label_source=order.source,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A picture of a batch whose class is known."""

    batch: _Batch
    number: int
    label: int

    def picture(self) -> NDArray[np.uint8]:
        planes = self.batch.pixels[self.number].reshape(3, SIDE, SIDE)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))


def _splits(layout: Layout) -> dict[str, list[str]]:
    """Batches by split, those in pickles before those in binary files, those of one folder only."""
    found = [name for name in layout.files if BATCH.fullmatch(name) and name.count("/") <= 1]
    splits: dict[str, list[str]] = {}
    for name in sorted(found, key=lambda name: (name.endswith(".bin"), name.count("/"), name)):
        split = "test" if Path(name).stem in ("test", "test_batch") else "train"
        first = splits.setdefault(split, [name])[0]
        same = Path(name).parent == Path(first).parent and Path(name).suffix == Path(first).suffix
        if same and name != first:
            splits[split].append(name)
    return splits


def _known(batch: _Batch, order: ClassOrder, problems: list[Problem]) -> list[tuple[int, int]]:
    """Number of each picture whose class is defined, and the index of the class."""
    known = []
    for number, label in enumerate(batch.labels):
        index = order.index(label)
        if index is None:
            what = f"names class {label}, but there are {len(order.places)} classes"
            problems.append(Problem("names a class that is not defined", f"{batch.name}: picture {number}", what))
        else:
            known.append((number, index))
    return known


def _batches(folder: Path, names: Sequence[str]) -> tuple[list[_Batch], list[Problem]]:
    """All batches that can be read; the others are problems."""
    batches, problems = [], []
    for name in names:
        read = _binary if name.endswith(".bin") else _pickled
        try:
            batches.append(read(folder / name, name.removesuffix(".bin")))
        except DatasetError as error:
            what = str(error).removeprefix(f"{folder / name}: ").rstrip(".")
            problems.append(Problem("cannot be read", f"{name}:", what))
    return batches, problems


def _pickled(path: Path, name: str) -> _Batch:
    held = _load(path)
    pixels = held.get("data")
    labels = held.get("fine_labels", held.get("labels"))
    if isinstance(labels, np.ndarray):
        labels = labels.ravel().tolist()
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim == 0:
        raise DatasetError(f"{path}: it holds no uint8 array named data.")
    if not isinstance(labels, list) or not all(type(each) is int for each in labels):
        raise DatasetError(f"{path}: it holds no list of numbers named labels or fine_labels.")
    if pixels.size != len(pixels) * BYTES or len(pixels) != len(labels):
        raise DatasetError(
            f"{path}: its data are {list(pixels.shape)} values with {len(labels)} labels, but {len(labels)} pictures "
            f"have [{len(labels)}, {BYTES}]."
        )
    return _Batch(name, pixels.reshape(-1, BYTES), labels)


def _load(path: Path) -> Mapping[str, Any]:
    """The dictionary of a pickle, its keys as text.

    Raises:
        DatasetError: unsafe, damaged, or no dictionary.
    """
    try:
        held = load_plain(path.read_bytes())
    except UnsafePickleError as error:
        raise DatasetError(f"{path}: this pickle is refused, {error}; CIFAR holds arrays and text only.") from None
    except FAILURES:
        raise DatasetError(f"{path}: this pickle is damaged. Fetch it again.") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from None
    if not isinstance(held, dict):
        raise DatasetError(f"{path}: this pickle holds no dictionary. Give CIFAR's own files.")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in held.items()}


def _binary(path: Path, name: str) -> _Batch:
    """CIFAR-10: class, picture; CIFAR-100: coarse class, fine class, picture; one byte a value."""
    head = 2 if path.stem in ("train", "test") else 1
    size = path.stat().st_size
    if size == 0 or size % (head + BYTES):
        raise DatasetError(f"{path}: it has {size} bytes, no multiple of the {head + BYTES} of a picture.")
    records = np.memmap(path, np.uint8, mode="r").reshape(-1, head + BYTES)
    return _Batch(name, records[:, head:], records[:, head - 1].tolist())


def _class_names(folder: Path, batch: str) -> tuple[tuple[str, ...], str]:
    """Class names beside a batch and the file that holds them; nothing where there is none."""
    beside = (folder / batch).parent
    readers: dict[str, Callable[[Path], tuple[str, ...]]] = {
        "batches.meta": _pickled_names,
        "meta": _pickled_names,
        "batches.meta.txt": read_names,
        "fine_label_names.txt": read_names,
    }
    is_binary = batch.endswith(".bin")
    for name, read in readers.items():
        if name.endswith(".txt") == is_binary and (beside / name).is_file():
            return read(beside / name), name
    return (), ""


def _pickled_names(path: Path) -> tuple[str, ...]:
    held = _load(path)
    names = held.get("fine_label_names", held.get("label_names"))
    if not isinstance(names, list) or not names:
        raise DatasetError(f"{path}: it holds no list named label_names or fine_label_names.")
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)


CIFAR = Format(
    "cifar",
    "CIFAR-10/100",
    (
        Rule(
            "batch: data_batch_1, test_batch, train or test, or these with .bin", lambda layout: bool(_splits(layout))
        ),
        Rule(
            "class names: batches.meta or meta, or with .bin files batches.meta.txt or fine_label_names.txt",
            lambda layout: any(name.rpartition("/")[2] in NAMES for name in layout.files),
        ),
    ),
    read_cifar,
)

"""MNIST and those like it: pictures and labels in IDX files, packed with gzip or not."""

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.class_order import ClassOrder, order_classes, read_names
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import choose_split
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

PICTURES = re.compile(r"(?P<start>(?:.*[/-])?)(?P<split>[A-Za-z0-9]+)-images[-.]idx[34][-.]ubyte(?:\.gz)?")
UBYTE = 0x08  # type of a value in the third byte of an IDX file
PART = 1 << 20  # bytes read at once
LARGEST = 4 << 30  # bytes of one file; a header that says more is damaged


@dataclass(frozen=True)
class _Files:
    pictures: str
    labels: str | None


def read_idx(layout: Layout, options: ReadOptions) -> Listing:
    """The test pictures, or those of the wanted split ("t10k" is "test").

    Raises:
        DatasetError: no IDX files, no labels, or damaged ones.
    """
    splits = _splits(layout)
    if not splits:
        raise DatasetError(f"{layout.folder}: there is no file such as t10k-images-idx3-ubyte. Give their folder.")
    split = choose_split(splits, options.split, layout.folder)
    files = splits[split]
    if files.labels is None:
        raise DatasetError(
            f"{layout.folder / files.pictures}: its labels are missing. Put {_labels_name(files)} beside."
        )
    problems: list[Problem] = []
    pixels = _pictures(layout.folder / files.pictures, problems)
    labels = _read(layout.folder / files.labels, (1,), problems)
    _check_count(layout.folder, files, pixels, labels, problems)
    order = order_classes(*_class_names(layout, files.labels), options.labels)
    kept = _known(files.labels, labels[: len(pixels)], order, problems)
    if not kept:
        raise DatasetError(f"{layout.folder / files.labels}: no picture can be used{_first(problems)}.")
    numbers = tuple(index for _, index in kept)
    start = Path(files.pictures).name.split("-images")[0]
    return Listing(
        folder=layout.folder,
        format=MNIST_IDX.name,
        names=tuple(f"{start}/{number}" for number, _ in kept),
        picture=lambda index: np.array(pixels[kept[index][0]]),
        truth=lambda index: Truth(label=numbers[index]),
        annotated=frozenset({"label"}),
        classes=order.names,
        labels=numbers,
        problems=tuple(problems),
        label_source=order.source,
    )


def _splits(layout: Layout) -> dict[str, _Files]:
    """Files by split; the unpacked ones are taken where both are there."""
    splits: dict[str, _Files] = {}
    for name in layout.files:  # sorted: x before x.gz
        match = PICTURES.fullmatch(name) if "idx" in name and name.count("/") <= 2 else None
        if match:
            split = "test" if match["split"] == "t10k" else match["split"]
            start = f"{match['start']}{match['split']}-labels"
            wanted = re.compile(re.escape(start) + r"[-.]idx1[-.]ubyte(?:\.gz)?")
            splits.setdefault(split, _Files(name, next(filter(wanted.fullmatch, layout.files), None)))
    return splits


def _labels_name(files: _Files) -> str:
    return re.sub(r"images([-.])idx[34]", r"labels\1idx1", Path(files.pictures).name)


def _pictures(path: Path, problems: list[Problem]) -> NDArray[np.uint8]:
    """uint8 [N, H, W] or [N, H, W, 3]."""
    pixels = _read(path, (3, 4), problems)
    if pixels.ndim == 4 and pixels.shape[3] != 3:
        raise DatasetError(f"{path}: its pictures have {pixels.shape[3]} channels; 3 are read, or none (gray).")
    return pixels


def _read(path: Path, ranks: tuple[int, ...], problems: list[Problem]) -> NDArray[np.uint8]:
    """The array of an IDX file; of a file that is cut off the whole parts.

    Raises:
        DatasetError: damaged, or no array of bytes with so many axes.

    Source: the description of the format with MNIST: two zero bytes, type, number of axes, sizes as 4 bytes each, the
    high byte first, then the values.
    """
    try:
        with _open(path) as file:
            shape = _shape(path, file.read(4), file, ranks)
            size = int(np.prod(shape, dtype=object))
            data, cut = _at_most(file, size)
            rest = b"" if cut else file.read(1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: this file is damaged ({_reason(error)}). Fetch it again.") from None
    part = max(int(np.prod(shape[1:], dtype=object)), 1)
    whole = len(data) // part
    if whole < shape[0]:
        problems.append(Problem("is cut off", f"{path.name}:", f"holds {whole} of the {shape[0]} that its header says"))
    if rest:
        problems.append(Problem("is too long", f"{path.name}:", f"goes on behind the {shape[0]} that its header says"))
    return np.frombuffer(data, np.uint8, whole * part).reshape(whole, *shape[1:])


def _open(path: Path) -> io.BufferedReader:
    return cast(io.BufferedReader, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _shape(path: Path, magic: bytes, file: io.BufferedReader, ranks: tuple[int, ...]) -> tuple[int, ...]:
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DatasetError(f"{path}: this is no IDX file: it begins with {magic.hex() or 'nothing'}. Fetch it again.")
    if magic[2] != UBYTE or magic[3] not in ranks:
        raise DatasetError(
            f"{path}: its values are of type {magic[2]:#04x} with {magic[3]} axes; bytes (0x08) with "
            f"{' or '.join(map(str, ranks))} axes are read."
        )
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DatasetError(f"{path}: the header is cut off. Fetch it again.")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if 0 in shape[1:] or np.prod(shape, dtype=object) > LARGEST:
        fault = "which are no pictures" if 0 in shape[1:] else "more than a file can hold"
        raise DatasetError(f"{path}: its header says {list(shape)}, {fault}. Fetch it again.")
    return shape


def _at_most(file: io.BufferedReader, size: int) -> tuple[bytes, bool]:
    """As many bytes as there are, up to `size`, and whether they end too early."""
    parts: list[bytes] = []
    held = 0
    try:
        while held < size and (part := file.read1(min(size - held, PART))):
            parts.append(part)
            held += len(part)
    except EOFError:  # gzip was cut off: what was read before counts
        pass
    return b"".join(parts), held < size


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _check_count(
    folder: Path, files: _Files, pixels: NDArray[np.uint8], labels: NDArray[np.uint8], problems: Sequence[Problem]
) -> None:
    """Raise DatasetError when two whole files do not belong together."""
    if len(pixels) != len(labels) and not any(each.rule == "is cut off" for each in problems):
        raise DatasetError(
            f"{folder / files.pictures}: holds {len(pixels)} pictures, but {files.labels} holds {len(labels)} labels. "
            "Take both from the same set."
        )


def _class_names(layout: Layout, labels: str) -> tuple[tuple[str, ...], str]:
    beside = (layout.folder / labels).parent / "labels.txt"
    if beside.is_file():
        return read_names(beside), "labels.txt"
    return (), f"the numbers in {Path(labels).name}"


def _known(name: str, labels: NDArray[np.uint8], order: ClassOrder, problems: list[Problem]) -> list[tuple[int, int]]:
    """Number of each picture whose class is defined, and the index of the class."""
    known = []
    for number, label in enumerate(labels.tolist()):
        index = order.index(label)
        if index is None:
            what = f"names class {label}, but there are {len(order.places)} classes"
            problems.append(Problem("names a class that is not defined", f"{name}: label {number}", what))
        else:
            known.append((number, index))
    return known


def _first(problems: Sequence[Problem]) -> str:
    return f", the first: {problems[0]}" if problems else ": it is empty"


MNIST_IDX = Format(
    "mnist",
    "MNIST (IDX files)",
    (
        Rule(
            "pictures such as t10k-images-idx3-ubyte or train-images-idx3-ubyte.gz",
            lambda layout: bool(_splits(layout)),
        ),
        Rule(
            "labels such as t10k-labels-idx1-ubyte",
            lambda layout: any(files.labels for files in _splits(layout).values()),
        ),
    ),
    read_idx,
)

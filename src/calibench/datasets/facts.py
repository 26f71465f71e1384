"""What a dataset holds, for a person who wants to see whether it was understood."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from calibench.datasets.detect import find_format, holds_images, list_pictures
from calibench.datasets.formats.format import Layout
from calibench.datasets.images import damage, upright_size
from calibench.datasets.labelled_texts import read_texts
from calibench.datasets.listing import Listing, Problem
from calibench.datasets.npz import BROKEN, read_arrays
from calibench.datasets.texts import table_in
from calibench.errors import DatasetError
from calibench.progress import Progress
from calibench.settings import DataSettings

SIZES_LOOKED_AT = 2000
"""Pictures whose size is looked at: headers of a whole ImageNet would take a minute."""
TRUTHS_LOOKED_AT = 2000
"""Samples whose objects are counted."""


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset at a glance.

    Attributes:
        title: of the format, for a person.
        classes: names by index.
        counts: samples (or objects) of each class, by index, as far as they were looked at.
        objects: how many boxes were counted; None where the dataset has none.
        sizes: smallest and largest height and width in pixels; None where samples are no pictures.
        unreadable: path and reason of each picture that looks damaged.
        columns: what a table or an array file holds, for a person.
    """

    path: Path
    format: str
    title: str
    samples: int
    annotated: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    label_source: str = ""
    counts: tuple[tuple[int, int], ...] = ()
    objects: int | None = None
    looked_at: int = 0
    sizes: tuple[int, int, int, int] | None = None
    problems: tuple[Problem, ...] = ()
    unreadable: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    listing: Listing | None = None


def dataset_facts(path: Path, data: DataSettings, threads: int, progress: Progress) -> DatasetFacts:
    """Look at a dataset without a model.

    Raises:
        DatasetError: it cannot be read; names the nearest format and the first rule that it breaks.
        SettingsError: there is no such format.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder. Give a model, or a dataset.")
    if holds_images(path, data):
        return _of_pictures(path, data, threads, progress)
    table = table_in(path)
    if data.format == "text" or table is not None:
        return _of_texts(path, data)
    return _of_arrays(path)


def _of_pictures(path: Path, data: DataSettings, threads: int, progress: Progress) -> DatasetFacts:
    listing = list_pictures(path, data)
    unreadable = tuple(_damaged(listing, threads, progress))
    counts, objects, looked_at = _count(listing)
    return DatasetFacts(
        path=path,
        format=listing.format,
        title=find_format(Layout(path), listing.format).title,
        samples=len(listing),
        annotated=tuple(sorted(listing.annotated)),
        classes=listing.classes,
        label_source=listing.label_source,
        counts=counts,
        objects=objects,
        looked_at=looked_at,
        sizes=_sizes(listing),
        problems=listing.problems,
        unreadable=unreadable,
        listing=listing,
    )


def _of_texts(path: Path, data: DataSettings) -> DatasetFacts:
    table = table_in(path)
    if table is None:
        raise DatasetError(f"{path}: this holds no table of texts. Give a .csv or .tsv file.")
    texts = read_texts(table, data)
    counts = () if texts.labels is None else tuple(sorted(Counter(texts.labels).items()))
    return DatasetFacts(
        path=path,
        format="text",
        title="table of texts",
        samples=len(texts.texts),
        annotated=() if texts.labels is None else ("label",),
        classes=texts.classes,
        counts=counts,
        looked_at=len(texts.texts),
        problems=texts.problems,
        columns=tuple(repr(text[:60]) for text in texts.texts[0]) if texts.texts else (),
    )


def _of_arrays(path: Path) -> DatasetFacts:
    files = sorted(each for each in path.iterdir() if each.suffix in (".npz", ".npy")) if path.is_dir() else [path]
    if not files:
        raise DatasetError(f"{path}: no .npz or .npy files in this folder. Leave --format out, or give another folder.")
    try:
        found = read_arrays(files[0])
    except BROKEN:
        raise DatasetError(f"{files[0]}: cannot be read as arrays. Save plain arrays with numpy.savez.") from None
    arrays = found if isinstance(found, dict) else {"array": found}
    samples = len(files) if path.is_dir() else min((len(array) for array in arrays.values() if array.ndim), default=0)
    said = tuple(f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items())
    annotated = ("label",) if "labels" in arrays else ()
    return DatasetFacts(path, "arrays", "NumPy arrays", samples, annotated, columns=said)


def _damaged(listing: Listing, threads: int, progress: Progress) -> Iterator[str]:
    """Every picture file that looks damaged, with the reason."""

    def look(number: int) -> str | None:
        picture = listing.picture(number)
        return damage(picture) if isinstance(picture, Path) else None

    with ThreadPoolExecutor(threads) as pool:
        for number, why in enumerate(pool.map(look, range(len(listing)), chunksize=64)):
            if why is not None:
                yield f"{listing.names[number]}: {why}"
            progress("read", number + 1, len(listing))


def _count(listing: Listing) -> tuple[tuple[tuple[int, int], ...], int | None, int]:
    """Samples or objects of every class, the number of objects, and how many samples were looked at for it."""
    if "objects" in listing.annotated:
        counts: Counter[int] = Counter()
        looked_at = min(len(listing), TRUTHS_LOOKED_AT)
        for number in range(looked_at):
            found = listing.truth(number).objects
            if found is not None:
                counts.update(int(label) for label in found.labels)
        return tuple(sorted(counts.items())), sum(counts.values()), looked_at
    if listing.labels is not None:
        return tuple(sorted(Counter(listing.labels).items())), None, len(listing)
    return (), None, 0


def _sizes(listing: Listing) -> tuple[int, int, int, int] | None:
    sizes = []
    for number in range(min(len(listing), SIZES_LOOKED_AT)):
        picture = listing.picture(number)
        try:
            sizes.append(upright_size(picture) if isinstance(picture, Path) else picture.shape[:2])
        except DatasetError:
            continue  # said among the unreadable ones
    if not sizes:
        return None
    heights, widths = [size[0] for size in sizes], [size[1] for size in sizes]
    return min(heights), min(widths), max(heights), max(widths)

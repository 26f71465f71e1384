"""Layers of type HDF5Data: a list of HDF5 files whose datasets have the names of the tops."""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.caffe.net import Layer, Net
from calibench.datasets.caffe.find_path import Place, find, place_of
from calibench.datasets.caffe.layer_source import LayerSource, class_number, content_of, notes_on_chance
from calibench.datasets.dataset import Description, Sample
from calibench.datasets.truth import Truth
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError

SCORED = ("Accuracy", "SoftmaxWithLoss", "InfogainLoss", "HingeLoss", "MultinomialLogisticLoss")
"""Layers whose second bottom is a class."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of several files, one behind the other; may be read by several threads.

    Attributes:
        files: as h5py opened them; `paths` the same as paths.
        ends: number of the first row behind each file.
    """

    paths: tuple[Path, ...]
    files: tuple[Any, ...]
    ends: tuple[int, ...]
    lock: threading.Lock

    def __len__(self) -> int:
        return self.ends[-1]

    def where(self, index: int) -> str:
        """A row as a message names it."""
        path, row = self._find(index)
        return f"{shown(self.paths[path])}, row {row}"

    def read(self, index: int, top: str) -> NDArray[np.float32]:
        """One row of a dataset, float32, without the axis of rows.

        Raises:
            DatasetError: the file is damaged there.
        """
        path, row = self._find(index)
        try:
            with self.lock:
                return np.asarray(self.files[path][top][row], np.float32)
        except OSError as error:
            raise DatasetError(f"{self.where(index)}: {top} cannot be read ({_reason(error)}).") from None

    def _find(self, index: int) -> tuple[int, int]:
        path = bisect_right(self.ends, index)
        return path, index - (self.ends[path - 1] if path else 0)


def open_hdf5(net: Net, layer: Layer) -> LayerSource:
    """The samples of a layer of type HDF5Data: arrays of any shape, as they are.

    The top that Accuracy or a loss compares with, else one called "label", is the class if it has one value a row.

    Raises:
        DatasetError: the list or a file is missing or damaged, or a file lacks a top or has it in another shape.
    """
    place, param = place_of(net, layer), layer.params.hdf5_data_param
    if layer.params.HasField("transform_param"):
        raise DatasetError(f"{place}: HDF5Data takes arrays as they are. Take transform_param away, as Caffe asks.")
    path = find(param.source, "list of HDF5 files", place)
    rows = _open(_listed(path, place), layer.tops)
    scored = _label_top(net, layer, rows)
    tops = tuple(top for top in layer.tops if top != scored)

    def arrays(index: int) -> Sample:
        return {top: np.ascontiguousarray(rows.read(index, top)[np.newaxis]) for top in tops}

    def label(index: int) -> int:
        return class_number(float(rows.read(index, scored or "").reshape(-1)[0]), rows.where(index))

    def describe(index: int) -> Description:
        return Description(f"row {index}", Truth(label=label(index)) if scored else Truth())

    def identity(index: int) -> str:
        parts = [(top, rows.read(index, top)) for top in layer.tops]
        return content_of(*(part for top, row in parts for part in (f"{top}{row.shape}", row.tobytes())))

    return LayerSource(
        format="caffe-hdf5",
        written=param.source,
        path=path,
        batch_size=param.batch_size or 1,
        count=len(rows),
        arrays=arrays,
        where=rows.where,
        describe=describe,
        identity=identity,
        label=label if scored else None,
        annotated=frozenset(("label",)) if scored else frozenset(),
        notes=notes_on_chance(layer, param),
    )


def _listed(path: Path, place: Place) -> tuple[Path, ...]:
    """The files of a list, one a line; as in Caffe a space ends a name, unless there is a file whose name has it."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DatasetError(f"{place}: the list {shown(path)} cannot be read ({reason}). Correct source.") from None
    near = (path.absolute().parent,)
    found: list[Path] = []
    for line in filter(None, lines):
        try:
            found.append(find(line, "HDF5 file", place, near))
        except DatasetError:
            words = line.split()
            found += [find(word, "HDF5 file", place, near) for word in (words if len(words) > 1 else [line])]
    if not found:
        raise DatasetError(f"{shown(path)}: this list names no file. Write one HDF5 file a line.")
    return tuple(found)


def _open(paths: Sequence[Path], tops: Sequence[str]) -> Rows:
    try:
        import h5py
    except ImportError:
        raise DatasetError("Reading HDF5 files needs h5py. Install it: pip install 'calibench[caffe]'.") from None
    files: list[Any] = []
    counts: list[int] = []
    first: dict[str, tuple[int, ...]] = {}
    for path in paths:
        try:
            files.append(h5py.File(path, "r"))
        except OSError as error:
            raise DatasetError(f"{shown(path)}: is no HDF5 file, or a damaged one ({_reason(error)}).") from None
        shapes = {top: _shape(files[-1], top, path) for top in tops}
        first = first or shapes
        lengths = {shape[0] for shape in shapes.values()}
        if len(lengths) > 1 or any(shapes[top][1:] != first[top][1:] for top in tops):
            text = ", ".join(f"{top} {list(shape)}" for top, shape in shapes.items())
            raise DatasetError(
                f"{shown(path)}: has {text}. All tops need the same number of rows, and the shapes of "
                f"{shown(paths[0])}."
            )
        counts.append(lengths.pop())
    if sum(counts) == 0:
        raise DatasetError(f"{shown(paths[0])}: there are no rows. Fill it, or correct the list.")
    return Rows(tuple(paths), tuple(files), tuple(accumulate(counts)), threading.Lock())


def _shape(file: Any, top: str, path: Path) -> tuple[int, ...]:
    import h5py

    found = file.get(top)
    if not isinstance(found, h5py.Dataset):
        raise DatasetError(
            f"{shown(path)}: has no dataset {top}; it has {', '.join(file) or 'none'}. Datasets are called as the tops."
        )
    if not found.shape or found.dtype.kind not in "iufb":
        raise DatasetError(f"{shown(path)}: {top} is {found.dtype} {list(found.shape or ())}, not rows of numbers.")
    return tuple(int(side) for side in found.shape)


def _label_top(net: Net, layer: Layer, rows: Rows) -> str | None:
    """The top that holds a class; None where none does."""
    compared = {each.bottoms[1] for each in net.layers if each.type in SCORED and len(each.bottoms) > 1}
    for top in (*(top for top in layer.tops if top in compared), *(top for top in layer.tops if top == "label")):
        if int(np.prod(rows.files[0][top].shape[1:])) == 1 and len(layer.tops) > 1:
            return top
    return None


def _reason(error: Exception) -> str:
    return shown(str(error).strip().splitlines()[0]) if str(error).strip() else type(error).__name__

"""Samples that are arrays already: .npz and .npy files, for models that take no pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calibench.datasets.dataset import About, Description, Sample, about_labels, content_identity, labelled
from calibench.datasets.inputs import ImageInput, InputPlan, TensorInput, shape_text
from calibench.datasets.npz import BROKEN, Array, read_arrays
from calibench.errors import DatasetError

TENSOR_EXTENSIONS = (".npz", ".npy")
LABELS = "labels"


@dataclass(frozen=True)
class Tensors:
    """Samples along the first axis of arrays; uncompressed files stay on disk until a sample is taken."""

    path: Path
    arrays: Mapping[str, Array]
    labels: tuple[int, ...] | None
    plan: InputPlan
    _identities: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def about(self) -> About:
        return about_labels(self.labels, "arrays")

    def __len__(self) -> int:
        return min(len(array) for array in self.arrays.values())

    def identity(self, index: int) -> str:
        if index not in self._identities:
            self._identities[index] = content_identity(self[index])
        return self._identities[index]

    def describe(self, index: int) -> Description:
        return Description(f"sample {index}", labelled(self.labels, index))

    def __getitem__(self, index: int) -> Sample:
        where = f"{self.path}, sample {index}"
        if not 0 <= index < len(self):
            raise IndexError(where)
        return {each.name: fit_array(self.arrays[each.name][index], each, where) for each in self.plan.inputs}


@dataclass(frozen=True)
class TensorFolder:
    """A folder with one .npz or .npy file a sample, ordered by name."""

    folder: Path
    files: tuple[str, ...]
    plan: InputPlan
    labels: tuple[int, ...] | None = None
    _identities: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def about(self) -> About:
        return about_labels(self.labels, "arrays-folder")

    def __len__(self) -> int:
        return len(self.files)

    def identity(self, index: int) -> str:
        if index not in self._identities:
            self._identities[index] = content_identity(self[index])
        return self._identities[index]

    def describe(self, index: int) -> Description:
        return Description(self.files[index], labelled(self.labels, index))

    def __getitem__(self, index: int) -> Sample:
        path = self.folder / self.files[index]
        arrays = _named(path, self.plan)
        return {each.name: fit_array(arrays[each.name], each, str(path)) for each in self.plan.inputs}


def open_tensors(path: Path, plan: InputPlan) -> Tensors:
    """Open a file whose arrays hold all samples along their first axis; .npz may also hold `labels`.

    Raises:
        DatasetError: damaged, an array is missing or has another shape or type than the model takes, or the arrays
            differ in their number of samples.
    """
    arrays = _named(path, plan)
    labels = None if any(each.name == LABELS for each in plan.inputs) else arrays.pop(LABELS, None)
    counts = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if labels is not None:
        counts[LABELS] = len(labels) if labels.ndim == 1 and labels.dtype.kind in "iu" else -1
    if len(set(counts.values())) > 1:
        shown = arrays if labels is None else arrays | {LABELS: labels}
        found = ", ".join(f"{name} {list(array.shape)}" for name, array in shown.items())
        raise DatasetError(
            f"{path}: the first axis must be the samples in every array, labels integers; found {found}."
        )
    if set(counts.values()) == {0}:
        raise DatasetError(f"{path}: no samples in this file. The first axis of every array is the samples.")
    opened = Tensors(path, arrays, None if labels is None else tuple(int(label) for label in labels), plan)
    opened[0]  # says now what does not fit
    return opened


def open_tensor_folder(folder: Path, plan: InputPlan) -> TensorFolder:
    """Open a folder whose .npz or .npy files are one sample each; hidden files do not count.

    Raises:
        DatasetError: no such files, or the first one does not fit the model.
    """
    files = sorted(path.name for path in folder.iterdir() if is_tensor_file(path))
    if not files:
        raise DatasetError(f"{folder}: no .npz or .npy files in this folder.")
    labels = _folder_labels(folder, files)
    opened = TensorFolder(folder, tuple(files), plan, labels)
    opened[0]
    return opened


def is_tensor_file(path: Path) -> bool:
    """Whether a path is a .npz or .npy file that is not hidden."""
    return path.suffix.lower() in TENSOR_EXTENSIONS and not path.name.startswith(".") and path.is_file()


def fit_array(array: Array, planned: ImageInput | TensorInput, where: str) -> Array:
    """One sample for one input: its batch axis added where it lacks, its type the model's.

    Raises:
        DatasetError: shape or type do not fit, or a value is not a number.
    """
    given, shape = array, planned.shape
    if shape is None or (array.ndim == len(shape) - 1 and shape[0] in (1, -1)):
        array = array[np.newaxis]
    if shape is not None and not _matches(array.shape, shape):
        raise DatasetError(
            f"{where}: array {planned.name} is {list(given.shape)} per sample, the model takes {shape_text(shape)}. "
            "Save the arrays in the shape of the model's input."
        )
    result = _cast(array, np.dtype(planned.dtype), planned.name, where)
    if result.dtype.kind == "f" and np.isnan(result).any():
        raise DatasetError(f"{where}: array {planned.name} holds NaN. Mend or remove this sample.")
    return result


def _matches(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (-1, side) for side, w in zip(shape, wanted, strict=True))


def _cast(array: Array, wanted: np.dtype[np.generic], name: str, where: str) -> Array:
    """The array in another type where that keeps its values (floats may lose digits, not more)."""
    if array.dtype == wanted:
        return np.asarray(array, order="C")
    both_float = array.dtype.kind == "f" and wanted.kind == "f"
    both_integer = array.dtype.kind in "iub" and wanted.kind in "iu"
    if both_float or np.can_cast(array.dtype, wanted, "safe"):
        return np.asarray(array.astype(wanted), order="C")
    if both_integer:
        limits = np.iinfo(wanted.name)
        if array.size == 0 or (int(array.min()) >= limits.min and int(array.max()) <= limits.max):
            return np.asarray(array.astype(wanted), order="C")
    raise DatasetError(
        f"{where}: array {name} is {array.dtype}, the model takes {wanted}, and values would change. "
        f"Save it as {wanted}."
    )


def _named(path: Path, plan: InputPlan) -> dict[str, Array]:
    """The arrays of a file by input name; of all other arrays only `labels` stays."""
    names = [each.name for each in plan.inputs]
    try:
        arrays = read_arrays(path)
    except BROKEN as error:
        known = {"Python objects": "it holds Python objects", "packed too tightly": "it is packed too tightly"}
        reason = next((says for words, says in known.items() if words in str(error)), "damaged, or no NumPy file")
        raise DatasetError(f"{path}: cannot be read ({reason}). Save plain arrays with numpy.savez.") from None
    if isinstance(arrays, np.ndarray):
        if len(names) != 1:
            raise DatasetError(
                f"{path}: one array, but the model has inputs {', '.join(names)}. Give .npz with an array for each."
            )
        return {names[0]: arrays}
    missing = [name for name in names if name not in arrays]
    others = [name for name in arrays if name not in names and name != LABELS]
    if len(missing) == 1 == len(names) and len(others) == 1:
        return {names[0]: arrays[others[0]]} | {name: arrays[name] for name in (LABELS,) if name in arrays}
    if missing:
        raise DatasetError(
            f"{path}: no array {missing[0]}. The model has inputs {', '.join(names)}; "
            f"the file holds {', '.join(arrays) or 'nothing'}."
        )
    return {name: array for name, array in arrays.items() if name in names or name == LABELS}


def _folder_labels(folder: Path, files: Sequence[str]) -> tuple[int, ...] | None:
    """The labels inside .npz samples, one whole number each; None unless every file has one."""
    labels: list[int] = []
    for name in files:
        if not name.lower().endswith(".npz"):
            return None
        try:
            with np.load(folder / name, allow_pickle=False) as arrays:
                if LABELS not in arrays.files or arrays[LABELS].size != 1:
                    return None
                labels.append(int(arrays[LABELS].reshape(-1)[0]))
        except BROKEN:
            return None
    return tuple(labels)

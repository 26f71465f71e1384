"""Read the tensors of a PyTorch `.pth` file without PyTorch and without running what a pickle asks for.

Two layouts exist. Up to PyTorch 1.5: four pickles (magic number, protocol, machine, object), the list of storage keys,
then each storage as a count (int64) and its raw values. From 1.6 on: a zip file with `data.pkl` and one file per
storage, `data/<key>`.
Source: `torch/serialization.py` and `torch/_utils.py` of PyTorch 2, whose names the pickles hold.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from calibench.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
DAMAGE = (  # what a damaged pickle can raise inside the unpickler
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
)

Array = NDArray[Any]


def read_state_dict(path: Path) -> dict[str, Array]:
    """All tensors of a file that holds one state dictionary.

    Args:
        path: a `.pth` file of either layout.

    Returns:
        Name -> array in the file's own dtype and shape, in the file's order; each array owns its memory.

    Raises:
        ModelError: the file is absent, damaged or truncated, names something that is no tensor part, or holds no flat
            dictionary of tensors.
    """
    try:
        with path.open("rb") as file:
            state, storages = _read_zip(file, path) if zipfile.is_zipfile(file) else _read_old(file, path)
    except OSError as problem:
        raise ModelError(f"{path}: cannot be read: {problem.strerror}.") from problem
    except (*DAMAGE, zipfile.BadZipFile) as problem:
        raise ModelError(f"{path}: is no PyTorch file, or it is damaged or truncated ({problem}).") from problem
    if not isinstance(state, Mapping) or not all(isinstance(view, _View) for view in state.values()):
        raise ModelError(f"{path}: holds no flat dictionary of tensors; save model.state_dict() alone.")
    return {str(name): _cut(view, storages, f"{path}: tensor {name}") for name, view in state.items()}


@dataclass(frozen=True)
class _Storage:
    """A flat run of values in the file, named by the pickle before its values are read."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor as the pickle describes it: a strided window of a storage, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(view: _View, *_: object) -> _View:
    return view


ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows tensors and nothing else."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, encoding="utf-8")
        self.path = path
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ADMITTED:
            return ADMITTED[module, name]
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise ModelError(f"{self.path}: refused, because it asks for {module}.{name}; only plain tensors are read.")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *view = pid
        if (
            kind != "storage"
            or dtype not in STORAGES.values()
            or not isinstance(count, int)
            or count < 0
            or view not in ([], [None])
        ):
            raise pickle.UnpicklingError("a storage is described in an unknown way")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, count))


def _read_old(file: IO[bytes], path: Path) -> tuple[object, dict[str, Array]]:
    file.seek(0)
    magic, protocol, machine = (_Unpickler(file, path).load() for _ in range(3))
    if magic != MAGIC or protocol != PROTOCOL or not machine["little_endian"]:
        raise pickle.UnpicklingError("the header is not the one of a little-endian PyTorch file")
    unpickler = _Unpickler(file, path)
    state = unpickler.load()
    keys = _Unpickler(file, path).load()
    return state, {key: _read_counted(file, unpickler.storages[key]) for key in keys}


def _read_counted(file: IO[bytes], storage: _Storage) -> Array:
    if int.from_bytes(file.read(8), "little") != storage.count:
        raise pickle.UnpicklingError(f"storage {storage.key} has another size than announced")
    return _values(file.read(storage.count * np.dtype(storage.dtype).itemsize), storage)


def _read_zip(file: IO[bytes], path: Path) -> tuple[object, dict[str, Array]]:
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1 or any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise zipfile.BadZipFile("it is not laid out as PyTorch does")
        prefix = pickles[0].removesuffix("data.pkl")
        if prefix + "byteorder" in archive.namelist() and archive.read(prefix + "byteorder") != b"little":
            raise zipfile.BadZipFile("it is not little-endian")
        with archive.open(pickles[0]) as data:
            unpickler = _Unpickler(data, path)
            state = unpickler.load()
        return state, {key: _values(archive.read(f"{prefix}data/{key}"), s) for key, s in unpickler.storages.items()}


def _values(raw: bytes, storage: _Storage) -> Array:
    if len(raw) != storage.count * np.dtype(storage.dtype).itemsize:
        raise pickle.UnpicklingError(f"storage {storage.key} is cut short")
    return np.frombuffer(raw, storage.dtype)


def _cut(view: _View, storages: Mapping[str, Array], where: str) -> Array:
    """Copy a window out of its storage, after a check that it lies inside."""
    numbers = (view.offset, *view.shape, *view.strides)
    if not isinstance(view.storage, _Storage) or view.storage.key not in storages:
        raise ModelError(f"{where}: its values are not in the file.")
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or len(view.shape) != len(view.strides):
        raise ModelError(f"{where}: its shape or strides are no whole numbers.")
    values = storages[view.storage.key]
    size = int(np.prod(np.array(view.shape, dtype=object)))  # Python integers: no overflow
    last = view.offset + sum((length - 1) * step for length, step in zip(view.shape, view.strides, strict=True))
    if size > len(values) or (size > 0 and last >= len(values)):
        raise ModelError(f"{where}: reaches outside its storage of {len(values)} values; the file is damaged.")
    if size == 0:
        return np.zeros(view.shape, values.dtype)
    steps = tuple(step * values.itemsize for step in view.strides)
    return np.ascontiguousarray(as_strided(values[view.offset :], view.shape, steps)).copy()

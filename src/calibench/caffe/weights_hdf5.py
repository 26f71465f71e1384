"""Weights in HDF5, as Caffe writes them with `snapshot_format: HDF5`: `/data/<layer>/<number of the blob>`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calibench.caffe.net import FloatArray
from calibench.errors import JobError, ModelError

HDF5_SIGN = b"\x89HDF\r\n\x1a\n"
"""First bytes of every file in HDF5."""


def read_hdf5(path: Path) -> dict[str, tuple[FloatArray, ...]]:
    """The blobs of each layer. A blob that the file leaves out since another layer owns it is float32 [0].

    Raises:
        ModelError: h5py is not installed, or the file is none of Caffe's.
    """
    try:
        with _h5py().File(path) as file:
            return {name: _blobs(group) for name, group in _layers(file, path).items()}
    except OSError as error:
        raise ModelError(f"{path}: cannot be read as HDF5: {error}.") from None


def write_hdf5(source: Path, out: Path, changes: Mapping[str, Mapping[int, FloatArray]]) -> None:
    """A copy with other values in some blobs, written whole or not at all.

    Raises:
        ModelError: the file has no such layer, or a blob has another shape.
        JobError: the copy cannot be written.
    """
    aside = out.with_name(f".{out.name[:100]}.partial")
    try:
        shutil.copyfile(source, aside)
        with _h5py().File(aside, "r+") as file:
            layers = _layers(file, source)
            for name, blobs in changes.items():
                if name not in layers:
                    raise ModelError(f"{source}: has no layer '{name}'.")
                for number, values in blobs.items():
                    _change(layers[name], str(number), values, f"{source}: layer '{name}', blob {number}")
        aside.replace(out)
    except OSError as error:
        raise JobError(f"{out}: cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)


def _change(group: Any, number: str, values: FloatArray, where: str) -> None:
    if number not in group:
        group.create_dataset(number, data=values)
    elif group[number].shape != values.shape:
        raise ModelError(f"{where} has the shape {list(group[number].shape)}, not {list(values.shape)}.")
    else:
        group[number][...] = values


def _layers(file: Any, path: Path) -> dict[str, Any]:
    """Name of a layer -> group with its blobs; a name with a slash is a group within a group."""
    if "data" not in file:
        raise ModelError(f"{path}: is no weights file of Caffe: it has no group 'data'.")
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        layer, _, number = name.rpartition("/")
        if hasattr(item, "shape") and number.isdigit():
            found[layer] = item.parent

    file["data"].visititems(note)
    return found


def _blobs(group: Any) -> tuple[FloatArray, ...]:
    numbers = [int(name) for name, item in group.items() if name.isdigit() and hasattr(item, "shape")]
    return tuple(
        np.asarray(group[str(number)], np.float32) if number in numbers else np.empty(0, np.float32)
        for number in range(max(numbers) + 1)
    )


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ModelError("Reading weights in HDF5 needs h5py. Install it: pip install 'calibench[caffe]'.") from None
    return h5py

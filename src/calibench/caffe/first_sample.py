"""The shape of the first sample of a data layer whose prototxt gives no sizes: MNIST's, as a rule."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from calibench.caffe.databases.records import open_records
from calibench.caffe.net import Layer, Net
from calibench.caffe.schema import message
from calibench.caffe.text_tree import is_text
from calibench.caffe.written_paths import origin
from calibench.errors import DatasetError, ModelError

Shape = tuple[int, ...]


def first_sample_shape(net: Net, layer: Layer, top: str) -> Shape | None:
    """Shape without the batch: channels, height, width of a picture; None where the source is not there.

    Raises:
        ModelError: the source is there, but damaged, or the package that reads it is not installed.
        DatasetError: the same, of a database; what a list names is not there.
    """
    params = layer.params
    match layer.type:
        case "Data" | "AnnotatedData":
            path = _found(net, params.data_param.source)
            return None if path is None else _of_database(path, layer.type == "AnnotatedData")
        case "ImageData":
            return _of_list(net, params.image_data_param.source, params.image_data_param.root_folder)
        case "HDF5Data":
            return _of_hdf5(net, params.hdf5_data_param.source, top)
    return None


def source_of(layer: Layer) -> str:
    """The path of the data as it stands in the file; "" where there is none."""
    params = layer.params
    rules = {"ImageData": params.image_data_param, "HDF5Data": params.hdf5_data_param}
    return str(getattr(rules.get(layer.type, params.data_param), "source", ""))


def _first_line(path: Path) -> str:
    """The first line of a list that is not empty; "" where there is none.

    Raises:
        DatasetError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            if not is_text(file.read(4096)):
                raise DatasetError(
                    f"{path}: is no text, so it is no list. Correct the source, or the type of the layer."
                )
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            return next(filter(None, map(str.strip, lines)), "")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}. Correct the source.") from None


def _found(net: Net, written: str, *near: Path) -> Path | None:
    """What a path of the prototxt stands for, looked for in `near` too."""
    return origin().find(written, net.path, near) if written else None


def _of_database(path: Path, is_annotated: bool) -> Shape:
    newest = max((file.stat().st_mtime_ns for file in path.iterdir()), default=0) if path.is_dir() else 0
    return _of_record(path, is_annotated, newest)


@lru_cache(maxsize=8)
def _of_record(path: Path, is_annotated: bool, _newest: int) -> Shape:
    record = open_records(path).first
    made = message("AnnotatedDatum" if is_annotated else "Datum")
    from google.protobuf.message import DecodeError

    try:
        parsed = made.FromString(record)
    except DecodeError:
        raise ModelError(f"{path}: the first record is no {made.DESCRIPTOR.name}. Correct the source.") from None
    datum = parsed.datum if is_annotated else parsed
    if not datum.encoded and min(datum.channels, datum.height, datum.width) < 1:
        raise ModelError(
            f"{path}: the first record holds no picture. Correct the source, or the type of the layer: Data reads "
            "messages Datum, AnnotatedData reads AnnotatedDatum."
        )
    return _decoded(datum.data, str(path)) if datum.encoded else (datum.channels, datum.height, datum.width)


def _of_list(net: Net, source: str, folder: str) -> Shape | None:
    path = _found(net, source)
    if path is None:
        return None
    line = _first_line(path)
    names = [name for name in (line.rpartition(" ")[0], line.rpartition("\t")[0], line) if name]
    written = [start + name for name in names for start in ((folder, f"{folder}/") if folder else ("",))]
    picture = next((found for each in written if (found := _found(net, each, path.parent))), None)
    if picture is None:
        raise _not_there(path, f"picture {written[0]}" if written else "picture in this list")
    return _decoded(picture.read_bytes(), str(picture))


def _of_hdf5(net: Net, source: str, top: str) -> Shape | None:
    path = _found(net, source)
    if path is None:
        return None
    name = _first_line(path)
    file = _found(net, name, path.parent) if name else None
    if file is None:
        raise _not_there(path, f"file {name}" if name else "file in this list")
    try:
        import h5py
    except ImportError:
        raise _needs("h5py", file) from None
    try:
        with h5py.File(file, "r") as data:
            return tuple(data[top].shape[1:])
    except OSError:
        raise ModelError(f"{file}: is no HDF5 file, or a damaged one. Correct the list.") from None
    except KeyError:
        raise ModelError(f"{file}: holds no dataset '{top}'. Datasets are called as the tops.") from None


def _decoded(data: bytes, name: str) -> Shape:
    try:
        import cv2
    except ImportError:
        raise _needs("opencv-python-headless", Path(name)) from None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ModelError(f"{name}: the first sample is no picture that can be read. Correct the source.")
    return (3 if picture.ndim == 3 else 1, *picture.shape[:2])


def _not_there(path: Path, what: str) -> DatasetError:
    return DatasetError(f"{path}: there is no {what}. Correct the list, or start in the folder that it is relative to.")


def _needs(package: str, path: Path) -> ModelError:
    return ModelError(f"{path}: reading it needs {package}. Install it: pip install 'calibench[caffe]'.")

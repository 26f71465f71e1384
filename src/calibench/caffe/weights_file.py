"""Reads and rewrites weights of Caffe: .caffemodel (all layouts), .caffemodel.h5, and the mean in a .binaryproto."""

import mmap
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from calibench.caffe.blob_bytes import (
    BYTES,
    BlobBytes,
    BrokenBytes,
    Buffer,
    LayerBytes,
    encode_varint,
    find_blob,
    find_layers,
)
from calibench.caffe.net import FloatArray
from calibench.caffe.text_tree import is_text
from calibench.caffe.weights_hdf5 import HDF5_SIGN, read_hdf5, write_hdf5
from calibench.errors import JobError, ModelError

Changes = Mapping[str, Mapping[int, FloatArray]]
"""Layer -> number of a blob -> its new values."""

Blobs = dict[str, tuple[FloatArray, ...]]


def read_weights(path: Path) -> Blobs:
    """The blobs of each layer that has some, by the layer's name.

    Returns:
        float32, of the shapes in the file: () for a scalar, four sizes in files of the older layout. Of layers of the
        same name the last one counts, as in Caffe.

    Raises:
        ModelError: the file cannot be read, is no weights file, is cut off, or a blob has not as many values as its
            shape says.
    """
    data = _open(path)
    if data[: len(HDF5_SIGN)] == HDF5_SIGN:
        return read_hdf5(path)
    found: Blobs = {}
    for layer in _layers(data, path):
        for number, blob in enumerate(layer.blobs):
            _check(blob, f"{path}: layer '{layer.name}', blob {number}")
        if layer.blobs:
            found[layer.name] = tuple(blob.read(data) for blob in layer.blobs)
    return found


def write_weights(source: Path, out: Path, changes: Changes) -> None:
    """A copy of a weights file with other values in some blobs; every other byte stays.

    Args:
        changes: float32, of the blob's shape in the file. The number behind the last blob adds a blob.

    Raises:
        ModelError: the source cannot be read, has no such layer or blob, or a shape is another one.
        JobError: the copy cannot be written.
    """
    data = _open(source)
    if data[: len(HDF5_SIGN)] == HDF5_SIGN:
        write_hdf5(source, out, changes)
        return
    layers = {layer.name: layer for layer in _layers(data, source) if layer.blobs or layer.name in changes}
    changed = bytearray(data)
    longer: list[tuple[LayerBytes, bytes]] = []
    for name, blobs in changes.items():
        if name not in layers:
            raise ModelError(f"{source}: has no layer '{name}'.")
        fields = _change(changed, layers[name], blobs, f"{source}: layer '{name}'")
        if fields:
            longer.append((layers[name], fields))
    for layer, fields in sorted(longer, key=lambda pair: -pair[0].holders[0].tag):  # from the end: offsets stay
        _append(changed, layer, fields)
    _write(out, changed)


def read_mean(path: Path) -> FloatArray:
    """The mean of pictures in a .binaryproto: float32 [C, H, W], in the units of the pictures (0..255).

    Raises:
        ModelError: the file cannot be read, or does not hold one mean.
    """
    data = _open(path, "mean file")
    try:
        blob = find_blob(data, 0, len(data))
    except BrokenBytes as error:
        raise ModelError(f"{path}: is no mean file of Caffe (.binaryproto), or is cut off ({error}).") from None
    _check(blob, f"{path}: the mean")
    shape = blob.shape
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 3:
        raise ModelError(f"{path}: expected a mean of shape [C, H, W], found {list(blob.shape)}.")
    return blob.read(data).reshape(shape)


def _open(path: Path, what: str = "weights file") -> Buffer:
    """The bytes of a file, which are read when they are used.

    Args:
        what: it should be, for messages.

    Raises:
        ModelError: there is no such file, it is empty, or is text.
    """
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError:
        raise ModelError(f"{path}: is empty; a {what} was expected.") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from None
    start = bytes(data[:4096])
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(f"{path}: is a Git LFS pointer, not the {what}. Fetch it with 'git lfs pull'.")
    if is_text(start):
        raise ModelError(f"{path}: is text, not a {what}. Is it the prototxt?")
    return data


def _layers(data: Buffer, path: Path) -> list[LayerBytes]:
    found: list[LayerBytes] = []
    try:
        found.extend(find_layers(data))
    except BrokenBytes as error:
        if any(layer.name for layer in _whole_layers(data)):
            raise ModelError(f"{path}: is cut off or damaged ({error} of {len(data)}). Get the file anew.") from None
        raise ModelError(f"{path}: is no caffemodel.") from None
    if not any(layer.name for layer in found):
        raise ModelError(f"{path}: is no caffemodel: it holds no layers.")
    return found


def _whole_layers(data: Buffer) -> list[LayerBytes]:
    """The layers in front of the first byte that cannot be read."""
    found: list[LayerBytes] = []
    try:
        for layer in find_layers(data):
            found.append(layer)
    except BrokenBytes:
        pass
    return found


def _check(blob: BlobBytes, where: str) -> None:
    if not blob.is_whole:
        raise ModelError(f"{where} has the shape {list(blob.shape)}, but {blob.count} values. Get the file anew.")


def _change(data: bytearray, layer: LayerBytes, blobs: Mapping[int, FloatArray], where: str) -> bytes:
    """Write over the blobs that are there; the fields of those that are to be added."""
    fields = b""
    for number, values in sorted(blobs.items()):
        if number >= len(layer.blobs):
            fields += _encode(layer.blob_field, values)
            continue
        blob = layer.blobs[number]
        if blob.shape != values.shape:
            raise ModelError(f"{where}, blob {number} has the shape {list(blob.shape)}, not {list(values.shape)}.")
        blob.write(data, values)
    return fields


def _encode(number: int, values: FloatArray) -> bytes:
    """A field with a BlobProto: shape and packed data."""
    dims = b"".join(encode_varint(size) for size in values.shape)
    blob = _field(7, _field(1, dims)) + _field(5, np.ascontiguousarray(values, "<f4").tobytes())
    return _field(number, blob)


def _field(number: int, content: bytes) -> bytes:
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content


def _append(data: bytearray, layer: LayerBytes, fields: bytes) -> None:
    """Put fields at the end of a layer; the lengths of what holds it grow."""
    new, start, end = fields, layer.holders[-1].end, layer.holders[-1].end
    for holder in reversed(layer.holders):
        content = bytes(data[holder.start : start]) + new + bytes(data[end : holder.end])
        new, start, end = _field(holder.number, content), holder.tag, holder.end
    data[start:end] = new


def _write(path: Path, data: bytearray) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(f".{path.name[:100]}.partial")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise JobError(f"{path}: cannot be written: {error.strerror or error}.") from None

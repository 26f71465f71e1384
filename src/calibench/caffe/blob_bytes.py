"""Where the blobs of a weights file stand: walks protobuf's wire format, without reading the values.

protobuf itself would copy every value into lists of its own, and would stop at fields that a fork has put on numbers
of another; only layers, their names and their blobs are looked at here.
Source: protobuf, "Encoding".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Buffer = memoryview | bytes

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types in use; 3 and 4, the groups, never stand in a file of Caffe."""

LAYER, LAYERS, V0_LAYER = 100, 2, 1
"""Fields with layers: of NetParameter (two layouts), and of the V1 layer around a V0 layer."""

NAME_AND_BLOBS = {LAYER: (1, 7), LAYERS: (4, 6), V0_LAYER: (1, 50)}
"""Field that holds a layer -> numbers of its fields `name` and `blobs`."""

LEGACY_DIMS, DATA, SHAPE, DOUBLE_DATA = (1, 2, 3, 4), 5, 7, 8
"""Fields of a BlobProto: num, channels, height, width; float data; shape; double data."""


class BrokenBytes(Exception):  # noqa: N818 - becomes a ModelError where the file is known
    """The bytes are not in protobuf's wire format, or end too early; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"at byte {offset}")
        self.offset = offset


class Chunk(NamedTuple):
    """One field; of values without a length of their own that repeat, the whole run of them.

    Attributes:
        tag: offset of the field; the value stands from `start` to `end`.
        number, wire: of the field.
        value: of a VARINT, else 0.
        stride: bytes from one value of a run to the next, the tag between them counted; 0 for a single value.
    """

    tag: int
    number: int
    wire: int
    start: int
    end: int
    value: int = 0
    stride: int = 0


@dataclass(frozen=True)
class BlobBytes:
    """A blob in a file.

    Attributes:
        shape: () for a scalar; 4 sizes in files of the older layout.
        chunks: where its values stand; more than one where the file has them in pieces.
    """

    shape: tuple[int, ...]
    chunks: tuple[Chunk, ...]

    @property
    def count(self) -> int:
        """Values in the file."""
        return sum(len(_slots(chunk)) for chunk in self.chunks)

    @property
    def is_whole(self) -> bool:
        """Whether there are as many values as the shape says."""
        return self.count == math.prod(self.shape)

    def read(self, data: Buffer) -> NDArray[np.float32]:
        """The values, float32, of the blob's shape; a copy."""
        parts = [_view(data, chunk) for chunk in self.chunks]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, np.float32)
        return values.astype(np.float32, order="C", copy=True).reshape(self.shape)

    def write(self, data: bytearray, values: NDArray[np.float32]) -> None:
        """Put other values of the same shape into the file's bytes."""
        flat, done = values.reshape(-1), 0
        for chunk in self.chunks:
            view = _view(data, chunk)
            view[...] = flat[done : done + len(view)]
            done += len(view)


@dataclass(frozen=True)
class LayerBytes:
    """A layer in a file.

    Attributes:
        holders: fields that hold it, the outermost first; the last one is the layer itself.
        blob_field: number of the field that a further blob would have.
    """

    name: str
    blobs: tuple[BlobBytes, ...]
    holders: tuple[Chunk, ...]
    blob_field: int


def find_layers(data: Buffer) -> Iterator[LayerBytes]:
    """The layers of a caffemodel, in order.

    Raises:
        BrokenBytes: on the way, when the file cannot be read further.
    """
    for chunk in chunks(data, 0, len(data)):
        if chunk.wire == BYTES and chunk.number in (LAYER, LAYERS):
            yield _layer(data, (chunk,))


def find_blob(data: Buffer, start: int, end: int) -> BlobBytes:
    """The BlobProto from one offset to another.

    Raises:
        BrokenBytes: it is none.
    """
    shape: tuple[int, ...] = ()
    legacy: dict[int, int] = {}
    values: dict[int, list[Chunk]] = {DATA: [], DOUBLE_DATA: []}
    for chunk in chunks(data, start, end):
        if chunk.number in values and chunk.wire in (BYTES, FIXED32, FIXED64):
            values[chunk.number].append(chunk)
        elif chunk.number == SHAPE and chunk.wire == BYTES:
            shape = shape + tuple(_dims(data, chunk))
        elif chunk.number in LEGACY_DIMS and chunk.wire == VARINT:
            legacy[chunk.number] = chunk.value
    if legacy:
        shape = tuple(legacy.get(number, 0) for number in LEGACY_DIMS)
    return BlobBytes(shape, tuple(values[DATA] or values[DOUBLE_DATA]))


def chunks(data: Buffer, start: int, end: int) -> Iterator[Chunk]:
    """The fields of a message that stands from one offset to another.

    Raises:
        BrokenBytes: the bytes are no message, or go beyond the end.
    """
    while start < end:
        tag = start
        key, start = varint(data, start, end)
        number, wire, value, stride = key >> 3, key & 7, 0, 0
        if wire == VARINT:
            value, stop = varint(data, start, end)
        elif wire == BYTES:
            length, start = varint(data, start, end)
            stop = start + length
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
            stop, stride = _run(data, tag, start, end, size)
        else:
            raise BrokenBytes(tag)
        if number == 0 or stop > end:
            raise BrokenBytes(tag)
        yield Chunk(tag, number, wire, start, stop, value, stride)
        start = stop


def varint(data: Buffer, start: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and the offset behind it.

    Raises:
        BrokenBytes: it does not end, or takes more than 10 bytes.
    """
    value = 0
    for offset in range(start, min(end, start + 10)):
        byte = data[offset]
        value |= (byte & 0x7F) << 7 * (offset - start)
        if byte < 0x80:
            return value, offset + 1
    raise BrokenBytes(start)


def encode_varint(value: int) -> bytes:
    """A number of 7 bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _layer(data: Buffer, holders: tuple[Chunk, ...]) -> LayerBytes:
    holder = holders[-1]
    name_field, blob_field = NAME_AND_BLOBS[holder.number]
    name, blobs = "", []
    for chunk in chunks(data, holder.start, holder.end):
        if chunk.wire != BYTES:
            continue
        if holder.number == LAYERS and chunk.number == V0_LAYER:
            return _layer(data, (*holders, chunk))
        if chunk.number == name_field:
            name = bytes(data[chunk.start : chunk.end]).decode("utf-8", "replace")
        elif chunk.number == blob_field:
            blobs.append(find_blob(data, chunk.start, chunk.end))
    return LayerBytes(name, tuple(blobs), holders, blob_field)


def _dims(data: Buffer, shape: Chunk) -> Iterator[int]:
    """Sizes of a BlobShape, packed or not."""
    for chunk in chunks(data, shape.start, shape.end):
        if chunk.number == 1 and chunk.wire == VARINT:
            yield chunk.value
        elif chunk.number == 1 and chunk.wire == BYTES:
            offset = chunk.start
            while offset < chunk.end:
                size, offset = varint(data, offset, chunk.end)
                yield size


def _run(data: Buffer, tag: int, start: int, end: int, size: int) -> tuple[int, int]:
    """End and stride of values of a size in bytes that have the same tag in front of each."""
    stride = start - tag + size
    if stride > 1 + size:
        return start + size, stride  # long tags: no field with values has one
    tags = np.frombuffer(data, np.uint8, end - tag, tag)[::stride]
    others = np.flatnonzero(tags != data[tag])
    count = min(int(others[0]) if len(others) else len(tags), (end - tag) // stride)
    return (tag + count * stride if count else end + 1), stride


def _slots(chunk: Chunk) -> range:
    """Offsets of the values of a chunk."""
    width = 8 if chunk.number == DOUBLE_DATA else 4
    return range(chunk.start, chunk.end - width + 1, chunk.stride or width)


def _view(data: Buffer | bytearray, chunk: Chunk) -> NDArray[np.float32] | NDArray[np.float64]:
    """The values of a chunk where they are."""
    dtype = np.dtype("<f8" if chunk.number == DOUBLE_DATA else "<f4")
    slots = _slots(chunk)
    return np.ndarray((len(slots),), dtype, data, chunk.start, (slots.step,))

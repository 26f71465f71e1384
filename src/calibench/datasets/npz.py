"""Read .npy and .npz files: only numbers, and from disk where they are not compressed."""

import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Array = NDArray[np.generic]
BOMB_BYTES, BOMB_RATIO = 10**8, 200
"""A packed array that unpacks to more bytes than that, and to that many times its size, would only fill the memory."""
BROKEN = (
    OSError, ValueError, EOFError, KeyError, OverflowError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError, tokenize.TokenError,
)  # fmt: skip
"""What damaged files lead to: RuntimeError where zip says encrypted, or of an unknown kind; TokenError in a header."""


def read_arrays(path: Path) -> Array | dict[str, Array]:
    """One array of a .npy file, or those of an .npz by name; uncompressed ones stay on disk.

    Raises:
        One of `BROKEN`: damaged, no NumPy file, a packed array that would fill the memory, or arrays of something
            else than numbers (objects are never unpickled).
    """
    if path.suffix.lower() == ".npy":
        return _readable(np.load(path, mmap_mode="r", allow_pickle=False))
    with zipfile.ZipFile(path) as archive:
        return {info.filename.removesuffix(".npy"): _member(path, archive, info) for info in archive.infolist()}


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """One array of an .npz: mapped where it is stored as it is, read whole where it is compressed."""
    if info.file_size > max(BOMB_BYTES, BOMB_RATIO * info.compress_size):
        raise ValueError("packed too tightly")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = header(file)
        if dtype.hasobject:
            raise ValueError("Python objects")
        start = file.tell()
        if info.compress_type != zipfile.ZIP_STORED or 0 in shape or not shape:
            data = np.frombuffer(file.read(), dtype).reshape(shape, order="F" if is_fortran else "C")
            return _readable(data)
    order: Literal["C", "F"] = "F" if is_fortran else "C"
    offset = _data_offset(path, info) + start
    mapped: Array = np.memmap(str(path), dtype=dtype, mode="r", offset=offset, shape=shape, order=order)
    return _readable(mapped)


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: behind its local header (APPNOTE.TXT 6.3.10, section 4.3.7)."""
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
    return info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def _readable(array: Array) -> Array:
    if array.dtype.kind not in "biuf":
        raise ValueError("no numbers")
    return array

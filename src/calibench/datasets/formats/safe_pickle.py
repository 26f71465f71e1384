"""Read a pickle of plain values and numeric arrays; nothing that a stranger wrote into it is ever run.

`pickle.load` calls whatever functions a file names. Here the few names that NumPy's arrays need stand for our own
recorders, every other name ends the reading, and no object of NumPy is built by the file: only from what was recorded.
The reader is the one written in Python: the one in C makes room for any number of objects that a file claims to hold.
"""

import io
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPEN = object()
NUMBERS = frozenset({"u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f4", "f8", "b1"})
FAILURES = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    RecursionError,
    struct.error,
)


class UnsafePickleError(ValueError):
    """The file asks for something else than plain values and arrays of numbers."""


class _Number:
    """A dtype: what `numpy.dtype("u1", ...)` was called with, and its byte order."""

    def __init__(self, kind: Any, *ignored: Any) -> None:
        self.kind = _text(kind)
        self.order = "|"

    def keep(self, state: Any) -> None:
        self.order = _text(state[1])

    def dtype(self) -> np.dtype[Any]:
        if self.kind not in NUMBERS:
            raise UnsafePickleError(f"an array of {self.kind!r}")
        return np.dtype(("<" if self.order == "=" else self.order) + self.kind)


class _Array:
    """An array: its state as `ndarray.__reduce__` writes it."""

    def __init__(self, *ignored: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def keep(self, state: Any) -> None:
        self.state = tuple(state[-4:])  # behind the version: shape, dtype, is Fortran order, bytes

    def build(self) -> NDArray[Any]:
        shape, number, is_fortran, data = self.state
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not isinstance(number, _Number) or not isinstance(raw, bytes | bytearray):
            raise UnsafePickleError("an array of objects")
        return np.frombuffer(raw, number.dtype()).reshape(shape, order="F" if is_fortran else "C")


def _from_buffer(data: Any, number: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.state = (shape, number, order == "F", data)
    return array


def _scalar(number: Any, data: Any) -> int | float:
    raw = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(raw, number.dtype())[0].item()  # type: ignore[no-any-return]


def _bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """`codecs.encode`, by which Python 2's protocols write bytes."""
    return str(text).encode("latin1")


def _no_bytes() -> bytes:
    """`bytes()`, by which Python 2's protocols write that there are none."""
    return b""


class _NdArray:
    """Stands where a file names the type itself; it cannot be called."""


STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("multiarray", "_reconstruct"): _Array,
    ("multiarray", "scalar"): _scalar,
    ("numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _Number,
    ("_codecs", "encode"): _bytes,
    ("__builtin__", "bytes"): _no_bytes,
    ("collections", "OrderedDict"): dict,
}
MODULES = frozenset(
    f"{top}{module}" for top in ("numpy.core.", "numpy._core.") for module in ("multiarray", "numeric")
) | {"numpy", "_codecs", "__builtin__", "collections"}


class _Reader(pickle._Unpickler):
    dispatch = dict(pickle._Unpickler.dispatch)
    stack: list[Any]

    def find_class(self, module: str, name: str) -> Any:
        known = STAND_INS.get((module.rpartition(".")[2], name)) if module in MODULES else None
        if known is None:
            raise UnsafePickleError(f"it asks to run {module}.{name}")
        return known

    def load_build(self) -> None:
        """Give a recorder its state; nothing else has a state that a file may set."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Array | _Number):
            raise UnsafePickleError("it asks to change an object")
        self.stack[-1].keep(state)

    dispatch[pickle.BUILD[0]] = load_build  # type: ignore[assignment]
    for _code in (pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID, pickle.BINPERSID):
        del dispatch[_code[0]]  # objects that stand outside the file


def load_plain(data: bytes) -> Any:
    """What a pickle holds: dict, list, tuple, str, bytes, numbers, None, and arrays of numbers.

    Text of Python 2 becomes str with one character a byte.

    Raises:
        UnsafePickleError: it names anything else.
        One of `FAILURES`: it is damaged.
    """
    return _built(_Reader(io.BytesIO(data), encoding="latin1").load(), {})


def _built(value: Any, built: dict[int, Any]) -> Any:
    """The value with recorders replaced by what they recorded.

    Args:
        built: containers by their id, so that one that occurs often is built once; OPEN while it is being built.
    """
    if isinstance(value, dict | list | tuple):
        if built.get(id(value)) is OPEN:
            raise UnsafePickleError("a value holds itself")
        if id(value) not in built:
            built[id(value)] = OPEN
            inner = [_built(each, built) for each in (value.values() if isinstance(value, dict) else value)]
            built[id(value)] = dict(zip(value, inner, strict=True)) if isinstance(value, dict) else inner
        return built[id(value)]
    if isinstance(value, _Array):
        return value.build()
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    raise UnsafePickleError(f"it holds {type(value).__name__}")


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)

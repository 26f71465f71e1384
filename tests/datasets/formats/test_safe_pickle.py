"""Pickles: plain values and arrays of numbers only."""

import collections
import contextlib
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.formats.safe_pickle import FAILURES, UnsafePickleError, load_plain

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN, st.integers(0, 5))
def test_plain_values_come_back_as_they_were(value, protocol):
    assert load_plain(pickle.dumps(value, protocol=protocol)) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        np.array([1.5, -2]),
        np.zeros((0, 3), np.uint8),
    ],
)
def test_arrays_come_back_as_they_were(array, protocol):
    found = load_plain(pickle.dumps({"data": array, "one": array.sum()}, protocol=protocol))
    np.testing.assert_array_equal(found["data"], array)
    assert found["data"].dtype == array.dtype
    assert found["one"] == array.sum()


class Call:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize(
    "value",
    [
        Call(os.system, ("true",)),
        Call(eval, ("1",)),
        Call(getattr, ([], "append")),
        Call(np.load, ("x.npy",)),
        Call(np.ndarray, ((1,),), ("state",)),
        Call(collections.Counter, ()),
        Call(dict, (), {"a": 1}),
        np.array([None, {}], dtype=object),
        {1, 2},
        1j,
    ],
)
def test_anything_else_is_refused(value):
    with pytest.raises((UnsafePickleError, *FAILURES)):
        load_plain(pickle.dumps(value))


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(UnsafePickleError, match="holds itself"):
        load_plain(pickle.dumps(value))


def test_a_value_that_unfolds_to_millions_is_built_once():
    value = [0] * 10
    for _ in range(40):
        value = [value] * 10
    assert len(load_plain(pickle.dumps(value))) == 10


def test_a_file_that_claims_two_thousand_million_objects_takes_no_room():
    data = b"\x80\x02N" + pickle.LONG_BINPUT + struct.pack("<I", 2**31 - 1) + b"."
    assert load_plain(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for head in (
        b"",
        b"\x80\x02",
        b"\x80\x04",
        b"\x80\x02cnumpy\ndtype\n",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n",
    ):
        with contextlib.suppress(FAILURES):
            load_plain(head + data)


@given(st.data())
def test_a_good_pickle_with_changed_bytes_is_read_or_refused(data):
    good = bytearray(
        pickle.dumps({"data": np.zeros((2, 3), np.uint8), "labels": [1, 2]}, protocol=data.draw(st.integers(0, 4)))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FAILURES):
        load_plain(bytes(good))

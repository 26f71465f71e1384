"""Bodies that no database or page could hold are refused with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from calibench.api.checked_json import DEPTH, read_json


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b'{"a": NaN}', "no JSON: NaN"),
        (b"[-Infinity]", "no JSON: -Infinity"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested deeper"),
        (b"9" * 5000, "no JSON: a number has thousands of digits."),
        (b"1" + b"0" * 30, "2^53"),
        (b"1e400", "1e308"),
        (b'"\\ud800"', "half a letter"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'["a\\u0000"]', "NUL"),
    ],
)
def test_what_is_refused(body, says):
    with pytest.raises(HTTPException) as refused:
        read_json(body)
    assert refused.value.status_code == (400 if "JSON" in refused.value.detail or says == "UTF-8" else 422)
    assert says in refused.value.detail


def test_the_deepest_value_that_is_taken():
    assert read_json(b"[" * DEPTH + b"]" * DEPTH) is not None


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts | st.floats(-1e300, 1e300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_everything_else_is_read_as_it_is(value):
    assert read_json(json.dumps(value).encode()) == value

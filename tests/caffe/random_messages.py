"""Random messages of Caffe's schema, for property tests."""

from typing import Any

from hypothesis import strategies as st

from calibench.caffe.schema import Field, enum_values, fields_of, message
from calibench.caffe.text_values import LIMITS

FLOATS = st.floats(width=32, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    **{kind: st.integers(low, high) for kind, (low, high) in LIMITS.items()},
    "f": FLOATS,
    "d": st.floats(allow_nan=False),
    "b": st.booleans(),
    "s": TEXTS,
    "y": st.binary(max_size=8),
}


@st.composite
def messages(draw: st.DrawFn, kind: str = "NetParameter", depth: int = 0) -> Any:
    """A message with a few fields set, up to four messages deep."""
    fields = [field for field in fields_of(kind).values() if depth < 4 or not field.is_message]
    made = message(kind)()
    for field in draw(st.lists(st.sampled_from(fields), max_size=4, unique=True)):
        for _ in range(draw(st.integers(1, 3)) if field.is_repeated else 1):
            _put(draw, made, field, depth)
    return made


def _put(draw: st.DrawFn, made: Any, field: Field, depth: int) -> None:
    if field.is_message:
        value = draw(messages(field.kind, depth + 1))
        part = getattr(made, field.name).add() if field.is_repeated else getattr(made, field.name)
        part.CopyFrom(value)
        return
    kinds = st.sampled_from(sorted(enum_values(field.kind).values())) if field.is_enum else SCALARS[field.kind]
    if field.is_repeated:
        getattr(made, field.name).append(draw(kinds))
    else:
        setattr(made, field.name, draw(kinds))

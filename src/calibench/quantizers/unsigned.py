"""Which tensors are unsigned: read off the graph where it tells, else off the smallest value that was seen.

The original looks at the graph alone: back through ReLU, Split, Concat, Pooling and Eltwise, signed where that meets a
convolution without a ReLU of its own, else unsigned, whatever flows there.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from calibench.models.graph import constant_value, is_constant, is_never_negative
from calibench.quantizers.hoisting import MOVES

Sign = Literal["unsigned", "signed", "unknown"]

POOLING = frozenset(("AvgPool", "ReduceMean", "Pad"))
PASSED = MOVES | POOLING | {"Concat", "Add", "Maximum", "Split", "VariadicSplit", "Multiply", "PRelu"}
"""Operations through which the walk goes on, on every input that is no constant."""


def sign_of(output: Any) -> Sign:
    """What the graph in front of a tensor tells.

    Returns:
        unsigned: it is proved that no value is negative. signed: a convolution without ReLU ends there, directly or
        through pooling, sums and movement. unknown: neither; the original takes it for unsigned.
    """
    if never_negative(output):
        return "unsigned"
    return "signed" if _meets_convolution(output) else "unknown"


def never_negative(output: Any) -> bool:
    """Does the graph prove that a tensor holds no negative value?"""
    return _walk(output, _is_proved, all)


def _is_proved(output: Any) -> bool | None:
    """None: that depends on the inputs."""
    node = output.get_node()
    if is_never_negative(output):
        return True
    kind = node.get_type_name()
    if kind == "Constant" or is_constant(output):
        value = constant_value(output)
        return value is not None and bool((np.asarray(value) >= 0).all())
    if kind == "Maximum":
        return any(never_negative(value) for value in node.input_values())
    return None if kind in PASSED - {"PRelu"} else False


def _meets_convolution(output: Any) -> bool:
    return _walk(output, _is_convolution, any)


def _is_convolution(output: Any) -> bool | None:
    node = output.get_node()
    kind = node.get_type_name()
    if kind in ("Convolution", "GroupConvolution"):
        return True
    if kind not in PASSED or is_never_negative(output) or is_constant(output):
        return False
    return None


def _walk(output: Any, judge: Callable[[Any], bool | None], join: Callable[[Any], bool]) -> bool:
    """What `judge` says of a tensor; where it says None, of the data that its operation reads, joined."""
    known: dict[tuple[str, int], bool] = {}
    waiting = [output]
    while waiting:
        each = waiting[-1]
        name = (each.get_node().get_friendly_name(), each.get_index())
        own = judge(each)
        read = _data(each.get_node()) if own is None else []
        missing = [value for value in read if _name(value) not in known]
        if missing:
            waiting += missing
            continue
        known[name] = join(known[_name(value)] for value in read) if own is None else own
        waiting.pop()
    return known[_name(output)]


def _name(output: Any) -> tuple[str, int]:
    return (output.get_node().get_friendly_name(), output.get_index())


def _data(node: Any) -> list[Any]:
    """The inputs whose values the operation hands on: not shapes, axes or slopes. What a Pad adds is one."""
    if node.get_type_name() in ("Concat", "Add", "Maximum", "Multiply"):
        return list(node.input_values())
    if node.get_type_name() == "Pad" and node.get_input_size() > 3:
        return [node.input_value(0), node.input_value(3)]
    return [node.input_value(0)]

"""Move quantizers above operations that only move values, so that the movement itself runs in INT8."""

from dataclasses import dataclass, field
from typing import Any

import openvino as ov

from calibench.models.graph import Port, TensorKey, is_constant, is_float, key, operations, rank, tensor
from calibench.quantizers.sites import Point, Site

MOVES = frozenset(
    (
        *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "MaxPool", "StridedSlice", "Slice"),
        *("Gather", "DepthToSpace", "SpaceToDepth", "ShuffleChannels", "BatchToSpace", "SpaceToBatch"),
    )
)
"""Operations whose output holds values of their first input and nothing else."""


@dataclass
class _Draft:
    """A site on its way up."""

    points: dict[TensorKey, None]
    ports: list[Port]
    groups: set[str] = field(default_factory=set)


def hoist(graph: ov.Model, points: tuple[Point, ...], fixed: frozenset[TensorKey] = frozenset()) -> tuple[Site, ...]:
    """The sites of the quantizers: at every point, or above it where only movement lies between.

    Args:
        fixed: tensors whose quantizer stays where it is (their channels are scaled in front of it).
    """
    index = operations(graph)
    drafts = {p.tensor: _Draft({p.tensor: None}, list(p.consumers)) for p in points}
    waiting = list(drafts)
    while waiting:
        name = waiting.pop()
        draft = drafts.get(name)
        if draft is None or name in fixed:
            continue
        output = tensor(index, name)
        if len(output.get_target_inputs()) > len(draft.ports):
            continue  # somebody else reads it in float
        sources = _sources(output, draft, index)
        if not sources or any(key(source) in fixed for _, source in sources):
            continue
        del drafts[name]
        node = output.get_node()
        for i, source in sources:
            above = drafts.setdefault(key(source), _Draft({}, []))
            above.points |= draft.points
            above.ports.append(Port(node.get_friendly_name(), i))
            above.groups |= draft.groups | ({node.get_friendly_name()} if len(sources) > 1 else set())
            waiting.append(key(source))
    return _sites(drafts)


def _sources(output: Any, draft: _Draft, index: dict[str, Any]) -> list[tuple[int, Any]]:
    """The inputs above which the quantizer may move; none where it must stay."""
    node = output.get_node()
    kind = node.get_type_name()
    if kind == "Concat":
        inputs = list(enumerate(node.input_values()))
        return inputs if all(is_float(v) and not is_constant(v) for _, v in inputs) else []
    if kind not in MOVES and not _is_nearest(node):
        return []
    source = node.input_value(0)
    if not is_float(source) or is_constant(source) or (rank(source) or 0) < 2:
        return []
    if kind == "MaxPool" and source.get_node().get_type_name() == "Pad":
        return []  # TensorFlow pads with the lowest number there is
    if _flattens_for_matmul(output, draft, index):
        return []
    return [(0, source)]


def _is_nearest(node: Any) -> bool:
    return bool(node.get_type_name() == "Interpolate" and node.get_attributes().get("mode") == "nearest")


def _flattens_for_matmul(output: Any, draft: _Draft, index: dict[str, Any]) -> bool:
    """[N, C, 1, 1] -> [N, C] in front of a classifier: nothing to win above it."""
    kinds = {index[port.operation].get_type_name() for port in draft.ports}
    return output.get_node().get_type_name() in ("Reshape", "Squeeze") and rank(output) == 2 and "MatMul" in kinds


def _sites(drafts: dict[TensorKey, _Draft]) -> tuple[Site, ...]:
    number = _share_ranges(drafts)
    return tuple(
        Site(name, tuple(draft.points), tuple(draft.ports), number[name])
        for name, draft in sorted(drafts.items(), key=lambda item: number[item[0]])
    )


def _share_ranges(drafts: dict[TensorKey, _Draft]) -> dict[TensorKey, int]:
    """One number for all sites that meet in a Concat, directly or through another site."""
    number: dict[TensorKey, int] = {}
    pool = dict(drafts)
    while pool:
        members = [next(iter(pool))]
        met = set(pool.pop(members[0]).groups)
        while more := [name for name, draft in pool.items() if draft.groups & met]:
            for name in more:
                met |= pool.pop(name).groups
            members += more
        for name in members:
            number[name] = len(drafts) - len(pool)
    return number

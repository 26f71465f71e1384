"""Names of operations: the layer's for the one that ends it, `<layer>/<Type>` for the others; unique and repeatable."""

from collections.abc import Iterable

import openvino as ov

from calibench.caffe.net import Layer


class Names:
    """The names of one graph. A name that is taken already gets a number behind it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """The name, or the first `<name>#<n>` that is free."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}#{number}"
        self._taken.add(name)
        return name

    def name(self, layer: Layer, inputs: Iterable[ov.Output], tops: Iterable[ov.Output]) -> None:
        """Name the operations that a handler has made, which lie between its inputs and its tops."""
        before = {value.get_node().get_name() for value in inputs}
        ends = [value.get_node() for value in tops]
        made = _between(before, ends)
        for op in made:
            if not _is_unnamed(op):
                op.set_friendly_name(self.take(op.get_friendly_name()))
        for op in made:
            if _is_unnamed(op):
                is_end = op.get_name() == ends[0].get_name()
                op.set_friendly_name(self.take(layer.name if is_end else f"{layer.name}/{op.get_type_name()}"))


def _between(before: set[str], ends: list[ov.Node]) -> list[ov.Node]:
    """Operations from the ends back to the inputs, each once."""
    found: dict[str, ov.Node] = {}
    ahead = list(reversed(ends))
    while ahead:
        op = ahead.pop()
        if op.get_name() not in before and op.get_name() not in found:
            found[op.get_name()] = op
            ahead += [value.get_source_output().get_node() for value in reversed(op.inputs())]
    return list(found.values())


def _is_unnamed(op: ov.Node) -> bool:
    return bool(op.get_friendly_name() == op.get_name())

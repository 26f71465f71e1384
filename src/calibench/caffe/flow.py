"""Which layer reads what another has made, where an in-place layer gives a blob a new value under its old name."""

from calibench.caffe.net import Layer, Net
from calibench.errors import ModelError

Value = tuple[int, int]
"""A value of a blob: index of the layer that makes it, number of its top. Index -1: the net's inputs, by number."""

OUTSIDE = -1


def sources(net: Net) -> tuple[tuple[Value, ...], ...]:
    """The values that each layer reads, in the order of its bottoms.

    Raises:
        ModelError: a layer reads a blob that no layer before it makes.
    """
    table: dict[str, Value] = {name: (OUTSIDE, number) for number, name in enumerate(net.inputs)}
    found = []
    for index, layer in enumerate(net.layers):
        for bottom in layer.bottoms:
            if bottom not in table:
                raise ModelError(
                    f"{where(net, layer)} reads the blob '{bottom}', which no layer before it makes. Correct its "
                    "bottom, or the rules that leave the layer in or out."
                )
        found.append(tuple(table[bottom] for bottom in layer.bottoms))
        table.update({top: (index, number) for number, top in enumerate(layer.tops)})
    return tuple(found)


def readers(flow: tuple[tuple[Value, ...], ...]) -> dict[Value, list[int]]:
    """Value -> indices of the layers that read it, once for each bottom."""
    found: dict[Value, list[int]] = {}
    for index, values in enumerate(flow):
        for value in values:
            found.setdefault(value, []).append(index)
    return found


def where(net: Net, layer: Layer) -> str:
    """A layer as a message names it: file, line, name."""
    line = f" line {layer.line}:" if layer.line else ""
    return f"{net.path}:{line} layer '{layer.name}'"

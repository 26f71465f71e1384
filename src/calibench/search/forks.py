"""Many networks in one: each layer's INT8 twin parts from the FP32 network and runs beside it to the end.

Where a twin parts, it becomes one more element of the batch. What comes before is computed once, what follows for
every twin; element 0 of every tensor stays exact. So a network of 60 layers is compiled once instead of 60 times, and
each layer costs no more than what stands behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.models.graph import TensorKey, constant_value, consumers, is_float, key
from calibench.search.twins import Twins, again

TAKES_SHAPE = frozenset(("Reshape", "Broadcast"))
"""Operations whose second input may name the length of the batch."""


class NoBatchError(Exception):
    """Twins cannot travel along the batch of this network: it has none, or mixes it with other axes."""


@dataclass(frozen=True)
class Carried:
    """A tensor, the twins that it carries behind its exact element, in their order, and the axis they lie on."""

    output: Any
    twins: tuple[int, ...] = ()
    axis: int = 0

    @property
    def exact(self) -> Any:
        """The exact element alone."""
        return gather(self.output, [0], self.axis) if self.twins else self.output


def fork(model: ov.Model, rounded: Twins, names: Sequence[str], fused: Mapping[str, str]) -> dict[TensorKey, Carried]:
    """Let the twins of some layers run through a model.

    Args:
        model: a clone of the FP32 graph at fixed shapes, without shapes that are computed at run time; changed.
        names: layers; a twin's number is its place here.
        fused: operations that follow a layer in its kernel, with the layer's name.

    Returns:
        The tensors to compare: the outputs; in their place, where an operation behind all layers mixes the elements of
        a batch (as a selection of boxes does), what that operation reads.

    Raises:
        NoBatchError: twins cannot run through; the model is spoilt.
    """
    order = [op for op in model.get_ordered_ops() if op.get_input_size()]
    sources = {op.get_friendly_name(): [key(value) for value in op.input_values()] for op in order}
    needed = _feeding(order, frozenset(names))
    forking = _Forking(order, rounded, names, fused)
    found: dict[TensorKey, Carried] = {}
    ended: set[str] = set()
    for op in order:
        name = op.get_friendly_name()
        if op.get_type_name() != "Result" and not any(source[0] in ended for source in sources[name]):
            try:
                forking.visit(op)
                continue
            except NoBatchError:
                if name in needed:
                    raise
        ended.add(name)
        found |= _last_floats(name, sources, forking.carried)
    return found


def _last_floats(
    name: str, sources: Mapping[str, Sequence[TensorKey]], carried: Mapping[TensorKey, Carried]
) -> dict[TensorKey, Carried]:
    """The nearest tensors with twins above an operation that hold real numbers."""
    found: dict[TensorKey, Carried] = {}
    waiting = list(sources[name])
    while waiting:
        source = waiting.pop()
        each = carried.get(source, Carried(None))
        if each.twins and is_float(each.output):
            found[source] = each
        elif each.twins:
            waiting += sources[source[0]]
    return found


def gather(output: Any, places: Sequence[int], axis: int) -> Any:
    """Some elements of an axis, in this order."""
    return ops.gather(output, np.array(places, np.int64), np.int64(axis)).output(0)


def _feeding(order: Sequence[Any], names: frozenset[str]) -> set[str]:
    """The layers and all operations that one of them follows."""
    needed = set(names)
    for op in reversed(order):
        if any(reader.get_friendly_name() in needed for output in op.outputs() for reader, _ in consumers(output)):
            needed.add(op.get_friendly_name())
    return needed


class _Forking:
    """A model on its way from the first operation to the last; `carried`: what has become of its tensors."""

    def __init__(self, order: Sequence[Any], rounded: Twins, names: Sequence[str], fused: Mapping[str, str]) -> None:
        self.carried: dict[TensorKey, Carried] = {}
        self._rounded, self._fused = rounded, fused
        self._number = {name: number for number, name in enumerate(names)}
        self._shapes = {key(output): output.get_partial_shape() for op in order for output in op.outputs()}
        self._parting: dict[str, tuple[int, int, Any]] = {}

    def visit(self, op: Any) -> None:
        """Bring the inputs of an operation to the same twins, and let its own twin part.

        Raises:
            NoBatchError: it mixes the elements of a batch, or its shapes are not known before the run.
        """
        read = [self.carried.get(key(value), Carried(value)) for value in op.input_values()]
        twins = tuple(sorted({number for each in read for number in each.twins}))
        if twins:
            _widen(op, read, twins)
        found = {key(output): self._found(output, twins) for output in op.outputs()}
        self.carried |= found
        name = op.get_friendly_name()
        if name in self._number:
            values = {i: each.exact for i, each in enumerate(read) if each.twins}
            self._part(op, self._number[name], self._rounded.add(op, values))
        elif name in self._parting:
            number, port, output = self._parting.pop(name)
            self._part(op, number, again(op, {port: output}))

    def _found(self, output: Any, twins: tuple[int, ...]) -> Carried:
        """Where an output carries the twins: on the one axis that has grown from 1."""
        if not twins:
            return Carried(output)
        before, after = self._shapes[key(output)], output.get_partial_shape()
        if before.is_static and after.is_static and len(before) == len(after):
            pairs = list(zip(before.to_shape(), after.to_shape(), strict=True))
            grown = [axis for axis, (old, new) in enumerate(pairs) if old != new]
            if len(grown) == 1 and pairs[grown[0]] == (1, 1 + len(twins)):
                return Carried(output, twins, grown[0])
        raise NoBatchError(f"{output.get_node().get_friendly_name()}: {before} becomes {after} at a longer batch")

    def _part(self, op: Any, number: int, twin: Any) -> None:
        """A twin goes along with the operations in its layer's kernel, and joins the batch behind them."""
        own = self.carried[key(op.output(0))]
        readers = list(consumers(op.output(0)))
        if len(readers) == 1:
            reader, port = readers[0]
            layer = self._fused.get(op.get_friendly_name(), op.get_friendly_name())
            if self._fused.get(reader.get_friendly_name()) == layer:
                self._parting[reader.get_friendly_name()] = (number, port, twin)
                return
        if not self._shapes[key(op.output(0))].is_static or twin.get_shape()[own.axis] != 1:
            raise NoBatchError(f"{op.get_friendly_name()}: its output has no batch of 1")
        joined = ops.concat([own.output, twin], own.axis).output(0)
        self.carried[key(op.output(0))] = Carried(joined, (*own.twins, number), own.axis)


def _widen(op: Any, read: Sequence[Carried], twins: tuple[int, ...]) -> None:
    """Every input with twins gets all of them: the exact element stands for those that it does not carry."""
    axes = {each.axis for each in read if each.twins}
    if len(axes) > 1:
        raise NoBatchError(f"{op.get_friendly_name()}: its inputs have their batch on different axes")
    (axis,) = axes
    for i, each in enumerate(read):
        output = each.output
        if each.twins and each.twins != twins:
            at = {number: place + 1 for place, number in enumerate(each.twins)}
            output = gather(output, [0, *(at.get(number, 0) for number in twins)], axis)
        elif not each.twins and op.get_type_name() == "Concat":
            output = gather(output, [0] * (1 + len(twins)), axis)
        elif i == 1 and op.get_type_name() in TAKES_SHAPE:
            output = _lengthened(output, axis, 1 + len(twins))
        op.input(i).replace_source_output(output)
    try:
        op.validate_and_infer_types()
    except RuntimeError as error:
        raise NoBatchError(f"{op.get_friendly_name()}: takes no longer batch") from error


def _lengthened(shape: Any, axis: int, length: int) -> Any:
    """A constant shape with a longer batch, where it names one."""
    value = constant_value(shape)
    if value is None or value.ndim != 1 or value.size <= axis or value[axis] != 1:
        return shape
    longer = np.array(value)
    longer[axis] = length
    return ops.constant(longer).output(0)

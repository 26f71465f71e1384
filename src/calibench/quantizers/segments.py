"""Cut a graph into stages at chosen tensors, so that every part of it is computed once and alone.

A chosen tensor is changed after its stage has run, and what follows has to see the change. So a stage holds what can be
computed from that which the stages before it left behind; chosen tensors that do not depend on one another share one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import openvino as ov
import openvino.opset13 as ops

from calibench.models.graph import TensorKey, key
from calibench.quantizers.hoisting import MOVES

REPEATED = MOVES | {"FakeQuantize", "Concat", "Split", "VariadicSplit"}
"""Quantizers, and movement behind them, are computed again by every stage that reads them: a layer that is fed a
tensor cut off behind its quantizer would run in float."""
SOURCES = frozenset(("Parameter", "RandomUniform", "ReadValue"))


@dataclass(frozen=True)
class Stage:
    """What is computed together.

    Attributes:
        chosen: the tensors that are changed afterwards, by name of the layer that makes them.
        kept: others that later stages read.
        forgotten: tensors of this or earlier stages that no later stage reads.
    """

    chosen: Mapping[str, TensorKey]
    kept: tuple[TensorKey, ...]
    forgotten: tuple[TensorKey, ...]

    @property
    def outputs(self) -> tuple[TensorKey, ...]:
        """All that the stage hands out."""
        return (*self.chosen.values(), *self.kept)


def cut(order: list[Any], chosen: Mapping[str, TensorKey]) -> tuple[Stage, ...]:
    """The stages in the order in which they run.

    Args:
        order: all operations of the graph, inputs first.
        chosen: by name of a layer: its output, or that of the addition of its bias.
    """
    numbers = _numbers(order, chosen)
    last_read = _last_read(order, numbers, chosen)
    changed = set(chosen.values())
    kept: dict[int, list[TensorKey]] = {}
    forgotten: dict[int, list[TensorKey]] = {}
    for name in changed | last_read.keys():
        made = numbers.get(name[0], 0)
        last = last_read.get(name, made)
        if made and (name in changed or last > made):
            forgotten.setdefault(last, []).append(name)
            if name not in changed:
                kept.setdefault(made, []).append(name)
    return tuple(
        Stage(
            {layer: name for layer, name in chosen.items() if numbers[layer] == number},
            tuple(sorted(kept.get(number, ()))),
            tuple(sorted(forgotten.get(number, ()))),
        )
        for number in range(1, max((numbers[layer] for layer in chosen), default=0) + 1)
    )


def _numbers(order: list[Any], chosen: Mapping[str, TensorKey]) -> dict[str, int]:
    """The stage in which an operation is computed; no number for constants, inputs and what is repeated."""
    behind = {name[0] for name in chosen.values()}
    depths: dict[str, int] = {}  # chosen tensors on the longest way to what the operation makes
    repeated: set[str] = set()
    numbers: dict[str, int] = {}
    for op in order:
        name, kind = op.get_friendly_name(), op.get_type_name()
        reads = [each for value in op.input_values() if (each := value.get_node().get_friendly_name()) in depths]
        if not reads and kind not in SOURCES:
            continue
        depths[name] = max((depths[each] for each in reads), default=0) + (name in chosen)
        is_behind = name in chosen or name in behind
        if kind == "FakeQuantize" or (kind in REPEATED and repeated.intersection(reads)):
            repeated.add(name)
        elif kind != "Parameter":
            numbers[name] = depths[name] if is_behind else depths[name] + 1
    return numbers


def _last_read(order: list[Any], numbers: Mapping[str, int], chosen: Iterable[str]) -> dict[TensorKey, int]:
    """The last stage in which a tensor is read on the way to a chosen one."""
    last: dict[TensorKey, int] = {}
    wanted = set(chosen)
    for op in reversed(order):
        name = op.get_friendly_name()
        uses = [last[key(output)] for output in op.outputs() if key(output) in last]
        if not uses and name not in wanted:
            continue
        number = numbers.get(name, max(uses, default=0))
        for value in op.input_values():
            last[key(value)] = max(last.get(key(value), 0), number)
    return last


def extract(outputs: list[Any]) -> ov.Model:
    """A model that computes some outputs of nodes, over copies of those; it holds only the inputs that it reads."""
    results = [ops.result(output) for output in outputs]
    seen: set[str] = set()
    inputs: list[Any] = []
    waiting = [output.get_node() for output in outputs]
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() in seen:
            continue
        seen.add(node.get_friendly_name())
        if node.get_type_name() == "Parameter":
            inputs.append(node)
        waiting += [value.get_node() for value in node.input_values()]
    return ov.Model(results, inputs, "stage").clone()


def make_input(output: Any, name: str) -> None:
    """Let everything that reads a tensor read a model input of that name."""
    node = ops.parameter(output.get_partial_shape(), output.get_element_type(), name)
    node.output(0).tensor.set_names({name})
    for reader in list(output.get_target_inputs()):
        reader.replace_source_output(node.output(0))

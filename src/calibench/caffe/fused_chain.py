"""What the kernel of a layer computes along: bias, residual addition, ReLU. Read off the graph of `to_openvino`.

A tensor is named by its producer: (friendly name, output index).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import openvino as ov

TensorKey = tuple[str, int]

KERNELS = frozenset(("Convolution", "GroupConvolution", "MatMul"))
"""The operations that Convolution (depthwise too) and InnerProduct become."""


def graph_index(graph: ov.Model) -> dict[str, Any]:
    """All operations by friendly name, in the order in which they can be computed."""
    return {op.get_friendly_name(): op for op in graph.get_ordered_ops()}


def fused_end(index: Mapping[str, Any], layer: str) -> tuple[TensorKey, bool]:
    """The tensor at the end of what a layer's kernel computes, and whether a ReLU without slope ends it.

    The chain is bias, the addition of an equally shaped tensor, ReLU (also with one slope for all), each read by the
    next alone. An addition of two convolutions belongs to the one that is its later input: the other's result must
    be there already. The tensor leaves as u8 where a ReLU without slope ends the chain, else as s8.

    Args:
        index: of `graph_index`.
        layer: the operation's name; a Convolution, GroupConvolution or MatMul.

    Source: the fusions of Intel Caffe 1.1.6 (convolution with sum and ReLU).
    """
    end = _behind_bias(index[layer].output(0))
    addition = only_reader(end)
    if addition is not None and _is_residual(addition) and _owner(addition) == layer:
        end = addition.output(0)
    activation = only_reader(end)
    if activation is not None and _is_relu(activation):
        return key(activation.output(0)), activation.get_type_name() == "Relu"
    return key(end), False


def key(output: Any) -> TensorKey:
    """The name of the tensor behind an output port."""
    return (output.get_node().get_friendly_name(), output.get_index())


def readers(output: Any) -> Iterator[tuple[Any, int]]:
    """The operations that read a tensor, each with the index of its input."""
    for target in output.get_target_inputs():
        yield target.get_node(), target.get_index()


def only_reader(output: Any) -> Any | None:
    """The operation that reads a tensor, where there is just one such input."""
    found = list(readers(output))
    return found[0][0] if len(found) == 1 else None


def is_constant(output: Any) -> bool:
    """Is the tensor a constant (or a converted, reshaped one)?"""
    node = output.get_node()
    while node.get_type_name() in ("Convert", "Reshape", "Unsqueeze"):
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "Constant")


def _behind_bias(output: Any) -> Any:
    addition = only_reader(output)
    if addition is None or addition.get_type_name() != "Add":
        return output
    return addition.output(0) if any(is_constant(value) for value in addition.input_values()) else output


def _is_residual(op: Any) -> bool:
    """Does it add two tensors of one shape, neither of them constant?"""
    if op.get_type_name() != "Add" or any(is_constant(value) for value in op.input_values()):
        return False
    left, right = (value.get_partial_shape() for value in op.input_values())
    return bool(left == right)


def _owner(addition: Any) -> str:
    """The last of the layers whose own result the addition reads."""
    return [name for value in addition.input_values() if (name := _kernel(value)) is not None][-1]


def _kernel(output: Any) -> str | None:
    """The layer that writes a tensor for one reader, with its bias at most."""
    if only_reader(output) is None:
        return None
    node = output.get_node()
    if node.get_type_name() == "Add":
        values = [value for value in node.input_values() if not is_constant(value)]
        if len(values) != 1 or only_reader(values[0]) is None:
            return None
        node = values[0].get_node()
    return str(node.get_friendly_name()) if node.get_type_name() in KERNELS else None


def _is_relu(op: Any) -> bool:
    kind = op.get_type_name()
    if kind == "PRelu":
        shape = op.input_value(1).get_partial_shape()
        return is_constant(op.input_value(1)) and shape.is_static and ov.Shape(shape.to_shape()) in ([], [1])
    return bool(kind == "Relu")

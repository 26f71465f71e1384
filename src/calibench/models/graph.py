"""Read facts off an OpenVINO graph: names, constants, and what the weighted layers look like.

A tensor is named by its producer: (friendly name, output index). Names are unique in a normalised graph and survive
`clone()`, so that what is decided on one clone can be carried out on another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TensorKey = tuple[str, int]

CONVOLUTIONS = frozenset(("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"))
WEIGHTED = CONVOLUTIONS | {"MatMul"}
RECURRENT = frozenset(("LSTMSequence", "GRUSequence", "RNNSequence", "LSTMCell", "GRUCell", "RNNCell"))
WITH_BODY = frozenset(("If", "Loop", "TensorIterator"))
NOT_LAYERS = frozenset(("Constant", "Parameter", "Result", "ShapeOf", "Convert", "ReadValue", "Assign"))


@dataclass(frozen=True)
class Port:
    """One input of one operation."""

    operation: str
    index: int


@dataclass(frozen=True)
class WeightedLayer:
    """A convolution or MatMul and the facts that its quantization needs.

    Attributes:
        weight_port: input index of the constant weights; None for a MatMul of two activations.
        activation_ports: input indices of the activations.
        weight_axes: axes of the weights that one scale covers together (all but the output channels').
    """

    name: str
    type: str
    activation_ports: tuple[int, ...]
    weight_port: int | None
    weight_axes: tuple[int, ...]
    is_depthwise: bool


def bodies(op: Any) -> dict[str, ov.Model]:
    """The graphs inside an If ("then" and "else"), or inside a Loop or TensorIterator (""); none for others."""
    kind = op.get_type_name()
    if kind == "If":
        return {"then": op.get_then_body(), "else": op.get_else_body()}
    return {"": op.get_function()} if kind in WITH_BODY else {}


def with_bodies(model: ov.Model) -> Iterator[ov.Model]:
    """The graph itself and all bodies in it, however deep; in the order of their operations."""
    yield model
    for op in model.get_ordered_ops():
        for body in bodies(op).values():
            yield from with_bodies(body)


def key(output: Any) -> TensorKey:
    """The name of the tensor behind an output port."""
    return (output.get_node().get_friendly_name(), output.get_index())


def operations(model: ov.Model) -> dict[str, Any]:
    """All operations by friendly name."""
    return {op.get_friendly_name(): op for op in model.get_ops()}


def tensor(index: dict[str, Any], name: TensorKey) -> Any:
    """The output port of a tensor, in the clone that `index` describes."""
    return index[name[0]].output(name[1])


def rank(output: Any) -> int | None:
    """Number of axes, None when it is not known before the run."""
    shape = output.get_partial_shape()
    return int(shape.rank.get_length()) if shape.rank.is_static else None


def dimension(output: Any, axis: int) -> int | None:
    """Length of one axis, None when dynamic."""
    size = output.get_partial_shape()[axis]
    return int(size.get_length()) if size.is_static else None


def is_float(output: Any) -> bool:
    """Does the tensor hold real numbers?"""
    return bool(output.get_element_type().is_real())


def consumers(output: Any) -> Iterator[tuple[Any, int]]:
    """The operations that read a tensor, each with the index of its input."""
    for target in output.get_target_inputs():
        yield target.get_node(), target.get_index()


def is_never_negative(output: Any) -> bool:
    """Does the kind of operation that makes the tensor tell that it has no negative value?"""
    node = output.get_node()
    kind = node.get_type_name()
    if kind == "Clamp":
        return float(node.get_attributes()["min"]) >= 0
    return kind in ("Relu", "Sigmoid", "Softmax", "HSigmoid")


def is_constant(output: Any, depth: int = 8) -> bool:
    """Is the tensor computed from constants alone?"""
    node = output.get_node()
    kind = node.get_type_name()
    if kind == "Constant":
        return True
    if depth == 0 or kind in ("Parameter", "ReadValue", "RandomUniform") or node.get_input_size() == 0:
        return False
    return all(is_constant(value, depth - 1) for value in node.input_values())


def constant_value(output: Any) -> NDArray[Any] | None:
    """The value of a tensor that is computed from constants alone (a view where possible), else None."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        return np.asarray(node.data)
    if not is_constant(output):
        return None
    if node.get_type_name() == "Convert":
        inner = constant_value(node.input_value(0))
        return None if inner is None else inner.astype(output.get_element_type().to_dtype())
    result = ov.Tensor(output.get_element_type(), output.get_shape())
    ov.Model([output], []).evaluate([result], [])
    return np.array(result.data)


def weighted_layer(op: Any) -> WeightedLayer | None:
    """The facts of a convolution or MatMul over floats; None for any other operation."""
    kind = op.get_type_name()
    if kind not in WEIGHTED or not is_float(op.output(0)):
        return None
    constant = [is_constant(op.input_value(i)) for i in (0, 1)]
    weight_port = 1 if constant[1] else 0 if constant[0] and kind == "MatMul" else None
    activations = tuple(i for i in (0, 1) if i != weight_port)
    shape = tuple(op.input_value(weight_port).get_shape()) if weight_port is not None else ()
    return WeightedLayer(
        op.get_friendly_name(),
        kind,
        activations,
        weight_port,
        _weight_axes(op, weight_port, len(shape)),
        kind == "GroupConvolution" and len(shape) > 2 and shape[2] == 1,
    )


def _weight_axes(op: Any, port: int | None, dims: int) -> tuple[int, ...]:
    kind = op.get_type_name()
    if port is None:
        return ()
    if kind == "Convolution":
        return tuple(range(1, dims))
    if kind == "GroupConvolution":
        return tuple(range(2, dims))
    if kind == "ConvolutionBackpropData":
        return (0, *range(2, dims))
    if kind == "GroupConvolutionBackpropData":
        return (1, *range(3, dims))
    return (matmul_inner_axis(op, port, dims),)


def matmul_inner_axis(op: Any, port: int, dims: int) -> int:
    """The axis over which a MatMul sums, in its input `port` of `dims` axes."""
    attributes = op.get_attributes()
    if dims == 1:
        return 0
    if port == 0:
        return dims - 2 if attributes["transpose_a"] else dims - 1
    return dims - 1 if attributes["transpose_b"] else dims - 2


def input_channel_axis(op: Any, port: int) -> int:
    """The axis of an activation input along which its channels lie, as the consuming layer sees them."""
    dims = rank(op.input_value(port)) or 1
    kind = op.get_type_name()
    if kind == "MatMul":
        return matmul_inner_axis(op, port, dims)
    return 1 if dims in (3, 4, 5) else dims - 1


def multiply_adds(model: ov.Model) -> int:
    """Multiplications with addition in convolutions and matrix products of one inference; a free axis counts as 1."""
    return sum(multiply_adds_of(op) for op in model.get_ops())


def multiply_adds_of(op: Any) -> int:
    """Those of one operation; 0 for what is neither a convolution nor a MatMul."""
    kind = op.get_type_name()
    if kind not in WEIGHTED:
        return 0
    weights, output = _sides(op.input_value(1)), _sides(op.output(0))
    if kind == "MatMul":
        inner = _sides(op.input_value(0))[-2 if op.get_attributes()["transpose_a"] else -1]
        return int(np.prod(output, dtype=np.int64)) * inner
    each = weights[-len(output) + 1 :]
    places = _sides(op.input_value(0)) if kind.endswith("BackpropData") else output
    return int(np.prod(places, dtype=np.int64)) * int(np.prod(each))


def _sides(value: Any) -> list[int]:
    shape = value.get_partial_shape()
    return [side.get_length() if side.is_static else 1 for side in shape] if shape.rank.is_static else [1, 1]

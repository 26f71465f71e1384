"""What a handler is: it turns one Caffe layer into OpenVINO operations.

A handler raises ModelError with what is wrong only ("blob 0 has the shape ..."); the converter puts file, line and
layer in front. It names no operation unless it has a reason to: the converter gives the operation behind the first top
the name of the layer, and `<layer>/<Type>` to the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.net import FloatArray, Layer, Net
from calibench.errors import ModelError


@dataclass(frozen=True, eq=False)
class Context:
    """What a handler may ask beside its layer.

    Attributes:
        net: the whole net, BatchNorm and the like folded.
        batch: of all inputs; None where it is free (the first axis of a tensor is then of unknown size).
        image: height and width of the net's first input with 4 axes, in pixels; None where there is none.
    """

    net: Net
    batch: int | None = None
    image: tuple[int, int] | None = None


Handler = Callable[[Layer, Sequence[ov.Output], Context], list[ov.Output]]
"""(layer, values of its bottoms, context) -> values of its tops, as many as there are."""


def dims(value: ov.Output) -> list[int]:
    """Sizes of all axes; -1 where an axis is free."""
    return [axis.get_length() if axis.is_static else -1 for axis in value.partial_shape]


def known(value: ov.Output, axis: int) -> int:
    """Size of one axis.

    Raises:
        ModelError: the size is free, or there is no such axis.
    """
    sizes = dims(value)
    if not -len(sizes) <= axis < len(sizes) or sizes[axis] < 0:
        raise ModelError(f"axis {axis} of an input of shape {_text(sizes)} has to be known.")
    return sizes[axis]


def axis_of(value: ov.Output, axis: int) -> int:
    """An axis from 0, where a negative one counts from the end.

    Raises:
        ModelError: there is no such axis.
    """
    rank = len(value.partial_shape)
    if not -rank <= axis < rank:
        raise ModelError(f"axis {axis} is none of an input with {rank} axes.")
    return axis % rank


def blob(layer: Layer, number: int, shape: Sequence[int]) -> FloatArray:
    """Blob of a layer in the shape that its parameters ask for; not copied.

    Leading ones do not count: files of the old layout have four axes for every blob. Nor do those around a single axis.

    Raises:
        ModelError: it is missing, or has another shape.
    """
    if len(layer.blobs) <= number:
        raise ModelError(
            f"blob {number} of shape {_text(shape)} is missing; the weights file holds {len(layer.blobs)} "
            "blobs for the layer. Give the caffemodel that belongs to the prototxt."
        )
    found = layer.blobs[number]
    if not _fits(found.shape, shape):
        raise ModelError(
            f"blob {number} has the shape {_text(found.shape)} in the weights file, "
            f"but the prototxt asks for {_text(shape)}. Give the caffemodel that belongs to the prototxt."
        )
    return found.reshape(tuple(shape))


def constant(value: object) -> ov.Output:
    """A constant; an array of float32 shares its memory."""
    if isinstance(value, np.ndarray):
        return ops.constant(np.require(value, requirements=("C", "A")), shared_memory=True).output(0)
    return ops.constant(np.asarray(value, np.float32)).output(0)


def integers(values: Sequence[int] | int) -> ov.Output:
    """A constant of int64: axes, shapes."""
    return ops.constant(np.asarray(values, np.int64)).output(0)


def named(node: ov.Node, name: str) -> ov.Output:
    """First output of a node, which takes a name of the handler's choice."""
    node.set_friendly_name(name)
    return node.output(0)


def _fits(found: Sequence[int], wanted: Sequence[int]) -> bool:
    if len(wanted) <= 1:
        return [size for size in found if size != 1] == [size for size in wanted if size != 1]
    return _without_leading_ones(found) == _without_leading_ones(wanted)


def _without_leading_ones(shape: Sequence[int]) -> tuple[int, ...]:
    first = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return tuple(shape[first:])


def _text(shape: Sequence[int]) -> str:
    return "[" + ", ".join("?" if size < 0 else str(size) for size in shape) + "]"

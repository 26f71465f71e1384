"""Where statistics are measured and where quantizers go: plain values, named by tensor, valid on every clone."""

from collections.abc import Mapping
from dataclasses import dataclass

from calibench.models.graph import Port, TensorKey, WeightedLayer


@dataclass(frozen=True)
class Point:
    """A tensor whose values are measured: the activation input of a layer that is quantized.

    Attributes:
        dims: number of axes.
        channel_axis: axis of the channels as the consuming layer sees them.
        channels: length of that axis; 1 when it is not known before the run (then all is one channel).
        consumers: ports that want the tensor in INT8.
        aligned: those of them that see the channels on the same axis, and their number known before the run; only
            for these do statistics per channel mean something.
        is_input: it is an input of the model.
    """

    tensor: TensorKey
    dims: int
    channel_axis: int
    channels: int
    consumers: tuple[Port, ...]
    aligned: tuple[Port, ...] = ()
    is_input: bool = False


@dataclass(frozen=True)
class Site:
    """A place where one activation quantizer stands.

    It may stand above the points that it serves (above a Reshape or a Concat), so that the movement runs in INT8.

    Attributes:
        points: the measured tensors whose ranges it must hold.
        ports: the inputs that read the quantized tensor.
        group: sites with the same number share one range (inputs of a Concat).
    """

    tensor: TensorKey
    points: tuple[TensorKey, ...]
    ports: tuple[Port, ...]
    group: int


@dataclass(frozen=True)
class FloatLayer:
    """A layer that keeps its original precision, and why.

    A layer in the body of an If, Loop or TensorIterator is named behind the operation that holds it: `Loop/MatMul`.
    """

    name: str
    type: str
    reason: str


@dataclass(frozen=True)
class Placement:
    """Everything that is decided from the graph alone, before a sample is seen.

    Attributes:
        fused: biases and activations that the kernel of a weighted layer computes along, with the name of that layer.
    """

    points: tuple[Point, ...]
    sites: tuple[Site, ...]
    layers: tuple[WeightedLayer, ...]
    left_float: tuple[FloatLayer, ...]
    fused: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All layers that could be quantized: those that are, and those left in float."""
        quantized = (port.operation for point in self.points for port in point.consumers)
        return tuple(dict.fromkeys((*quantized, *(layer.name for layer in self.left_float))))

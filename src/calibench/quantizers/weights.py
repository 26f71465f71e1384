"""How the weights of a layer act on its input's channels: what smoothing, bias correction and prediction need."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.models.graph import WeightedLayer, matmul_inner_axis

FloatArray = NDArray[np.float32]


def mean_output(op: Any, layer: WeightedLayer, weights: NDArray[np.floating], mean: FloatArray) -> FloatArray | None:
    """What the layer makes, on average, of an input with these channel means; borders of a picture are ignored.

    Args:
        weights: of the layer's own shape; usually the error of the weights.
        mean: float32 [C], mean of the layer's input per channel.

    Returns:
        float32 [output channels]; None for weights of a form that one vector cannot describe (batched MatMul).
    """
    by_output = _input_by_output(op, layer, weights.astype(np.float64))
    if by_output is None or by_output.shape[0] * by_output.shape[1] != mean.size:
        return None
    shift = np.einsum("gio,gi->go", by_output, mean.reshape(by_output.shape[:2])).reshape(-1)
    if layer.type.endswith("BackpropData"):
        shift = shift / float(np.prod(op.get_attributes()["strides"]))
    return np.asarray(shift, np.float32)


def input_importance(op: Any, layer: WeightedLayer, weights: NDArray[np.floating], variance: FloatArray) -> FloatArray:
    """How much noise in each input channel counts in the layer's output, every output channel measured by its signal.

    Args:
        weights: of the layer's own shape.
        variance: float32 [C], of the layer's input per channel.

    Returns:
        float32 [C]: output noise over output signal, summed over the outputs, for noise of power 1 in that channel.
        Channels are taken as independent. All ones for weights of a form that has no such reading (batched MatMul).
    """
    power = _input_by_output(op, layer, weights.astype(np.float64) ** 2)
    if power is None or power.shape[0] * power.shape[1] != variance.size:
        return np.ones(variance.size, np.float32)
    signal = np.einsum("gio,gi->go", power, variance.reshape(power.shape[:2]).astype(np.float64))
    floor = 1e-3 * float(signal.mean()) + 1e-30  # a dead output does not rule
    return np.asarray((power / (signal + floor)[:, None]).sum(2).reshape(-1), np.float32)


def _input_by_output(op: Any, layer: WeightedLayer, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Values of the weights' shape summed over the kernel, as [groups, inputs, outputs]."""
    kind = layer.type
    if kind == "MatMul":
        if values.ndim != 2 or layer.weight_port != 1:
            return None
        return np.asarray(values.T if matmul_inner_axis(op, 1, 2) == 1 else values)[None]
    summed = values.reshape(*values.shape[: _leading(kind)], -1).sum(-1)
    grouped = summed if kind.startswith("Group") else summed[None]
    return np.asarray(grouped if kind.endswith("BackpropData") else grouped.transpose(0, 2, 1))


def _leading(kind: str) -> int:
    return 3 if kind.startswith("Group") else 2


def as_matrix(op: Any, layer: WeightedLayer, weights: FloatArray) -> FloatArray | None:
    """Weights as [input channels, outputs] where the layer is a plain product of rows, else None."""
    if layer.type == "Convolution" and all(size == 1 for size in weights.shape[2:]):
        return weights.reshape(weights.shape[:2]).T
    if layer.type == "MatMul" and weights.ndim == 2 and layer.weight_port == 1:
        return weights.T if matmul_inner_axis(op, 1, 2) == 1 else weights
    return None

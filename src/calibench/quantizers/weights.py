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
    values = weights.astype(np.float64)
    kind = layer.type
    if kind == "MatMul":
        if values.ndim != 2 or layer.weight_port != 1:
            return None
        inner = matmul_inner_axis(op, 1, 2)
        return np.asarray(np.tensordot(values, mean, (inner, 0)), np.float32)
    summed = values.reshape(*values.shape[: _leading(kind)], -1).sum(-1)
    if kind == "Convolution":
        return np.asarray(summed @ mean, np.float32)
    if kind == "ConvolutionBackpropData":
        return np.asarray(summed.T @ mean / _stride_product(op), np.float32)
    groups = summed.shape[0]
    if kind == "GroupConvolution":  # [G, O, I]
        return np.asarray(np.einsum("goi,gi->go", summed, mean.reshape(groups, -1)).reshape(-1), np.float32)
    by_group = np.einsum("gio,gi->go", summed, mean.reshape(groups, -1))
    return np.asarray(by_group.reshape(-1) / _stride_product(op), np.float32)


def _leading(kind: str) -> int:
    return 3 if kind.startswith("Group") else 2


def _stride_product(op: Any) -> float:
    return float(np.prod(op.get_attributes()["strides"]))


def as_matrix(op: Any, layer: WeightedLayer, weights: FloatArray) -> FloatArray | None:
    """Weights as [input channels, outputs] where the layer is a plain product of rows, else None."""
    if layer.type == "Convolution" and all(size == 1 for size in weights.shape[2:]):
        return weights.reshape(weights.shape[:2]).T
    if layer.type == "MatMul" and weights.ndim == 2 and layer.weight_port == 1:
        return weights.T if matmul_inner_axis(op, 1, 2) == 1 else weights
    return None

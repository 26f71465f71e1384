"""What the INT8 layers of Intel Caffe compute, in NumPy: integers, one rounding at the end of the fused chain.

The bias stays float here: Intel rounds it to a 32-bit integer, which is far less than a step of the output.
"""

from typing import Any

import numpy as np


def to_bytes(values: Any, scale: float, signed: bool) -> Any:
    low, high = (-128, 127) if signed else (0, 255)
    return np.clip(np.rint(values.astype(np.float64) * scale), low, high)


def weights(values: Any, params: Any) -> Any:
    rows = values.reshape(params.size, -1).astype(np.float64)
    return np.clip(np.rint(rows * params[:, None]), -127, 127).reshape(values.shape)


def convolution(x: Any, w: Any) -> Any:
    """int [N, C, H, W] with weights [O, C, k, k], stride 1, same size; sums of whole numbers."""
    kernel = w.shape[-1]
    pad = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, w, optimize=True)


def depthwise(x: Any, w: Any) -> Any:
    """As `convolution`, with weights [C, 1, 1, k, k]."""
    kernel = w.shape[-1]
    pad = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    return np.einsum("nchwij,cij->nchw", windows, w[:, 0, 0], optimize=True)


def real(sums: Any, scale_in: float, params: Any, bias: Any) -> Any:
    """The sums of integers in the unit of the output, with the bias."""
    return sums / (scale_in * params.astype(np.float64).reshape(1, -1, *[1] * (sums.ndim - 2))) + bias

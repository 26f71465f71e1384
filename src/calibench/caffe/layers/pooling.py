"""Pooling: Caffe rounds the number of windows up, and its average counts the padding but not what rounding adds.

Source: BVLC Caffe 1.0, pooling_layer.cpp; compared with a genuine Caffe.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, constant, integers, known
from calibench.caffe.net import FloatArray, Layer
from calibench.errors import ModelError

MAX, AVERAGE = 0, 1
"""Values of `pool`."""
FLOOR = 1
"""Value of `round_mode`."""


@dataclass(frozen=True)
class Windows:
    """Where the windows of one axis lie; all in pixels."""

    size: int
    kernel: int
    stride: int
    pad: int
    count: int

    @property
    def overhang(self) -> int:
        """How far the last window reaches beyond the input and its padding."""
        return max(0, (self.count - 1) * self.stride + self.kernel - self.size - 2 * self.pad)

    @property
    def pad_end(self) -> int:
        """Padding behind the input, such that rounding down gives the right count."""
        return self.pad + self.overhang

    def clipped(self) -> "Windows":
        """Without a last window that begins beyond the input and the padding in front of it."""
        return replace(self, count=self.count - 1) if (self.count - 1) * self.stride >= self.size + self.pad else self

    def lengths(self) -> FloatArray:
        """float32 [count]: pixels of each window within input and padding; 0 or less where it begins beyond."""
        starts = np.arange(self.count) * self.stride - self.pad
        ends = np.minimum(starts + self.kernel, self.size + self.pad)
        return (ends - starts).astype(np.float32)


def windows(size: int, kernel: int, stride: int, pad: int, is_ceil: bool = True) -> Windows:
    """The windows that Caffe lays over one axis, the last of them perhaps beyond the input.

    Raises:
        ModelError: the padding is not smaller than the kernel, or no window fits.
    """
    if pad >= kernel:
        raise ModelError(f"pad {pad} has to be smaller than the kernel of {kernel} pixels.")
    room = size + 2 * pad - kernel
    count = (-(-room // stride) if is_ceil else room // stride) + 1
    if count < 1:
        raise ModelError(f"the kernel of {kernel} pixels does not fit into {size} pixels with pad {pad}.")
    return Windows(size, kernel, stride, pad, count)


def pooling(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Maximum or average of each window; a second top of the maximum: where it was, counted in the plane."""
    rule, value = layer.params.pooling_param, inputs[0]
    if rule.pool not in (MAX, AVERAGE):
        raise ModelError("stochastic pooling cannot be converted: Caffe itself has it for training on a GPU only.")
    if rule.global_pooling and len(layer.tops) == 1:
        reduce = ops.reduce_max if rule.pool == MAX else ops.reduce_mean
        return [reduce(value, integers([2, 3]), True).output(0)]
    laid = _laid(rule, value)
    if rule.pool == MAX:
        return _maximum(value, laid, len(layer.tops))
    return [_average(value, laid, counts_padding=rule.avg_include_pad)]


def _laid(rule: Any, value: ov.Output) -> tuple[Windows, Windows]:
    height, width = known(value, 2), known(value, 3)
    if rule.global_pooling:
        return windows(height, height, 1, 0), windows(width, width, 1, 0)
    kernels, strides, pads = (_pair(rule, field) for field in ("kernel", "stride", "pad"))
    is_ceil = rule.ceil_mode and rule.round_mode != FLOOR
    rows = windows(height, kernels[0], strides[0], pads[0], is_ceil)
    columns = windows(width, kernels[1], strides[1], pads[1], is_ceil)
    return (rows.clipped(), columns.clipped()) if any(pads) else (rows, columns)


def _pair(rule: Any, stem: str) -> tuple[int, int]:
    """Height and width: `<stem>_h` and `<stem>_w` where they are there, else one number for both."""
    single = f"{stem}_size" if stem == "kernel" else stem
    if rule.HasField(f"{stem}_h") or rule.HasField(f"{stem}_w"):
        return getattr(rule, f"{stem}_h"), getattr(rule, f"{stem}_w")
    return getattr(rule, single), getattr(rule, single)


def _options(laid: tuple[Windows, Windows]) -> dict[str, list[int]]:
    return {
        "strides": [axis.stride for axis in laid],
        "pads_begin": [axis.pad for axis in laid],
        "pads_end": [axis.pad_end for axis in laid],
        "kernel_shape": [axis.kernel for axis in laid],
    }


def _maximum(value: ov.Output, laid: tuple[Windows, Windows], tops: int) -> list[ov.Output]:
    # axis 2: a place is counted within its plane, as Caffe's second top does
    node = ops.max_pool(value, dilations=[1, 1], axis=2, **_options(laid))
    return [node.output(0), ops.convert(node.output(1), "f32").output(0)][:tops]


def _average(value: ov.Output, laid: tuple[Windows, Windows], counts_padding: bool) -> ov.Output:
    """The mean of each window; Intel's fork can leave the padding out."""
    padded = counts_padding and any(axis.pad for axis in laid)
    reaches = any(axis.overhang for axis in laid) or not counts_padding
    is_clipped = reaches and not padded and all(axis.lengths().min() > 0 for axis in laid)
    mean = ops.avg_pool(value, exclude_pad=is_clipped, **_options(laid)).output(0)
    if is_clipped or not reaches:
        return mean
    area = np.float32(laid[0].kernel * laid[1].kernel)
    with np.errstate(divide="ignore"):  # an empty window: 0 / 0 in Caffe too
        share = area / np.multiply.outer(laid[0].lengths(), laid[1].lengths())
    return ops.multiply(mean, constant(share[None, None])).output(0)


LAYERS: dict[str, Handler] = {"Pooling": pooling}

"""EfficientNet-Lite0 and Lite1 as OpenVINO graphs, from the tensors of their published state dictionary.

BatchNorm stays a node of its own, as in an exported graph. Source: Tan and Le 2019 (arXiv:1905.11946), table 1, with
the changes of the Lite variants: no squeeze-and-excitation, ReLU6 for swish, stem and head not scaled.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from calibench.errors import ModelError

BATCH_NORM_EPSILON = 1e-3  # of the published training
MEAN, SCALE = 127.0, 128.0  # pixels enter as (x - MEAN) / SCALE


@dataclass(frozen=True)
class Variant:
    """What tells one Lite network from another."""

    image_size: int
    depth: float


@dataclass(frozen=True)
class Stage:
    """A run of equal blocks; only the first one has the stride."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


VARIANTS = {"lite0": Variant(224, 1.0), "lite1": Variant(240, 1.1)}
STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


def build_efficientnet_lite(state: Mapping[str, NDArray[Any]], variant: Variant) -> ov.Model:
    """The whole network.

    Args:
        state: the published tensors by name, float32.
        variant: one of `VARIANTS`; must be the one of the tensors.

    Returns:
        Input `image` float32 [?, 3, S, S], RGB, (x - 127) / 128; output `logits` float32 [?, 1000].

    Raises:
        ModelError: a tensor is missing, does not fit, or is left over (another variant's file).
    """
    try:
        return _build(state, variant)
    except RuntimeError as problem:  # the runtime's word for shapes that do not fit
        raise ModelError("EfficientNet-Lite: the tensors do not fit; is this another variant's file?") from problem


def _build(state: Mapping[str, NDArray[Any]], variant: Variant) -> ov.Model:
    image = op.parameter(ov.PartialShape([-1, 3, variant.image_size, variant.image_size]), np.float32, name="image")
    layers = _Layers(state, variant.image_size)
    x = layers.activate(layers.convolve(image.output(0), "_conv_stem", "_bn0", stride=2))
    index, channels = 0, 32
    for stage in STAGES:
        for repeat in range(_repeats(stage, variant)):
            x = layers.block(x, f"_blocks.{index}.", stage, stage.stride if repeat == 0 else 1, channels)
            index, channels = index + 1, stage.channels
    x = layers.activate(layers.convolve(x, "_conv_head", "_bn1"))
    logits = layers.classify(x, "_fc")
    layers.refuse_leftovers()
    logits.get_tensor().set_names({"logits"})
    image.output(0).get_tensor().set_names({"image"})
    return ov.Model([op.result(logits)], [image], "efficientnet-lite")


def _repeats(stage: Stage, variant: Variant) -> int:
    """Depth scaling, which leaves the first and the last stage alone."""
    return stage.repeats if stage in (STAGES[0], STAGES[-1]) else math.ceil(stage.repeats * variant.depth)


class _Layers:
    """Makes layers out of named tensors, and remembers which were used and how large the picture is by now."""

    def __init__(self, state: Mapping[str, NDArray[Any]], image_size: int) -> None:
        self.state = {name: values for name, values in state.items() if not name.endswith("num_batches_tracked")}
        self.size = image_size

    def take(self, name: str) -> NDArray[Any]:
        if name not in self.state:
            raise ModelError(f"EfficientNet-Lite: tensor {name} is missing; is this the file of another network?")
        return self.state.pop(name)

    def refuse_leftovers(self) -> None:
        if self.state:
            raise ModelError(
                f"EfficientNet-Lite: {len(self.state)} tensors are left over; is this another variant's file?"
            )

    def convolve(self, x: ov.Output, name: str, norm: str, stride: int = 1, *, depthwise: bool = False) -> ov.Output:
        """Convolution and BatchNorm, padded as TensorFlow does for SAME: an odd pixel goes right and below."""
        kernel = self.take(f"{name}.weight").astype(np.float32)
        after = math.ceil(self.size / stride)
        pad = max((after - 1) * stride + kernel.shape[-1] - self.size, 0)
        begin, end = [pad // 2] * 2, [pad - pad // 2] * 2
        self.size = after
        if depthwise:
            grouped = kernel.reshape(kernel.shape[0], 1, *kernel.shape[1:])
            node = op.group_convolution(x, op.constant(grouped), [stride] * 2, begin, end, [1, 1], name=name)
        else:
            node = op.convolution(x, op.constant(kernel), [stride] * 2, begin, end, [1, 1], name=name)
        scale, shift, mean, variance = (
            op.constant(self.take(f"{norm}.{part}").astype(np.float32))
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        label = f"{name.rpartition('.')[0]}.{norm.rpartition('.')[2]}".lstrip(".")
        return op.batch_norm_inference(node, scale, shift, mean, variance, BATCH_NORM_EPSILON, name=label).output(0)

    def activate(self, x: ov.Output) -> ov.Output:
        return op.clamp(x, 0.0, 6.0).output(0)

    def block(self, x: ov.Output, name: str, stage: Stage, stride: int, channels: int) -> ov.Output:
        """Inverted bottleneck: widen, filter each channel, narrow; added to its input where both have one shape."""
        y = x
        if stage.expansion > 1:
            y = self.activate(self.convolve(y, f"{name}_expand_conv", f"{name}_bn0"))
        y = self.activate(self.convolve(y, f"{name}_depthwise_conv", f"{name}_bn1", stride, depthwise=True))
        y = self.convolve(y, f"{name}_project_conv", f"{name}_bn2")
        return op.add(x, y, name=f"{name}add").output(0) if stride == 1 and channels == stage.channels else y

    def classify(self, x: ov.Output, name: str) -> ov.Output:
        """Mean over the picture, then one fully connected layer."""
        pooled = op.reduce_mean(x, op.constant(np.array([2, 3], np.int64)), False)
        weights = op.constant(self.take(f"{name}.weight").astype(np.float32))
        bias = op.constant(self.take(f"{name}.bias").astype(np.float32).reshape(1, -1))
        return op.add(op.matmul(pooled, weights, False, True, name=name), bias, name="logits").output(0)

"""The text detector CRAFT as an OpenVINO graph, from its state dictionary.

Source: Baek et al. 2019 (arXiv:1904.01941) and the reference code, whose ReLU layers work in place: what leaves the
encoder at three of its four branches is therefore taken after the ReLU that follows.
"""

from collections.abc import Mapping

import numpy as np
import openvino as ov
from openvino import opset13 as op

from benchmarks.zoo.network import Array

PREFIX = "module."
EPSILON = 1e-5  # of BatchNorm
ENCODER = (  # VGG16: name of the slice, numbers of its convolutions; a pooling stands before each number in POOLED
    ("slice1", (0, 3, 7, 10)),
    ("slice2", (14, 17)),
    ("slice3", (20, 24, 27)),
    ("slice4", (30, 34, 37)),
)
POOLED = (7, 14, 24, 34)
LAST = 37
HEAD = (0, 2, 4, 6, 8)


def build_craft(weights: Mapping[str, Array], side: int) -> ov.Model:
    """The whole network.

    Args:
        weights: float32, by the names of the published file.
        side: pixels of the square input, a multiple of 16.

    Returns:
        Input `image` float32 [?, 3, side, side]; output `scores` float32 [?, side / 2, side / 2, 2]: character, link.
    """
    image = op.parameter(ov.PartialShape([-1, 3, side, side]), np.float32, name="image")
    branches = _encode(image.output(0), weights)
    x = _bottom(branches[-1], weights)
    for number, branch in enumerate(reversed(branches), start=1):
        x = x if number == 1 else _twice(x)
        x = _double(op.concat([x, branch], 1).output(0), weights, f"upconv{number}.conv.")
    for number in HEAD:
        x = _convolve(x, weights, f"conv_cls.{number}")
        x = x if number == HEAD[-1] else op.relu(x).output(0)
    scores = op.transpose(x, np.array([0, 2, 3, 1], np.int64)).output(0)
    image.output(0).get_tensor().set_names({"image"})
    scores.get_tensor().set_names({"scores"})
    return ov.Model([op.result(scores)], [image], "craft")


def _encode(x: ov.Output, weights: Mapping[str, Array]) -> list[ov.Output]:
    """What leaves the four slices, half the size each; the last one without its ReLU."""
    branches: list[ov.Output] = []
    for name, numbers in ENCODER:
        for number in numbers:
            x = _pool(x, 2, 0) if number in POOLED else x
            x = _normalise(_convolve(x, weights, f"basenet.{name}.{number}"), weights, f"basenet.{name}.{number + 1}")
            x = x if number == LAST else op.relu(x).output(0)
        branches.append(x)
    return branches


def _bottom(x: ov.Output, weights: Mapping[str, Array]) -> ov.Output:
    """The fifth slice: a pooling that keeps the size, a wide convolution and a pointwise one."""
    wide = _convolve(_pool(x, 3, 1), weights, "basenet.slice5.1", dilation=6)
    return _convolve(wide, weights, "basenet.slice5.2")


def _double(x: ov.Output, weights: Mapping[str, Array], name: str) -> ov.Output:
    """Two convolutions with BatchNorm and ReLU."""
    for number in (0, 3):
        x = _normalise(_convolve(x, weights, f"{name}{number}"), weights, f"{name}{number + 1}")
        x = op.relu(x).output(0)
    return x


def _convolve(x: ov.Output, weights: Mapping[str, Array], name: str, dilation: int = 1) -> ov.Output:
    """Convolution of stride 1 that keeps the size, with bias."""
    kernel, bias = (weights[f"{PREFIX}{name}.{part}"] for part in ("weight", "bias"))
    pad = [kernel.shape[-1] // 2 * dilation] * 2
    node = op.convolution(x, op.constant(kernel), [1, 1], pad, pad, [dilation] * 2, name=name)
    return op.add(node, op.constant(bias.reshape(1, -1, 1, 1))).output(0)


def _normalise(x: ov.Output, weights: Mapping[str, Array], name: str) -> ov.Output:
    parts = [
        op.constant(weights[f"{PREFIX}{name}.{part}"]) for part in ("weight", "bias", "running_mean", "running_var")
    ]
    return op.batch_norm_inference(x, *parts, EPSILON, name=name).output(0)


def _pool(x: ov.Output, kernel: int, pad: int) -> ov.Output:
    stride = [kernel - 2 * pad] * 2
    return op.max_pool(x, stride, [1, 1], [pad] * 2, [pad] * 2, [kernel] * 2).output(0)


def _twice(x: ov.Output) -> ov.Output:
    """Twice the height and width, bilinear."""
    scales, axes = np.array([2, 2], np.float32), np.array([2, 3], np.int64)
    return op.interpolate(x, scales, "linear_onnx", "scales", axes=axes).output(0)

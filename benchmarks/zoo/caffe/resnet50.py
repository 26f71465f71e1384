"""ResNet-50 as a Caffe network with random weights: for the time of reading and for throughput, not for accuracy."""

from pathlib import Path

import numpy as np

from benchmarks.zoo.caffe.written import Word, block, layer, write_caffemodel
from benchmarks.zoo.network import Array

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Inner channels, blocks and first stride of a stage."""
EXPANSION, CLASSES, SIDE, SEED = 4, 1000, 224, 3


class _Net:
    """Text and weights as far as they are written."""

    def __init__(self) -> None:
        self.text = [
            'name: "ResNet-50"\ninput: "data"\n' + "".join(f"input_dim: {side}\n" for side in (1, 3, SIDE, SIDE))
        ]
        self.weights: dict[str, tuple[str, list[Array]]] = {}
        self._random = np.random.default_rng(SEED)

    def convolution(self, name: str, bottom: str, shape: tuple[int, int, int, int], *, has_relu: bool) -> str:
        """Convolution, BatchNorm, Scale and, in most places, ReLU; shape: channels in and out, kernel, stride."""
        inner, outer, size, stride = shape
        parameters = block(
            "convolution_param", num_output=outer, kernel_size=size, stride=stride, pad=size // 2, bias_term=False
        )
        self.text.append(layer(name, "Convolution", [bottom], name, parameters))
        deviation = np.sqrt(2 / (inner * size**2))
        weights = self._random.standard_normal((outer, inner, size, size), np.float32) * deviation
        self.weights[name] = ("Convolution", [weights])
        self.text.append(
            layer(f"bn_{name}", "BatchNorm", [name], name, block("batch_norm_param", use_global_stats=True))
        )
        self.weights[f"bn_{name}"] = ("BatchNorm", [np.zeros(outer), np.full(outer, 999.98), np.array([999.98])])
        self.text.append(layer(f"scale_{name}", "Scale", [name], name, block("scale_param", bias_term=True)))
        self.weights[f"scale_{name}"] = ("Scale", [np.full(outer, 0.6), self._random.normal(0, 0.1, outer)])
        if has_relu:
            self.text.append(layer(f"{name}_relu", "ReLU", [name], name))
        return name

    def block(self, name: str, bottom: str, shape: tuple[int, int, int], stride: int, *, is_first: bool) -> str:
        """A bottleneck with its residual; shape: channels in, inside, out."""
        coming, inner, outer = shape
        rest = bottom
        if is_first:
            rest = self.convolution(f"{name}_branch1", bottom, (coming, outer, 1, stride), has_relu=False)
        top = self.convolution(f"{name}_branch2a", bottom, (coming, inner, 1, stride), has_relu=True)
        top = self.convolution(f"{name}_branch2b", top, (inner, inner, 3, 1), has_relu=True)
        top = self.convolution(f"{name}_branch2c", top, (inner, outer, 1, 1), has_relu=False)
        self.text.append(layer(name, "Eltwise", [rest, top], name))
        self.text.append(layer(f"{name}_relu", "ReLU", [name], name))
        return name


def write_resnet50(folder: Path) -> Path:
    """Write deploy.prototxt and resnet50.caffemodel into a folder that exists; gives the prototxt."""
    net = _Net()
    top = net.convolution("conv1", "data", (3, 64, 7, 2), has_relu=True)
    net.text.append(
        layer("pool1", "Pooling", [top], "pool1", block("pooling_param", pool=Word("MAX"), kernel_size=3, stride=2))
    )
    top, coming = "pool1", 64
    for stage, (inner, count, stride) in enumerate(STAGES, 2):
        for number in range(count):
            shape = (coming, inner, EXPANSION * inner)
            name = f"res{stage}{chr(ord('a') + number)}"
            top = net.block(name, top, shape, stride if number == 0 else 1, is_first=number == 0)
            coming = EXPANSION * inner
    net.text.append(
        layer("pool5", "Pooling", [top], "pool5", block("pooling_param", pool=Word("AVE"), global_pooling=True))
    )
    net.text.append(
        layer("fc1000", "InnerProduct", ["pool5"], "fc1000", block("inner_product_param", num_output=CLASSES))
    )
    random = np.random.default_rng([SEED, 1])
    net.weights["fc1000"] = ("InnerProduct", [random.normal(0, 0.02, (CLASSES, coming)), np.zeros(CLASSES)])
    net.text.append(layer("prob", "Softmax", ["fc1000"], "prob"))
    path = folder / "deploy.prototxt"
    path.write_text("".join(net.text))
    write_caffemodel(folder / "resnet50.caffemodel", "ResNet-50", net.weights)
    return path

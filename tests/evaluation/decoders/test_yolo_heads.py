"""YOLO heads against outputs made from known boxes; no real weights were seen."""

import math

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import choose_decoder

CLASSES = 7
CASES = [(seed, size) for seed in range(4) for size in SIZES]


def cell_count(size, stride):
    return math.ceil(size[0] / stride) * math.ceil(size[1] / stride)


def row_of_cell(known, size, strides, stride):
    """Number of the row that the cell with the middle of an object has: all cells of finer grids come before."""
    before = sum(cell_count(size, finer) for finer in strides if finer < stride)
    x, y = known.middle
    return before + int(y // stride) * math.ceil(size[1] / stride) + int(x // stride)


def stride_for(known):
    """Small objects are found on fine grids."""
    return 8 if max(known.sides) < 24 else 16 if max(known.sides) < 44 else 32


def columns_output(known_list, size, classes=CLASSES, extra=0):
    """YOLOv8: [1, 4 + classes + extra, cells]."""
    output = np.zeros((1, 4 + classes + extra, sum(cell_count(size, stride) for stride in (8, 16, 32))), np.float32)
    for known in known_list:
        place = row_of_cell(known, size, (8, 16, 32), stride_for(known))
        output[0, :4, place] = *known.middle, *known.sides
        output[0, 4 + known.label, place] = known.score
    return output


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_yolov8_gives_the_boxes_back(seed, size):
    known = known_objects(seed, size, CLASSES)
    outputs = {"output0": columns_output(known, size)}
    context = context_of(outputs, size, {"output0": [(), (0,), (0, 2), (2,)][seed]})
    decoder = choose_decoder(context)
    assert decoder.name == "yolov8" and decoder.counting(context).count == CLASSES
    assert_found(decoder.decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_yolov5_multiplies_the_two_scores(seed, size):
    known = known_objects(seed, size, CLASSES)
    total = sum(3 * cell_count(size, stride) for stride in (8, 16, 32))
    output = np.zeros((1, total, 5 + CLASSES), np.float32)
    for place, each in enumerate(known):
        output[0, 50 * place] = [*each.middle, *each.sides, 0.995, *[0.0] * CLASSES]
        output[0, 50 * place, 5 + each.label] = each.score / 0.995
    context = context_of({"output": output}, size, {"output": [(), (0,), (0, 1), (1,)][seed]})
    decoder = choose_decoder(context)
    assert decoder.name == "yolov5" and decoder.counting(context).count == CLASSES
    assert_found(decoder.decode({"output": output}, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("is_decoded", [False, True])
def test_yolox_reads_raw_and_decoded_rows(seed, size, is_decoded):
    known = known_objects(seed, size, CLASSES)
    strides = (8, 16, 32)
    output = np.zeros((1, sum(cell_count(size, stride) for stride in strides), 5 + CLASSES), np.float32)
    if is_decoded:  # every cell says where it is, also those that see nothing
        output[0, :, 0] = np.linspace(0, size[1], output.shape[1])
    for each in known:
        stride = stride_for(each)
        (x, y), (w, h) = each.middle, each.sides
        raw = [x / stride - x // stride, y / stride - y // stride, math.log(w / stride), math.log(h / stride)]
        row = output[0, row_of_cell(each, size, strides, stride)]
        row[:5] = [x, y, w, h, 0.999] if is_decoded else [*raw, 0.999]
        row[5 + each.label] = each.score / 0.999
    context = context_of({"output": output}, size)
    decoder = choose_decoder(context)
    assert decoder.name == "yolox" and decoder.counting(context).count == CLASSES
    assert_found(decoder.decode({"output": output}, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_end_to_end_rows_are_taken_as_they_are(seed, size):
    known = known_objects(seed, size, CLASSES)
    output = np.zeros((1, 300, 6), np.float32)
    for row, each in zip(output[0], known, strict=False):
        row[:] = each.left, each.top, each.right, each.bottom, each.score, each.label
    context = context_of({"output0": output}, size)
    decoder = choose_decoder(context)
    assert decoder.name == "yolo-end2end"
    assert_found(decoder.decode({"output0": output}, context), known)


def test_shares_of_the_picture_are_read_where_the_settings_say_so():
    size = (256, 416)
    known = known_objects(5, size, CLASSES)
    output = columns_output(known, size)
    output[0, [0, 2]] /= size[1]
    output[0, [1, 3]] /= size[0]
    context = context_of({"output0": output}, size, settings={"box_units": "normalized"})
    assert_found(choose_decoder(context).decode({"output0": output}, context), known)


def test_doubles_of_a_class_are_suppressed_and_other_classes_kept():
    size = (320, 320)
    output = columns_output([], size)
    for place, (score, label) in enumerate([(0.9, 1), (0.8, 1), (0.7, 2)]):
        output[0, :4, place] = 100 + place, 100, 40, 40
        output[0, 4 + label, place] = score
    context = context_of({"output0": output}, size)
    found = choose_decoder(context).decode({"output0": output}, context)
    assert found.labels.tolist() == [1, 2] and found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_masks_are_mixed_from_prototypes_and_cut_off_at_the_box():
    size = (256, 320)
    known = known_objects(2, size, CLASSES, count=3)
    output = columns_output(known, size, extra=32)
    prototypes = np.full((1, 32, size[0] // 4, size[1] // 4), -1.0, np.float32)
    prototypes[0, :, :, : size[1] // 8] = 1.0  # the left half of the picture
    for each in known:
        output[0, 4 + CLASSES :, row_of_cell(each, size, (8, 16, 32), stride_for(each))] = 1.0
    outputs = {"output0": output, "output1": prototypes}
    context = context_of(outputs, size, annotated=frozenset({"objects", "instances"}))
    decoder = choose_decoder(context)
    assert decoder.name == "yolov8" and decoder.has_masks(context) and decoder.counting(context).count == CLASSES
    found = decoder.decode(outputs, context)
    assert_found(found, known)
    rows, columns = np.indices(size) + 0.5
    for mask, each in zip(found.masks, known, strict=True):
        inside = (columns > each.left) & (columns < each.right) & (rows > each.top) & (rows < each.bottom)
        assert (mask != (inside & (columns < size[1] / 2))).sum() <= 2 * sum(each.sides)


@pytest.mark.parametrize("name", ["yolov5", "yolo-end2end"])
def test_rows_bring_their_masks_along(name):
    size = (256, 320)
    known = known_objects(2, size, CLASSES, count=3)
    prototypes = np.full((1, 32, size[0] // 4, size[1] // 4), 1.0, np.float32)
    prototypes[0, 16:] = -1.0
    width = 6 if name == "yolo-end2end" else 5 + CLASSES
    total = 300 if name == "yolo-end2end" else sum(3 * cell_count(size, stride) for stride in (8, 16, 32))
    output = np.zeros((1, total, width + 32), np.float32)
    for place, (row, each) in enumerate(zip(output[0], known, strict=False)):
        if name == "yolo-end2end":
            row[:6] = each.left, each.top, each.right, each.bottom, each.score, each.label
        else:
            row[:5], row[5 + each.label] = (*each.middle, *each.sides, 1), each.score
        row[width:] = [1] * 20 + [0] * 12 if place != 1 else 0  # 16 speak for it, 4 against it; the second is undecided
    outputs = {"output0": output, "output1": prototypes}
    context = context_of(outputs, size)
    decoder = choose_decoder(context)
    assert decoder.name == name and decoder.has_masks(context)
    found = decoder.decode(outputs, context)
    assert_found(found, known)
    for place, (mask, each) in enumerate(zip(found.masks, known, strict=True)):
        assert mask.sum() == (0 if place == 1 else pytest.approx(each.sides[0] * each.sides[1], rel=0.1))


def test_an_exported_task_without_boxes_fits_nothing():
    output = columns_output([], (320, 320))
    context = context_of({"output0": output}, (320, 320), metadata={"framework/task": "pose"})
    with pytest.raises(SettingsError, match=r"output0 \[1, 11, 2100\]"):
        choose_decoder(context)


def test_an_unknown_decoder_is_answered_with_the_known_ones():
    context = context_of({"a": np.zeros((1, 11, 2100))}, (320, 320), settings={"decoder": "yolov99"})
    with pytest.raises(SettingsError, match=r"yolov99.*yolov8"):
        choose_decoder(context)

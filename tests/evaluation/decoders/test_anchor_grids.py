"""Raw grids with anchors against outputs made from known boxes; no real weights were seen."""

import math

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects, logit

from calibench.evaluation.decoders.decoders import DECODERS, choose_decoder

CLASSES = 5
CASES = [(seed, size) for seed in range(3) for size in SIZES]
NOTHING = -12.0  # before the sigmoid
# From the configurations of darknet and of the two later families, in pixels.
ANCHORS = {
    "yolov3": {8: [10, 13, 16, 30, 33, 23], 16: [30, 61, 62, 45, 59, 119], 32: [116, 90, 156, 198, 373, 326]},
    "yolov4": {8: [12, 16, 19, 36, 40, 28], 16: [36, 75, 76, 55, 72, 146], 32: [142, 110, 192, 243, 459, 401]},
    "yolov3-tiny": {16: [10, 14, 23, 27, 37, 58], 32: [81, 82, 135, 169, 344, 319]},
    "yolov4-tiny": {16: [23, 27, 37, 58, 81, 82], 32: [81, 82, 135, 169, 344, 319]},
}
ANCHORS["yolov5-grids"], ANCHORS["yolov7-grids"] = ANCHORS["yolov3"], ANCHORS["yolov4"]
SENSITIVITY = {"yolov4": {8: 1.2, 16: 1.1, 32: 1.05}, "yolov4-tiny": {16: 1.05, 32: 1.05}}


def raw_grids(name, known_list, size):
    """Per stride [3, rows, columns, 5 + classes]: each object sits at the anchor nearest to it in size."""
    anchors = {stride: np.reshape(values, (3, 2)) for stride, values in ANCHORS[name].items()}
    grids = {
        stride: np.full((3, math.ceil(size[0] / stride), math.ceil(size[1] / stride), 5 + CLASSES), NOTHING, np.float32)
        for stride in anchors
    }
    for known in known_list:
        (x, y), (w, h) = known.middle, known.sides
        stride, number = min(
            ((stride, number) for stride in anchors for number in range(3)),
            key=lambda pair: (
                abs(math.log(w / anchors[pair[0]][pair[1]][0])) + abs(math.log(h / anchors[pair[0]][pair[1]][1]))
            ),
        )
        column, row = int(x // stride), int(y // stride)
        part_x, part_y = x / stride - column, y / stride - row
        anchor_w, anchor_h = anchors[stride][number]
        if name in ("yolov5-grids", "yolov7-grids"):
            raw = [logit((part_x + 0.5) / 2), logit((part_y + 0.5) / 2)]
            raw += [logit(math.sqrt(w / anchor_w) / 2), logit(math.sqrt(h / anchor_h) / 2)]
        else:
            wide = SENSITIVITY.get(name, {}).get(stride, 1.0)
            raw = [logit((part_x - 0.5) / wide + 0.5), logit((part_y - 0.5) / wide + 0.5)]
            raw += [math.log(w / anchor_w), math.log(h / anchor_h)]
        grids[stride][number, row, column, :5] = [*raw, logit(0.998)]
        grids[stride][number, row, column, 5 + known.label] = logit(known.score / 0.998)
    return grids


def outputs_of(grids, layout):
    """The same numbers in the order of axes of one export or another."""
    made = {}
    for stride, grid in grids.items():
        anchors, rows, columns, width = grid.shape
        if layout == "apart":
            made[f"out{stride}"] = grid[None]
        elif layout == "channels first":
            made[f"out{stride}"] = grid.transpose(0, 3, 1, 2).reshape(1, anchors * width, rows, columns)
        else:
            made[f"out{stride}"] = grid.transpose(1, 2, 0, 3).reshape(1, rows, columns, anchors * width)
    return made


def check(name, layout, seed, size, is_named):
    known = known_objects(seed, size, CLASSES)
    outputs = outputs_of(raw_grids(name, known, size), layout)
    context = context_of(outputs, size, settings={"decoder": name} if is_named else {})
    decoder = choose_decoder(context)
    assert decoder.name == name and decoder.counting(context).count == CLASSES
    assert_found(decoder.decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("layout", ["channels first", "channels last"])
@pytest.mark.parametrize("name", ["yolov3", "yolov3-tiny"])
def test_families_with_exponentials_are_guessed(name, layout, seed, size):
    check(name, layout, seed, size, is_named=False)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("name", ["yolov4", "yolov4-tiny"])
def test_families_that_look_like_others_are_named(name, seed, size):
    check(name, "channels first", seed, size, is_named=True)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_yolov5_grids_are_guessed_by_their_fifth_axis(seed, size):
    check("yolov5-grids", "apart", seed, size, is_named=False)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_yolov7_grids_are_named(seed, size):
    check("yolov7-grids", "apart", seed, size, is_named=True)


@pytest.mark.parametrize("name", ["yolov3", "yolov4", "yolov3-tiny"])
def test_outputs_of_region_yolo_have_gone_through_the_sigmoid(name):
    size = (256, 416)
    known = known_objects(1, size, CLASSES)
    grids = raw_grids(name, known, size)
    for grid in grids.values():
        for columns in (slice(0, 2), slice(4, None)):
            grid[..., columns] = 1 / (1 + np.exp(-grid[..., columns]))
    outputs = outputs_of(grids, "channels first")
    context = context_of(outputs, size, settings={"decoder": name})
    assert_found(choose_decoder(context).decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("is_flat", [False, True])
def test_yolov2_has_one_grid_and_a_softmax(seed, size, is_flat):
    known = known_objects(seed, size, CLASSES)
    rows, columns = math.ceil(size[0] / 32), math.ceil(size[1] / 32)
    grid = np.full((5, 5 + CLASSES, rows, columns), NOTHING, np.float32)
    for each in known:
        (x, y), (w, h) = each.middle, each.sides
        column, row = int(x // 32), int(y // 32)
        shares = np.full(CLASSES, (1 - each.score / 0.999) / (CLASSES - 1))
        shares[each.label] = each.score / 0.999
        grid[0, :, row, column] = [
            logit(x / 32 - column), logit(y / 32 - row), math.log(w / 32 / 1.3221), math.log(h / 32 / 1.73145),
            logit(0.999), *np.log(shares),
        ]  # fmt: skip
    if is_flat:  # what RegionYolo makes of it
        classes = np.exp(grid[:, 5:] - grid[:, 5:].max(axis=1, keepdims=True))
        grid[:, 5:] = classes / classes.sum(axis=1, keepdims=True)
        grid[:, [0, 1, 4]] = 1 / (1 + np.exp(-grid[:, [0, 1, 4]]))
    output = grid.reshape(1, -1) if is_flat else grid.reshape(1, -1, rows, columns)
    context = context_of({"out": output}, size, settings={"score_threshold": 0.29})
    decoder = choose_decoder(context)
    assert decoder.name == "yolov2" and decoder.counting(context).count == CLASSES
    found = decoder.decode({"out": output}, context)
    sure = found.take(np.flatnonzero(found.scores >= 0.299))  # a softmax gives the other classes their share too
    others = found.take(np.flatnonzero(found.scores < 0.299))
    assert_found(sure, known)
    assert len(others.scores) <= 1


def test_grids_of_another_size_of_input_do_not_fit():
    known = known_objects(0, (320, 320), CLASSES)
    outputs = outputs_of(raw_grids("yolov3", known, (320, 320)), "channels first")
    assert not any(decoder.fits(context_of(outputs, (320, 640))) for decoder in DECODERS)


@pytest.mark.parametrize("name", ["yolov4", "yolov4-tiny"])
def test_a_file_that_names_yolov4_is_taken_at_its_word(name):
    size = (320, 320)
    outputs = outputs_of(raw_grids(name, [], size), "channels first")
    assert choose_decoder(context_of(outputs, size, metadata={"model_info/model_type": "YOLOV4"})).name == name

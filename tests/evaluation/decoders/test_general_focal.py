"""Heads of generalized focal loss against outputs made from known boxes."""

import math

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects, logit

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import choose_decoder

CASES = [(seed, size) for seed in range(3) for size in SIZES]
SURE = 40.0  # a bin that weighs all, before the softmax


def bins_for(distance, count):
    """Logits of a distribution with this expectation, in cells: split between the two whole numbers around it."""
    low = min(int(distance), count - 2)
    logits = np.zeros(count)
    part = min(max(distance - low, 1e-6), 1 - 1e-6)
    logits[low], logits[low + 1] = SURE + math.log(1 - part), SURE + math.log(part)
    return logits


def grids_of(known_list, size, form):
    """Per stride: scores [cells, classes] and bins [cells, 4 * bins]."""
    strides, classes, bins, offset = form
    made = {}
    for stride in strides:
        cells = math.ceil(size[0] / stride) * math.ceil(size[1] / stride)
        made[stride] = (np.zeros((cells, classes), np.float32), np.zeros((cells, 4 * bins), np.float32))
    for known in known_list:
        stride = 8 if max(known.sides) < 40 else 16
        x, y = known.middle
        place = int(y // stride) * math.ceil(size[1] / stride) + int(x // stride)
        point_x, point_y = (int(x // stride) + offset) * stride, (int(y // stride) + offset) * stride
        distances = point_x - known.left, point_y - known.top, known.right - point_x, known.bottom - point_y
        made[stride][0][place, known.label] = known.score
        made[stride][1][place] = np.concatenate([bins_for(distance / stride, bins) for distance in distances])
    return made


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize(("classes", "bins"), [(80, 11), (80, 8), (3, 17), (20, 8), (80, 12)])
@pytest.mark.parametrize("layout", ["rows", "maps"])
def test_separate_outputs_of_each_grid(seed, size, classes, bins, layout):
    known = known_objects(seed, size, classes)
    outputs = {}
    for stride, pair in grids_of(known, size, ((8, 16, 32), classes, bins, 0.5)).items():
        for kind, values in zip(("x", "y"), pair, strict=True):
            shape = math.ceil(size[0] / stride), math.ceil(size[1] / stride)
            made = values[None] if layout == "rows" else values.T.reshape(1, -1, *shape)
            outputs[f"{kind}{stride}"] = made
    context = context_of(outputs, size, classes=tuple(map(str, range(classes))))
    decoder = choose_decoder(context)
    assert decoder.name == "nanodet" and decoder.counting(context).count == classes
    assert_found(decoder.decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize(("strides", "offset"), [((8, 16, 32), 0.5), ((8, 16, 32, 64), 0.0)])
@pytest.mark.parametrize("classes", [80, 6])
def test_one_output_with_scores_and_bins(seed, size, strides, offset, classes):
    known = known_objects(seed, size, classes)
    grids = grids_of(known, size, (strides, classes, 8, offset))
    output = np.concatenate([np.concatenate(pair, axis=1) for pair in grids.values()])[None]
    context = context_of({"output": output}, size, classes=tuple(map(str, range(classes))))
    decoder = choose_decoder(context)
    assert decoder.name == "nanodet-rows" and decoder.counting(context).count == classes
    assert_found(decoder.decode({"output": output}, context), known)


def test_scores_before_the_sigmoid_are_seen_as_such():
    size = (256, 416)
    known = known_objects(1, size, 80)
    outputs = {}
    for stride, (scores, bins) in grids_of(known, size, ((8, 16, 32), 80, 11, 0.5)).items():
        outputs[f"cls{stride}"] = np.vectorize(lambda share: logit(share) if share else -15.0)(scores)[None]
        outputs[f"reg{stride}"] = bins[None]
    context = context_of(outputs, size)
    assert_found(choose_decoder(context).decode(outputs, context), known)


def test_a_network_with_a_free_size_is_read_by_the_shapes_of_each_sample():
    size = (256, 416)
    known = known_objects(1, size, 80)
    outputs = {}
    for stride, (scores, bins) in grids_of(known, size, ((8, 16, 32), 80, 11, 0.5)).items():
        outputs[f"cls{stride}"], outputs[f"reg{stride}"] = scores[None], bins[None]
    context = context_of(outputs, size, dict.fromkeys(outputs, (0, 1)), settings={"decoder": "nanodet"})
    assert_found(choose_decoder(context).decode(outputs, context), known)
    with pytest.raises(SettingsError, match="needs two outputs for each grid"):
        choose_decoder(context).decode({"cls": np.zeros((1, 7, 7))}, context)

"""Boxes and scores of any family, against outputs made from known boxes."""

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects, logit

from calibench.evaluation.decoders.decoders import choose_decoder

CLASSES = 6
NAMES = tuple("abcdef")
CASES = [(seed, size) for seed in range(3) for size in SIZES]


def boxes_of(known, size, form, units, count=400):
    """Boxes and scores [count, ...]; boxes that stand for nothing lie anywhere."""
    random = np.random.default_rng(9)
    low = random.uniform(0, 0.7, (count, 2)) * [size[1], size[0]]
    boxes = np.concatenate([low, low + random.uniform(4, 40, (count, 2))], axis=1)
    scores = np.zeros((count, CLASSES))
    for place, each in enumerate(known):
        boxes[place] = each.left, each.top, each.right, each.bottom
        scores[place, each.label] = each.score
    x1, y1, x2, y2 = boxes.T
    forms = {
        "xyxy": [x1, y1, x2, y2],
        "yxyx": [y1, x1, y2, x2],
        "xywh": [x1, y1, x2 - x1, y2 - y1],
        "cxcywh": [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1],
    }
    made = np.stack(forms[form], axis=1)
    if units == "normalized":
        made /= [size[0], size[1]] * 2 if form == "yxyx" else [size[1], size[0]] * 2
    return made.astype(np.float32), scores.astype(np.float32)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("form", ["xyxy", "cxcywh", "xywh", "yxyx"])
@pytest.mark.parametrize("units", ["pixels", "normalized"])
def test_every_form_of_a_box(seed, size, form, units):
    known = known_objects(seed, size, CLASSES)
    boxes, scores = boxes_of(known, size, form, units)
    outputs = {"boxes": boxes[None], "scores": scores[None]}
    is_guessed = form in ("xyxy", "cxcywh")
    settings = {} if is_guessed else {"box_format": form}
    context = context_of(outputs, size, classes=NAMES, settings=settings)
    decoder = choose_decoder(context)
    assert decoder.name == "raw-boxes"
    assert (decoder.counting(context).count, decoder.counting(context).background) == (CLASSES, "none")
    assert_found(decoder.decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_background_comes_first_where_there_is_one_column_more(seed, size):
    known = known_objects(seed, size, CLASSES)
    boxes, scores = boxes_of(known, size, "xyxy", "normalized")
    with_background = np.concatenate([1 - scores.sum(axis=1, keepdims=True), scores], axis=1)
    outputs = {"scores": with_background[None], "boxes": boxes[None]}
    context = context_of(outputs, size, classes=NAMES)
    decoder = choose_decoder(context)
    assert (decoder.counting(context).count, decoder.counting(context).background) == (CLASSES + 1, "first")
    assert_found(decoder.decode(outputs, context), known, labels_from=1)


def test_logits_with_background_go_through_a_softmax_and_others_through_a_sigmoid():
    size = (256, 416)
    known = known_objects(4, size, CLASSES)
    boxes, scores = boxes_of(known, size, "cxcywh", "normalized", count=100)
    shares = np.concatenate([scores, 1 - scores.sum(axis=1, keepdims=True)], axis=1)
    detr = {"pred_logits": (np.log(np.maximum(shares, 1e-9)) + 3.0).astype(np.float32)[None], "pred_boxes": boxes[None]}
    context = context_of(detr, size, classes=NAMES)
    decoder = choose_decoder(context)
    assert decoder.counting(context).background == "last"
    assert_found(decoder.decode(detr, context), known)
    logits = np.vectorize(lambda share: logit(share) if share else -15.0)(scores).astype(np.float32)
    outputs = {"logits": logits[None], "boxes": boxes[None]}
    context = context_of(outputs, size, classes=NAMES)
    assert choose_decoder(context).counting(context).background == "none"
    assert_found(choose_decoder(context).decode(outputs, context), known)


def test_scores_may_have_their_classes_first():
    size = (320, 320)
    known = known_objects(4, size, CLASSES)
    boxes, scores = boxes_of(known, size, "xyxy", "pixels")
    outputs = {"boxes": boxes[None], "scores": scores.T[None]}
    context = context_of(outputs, size, classes=NAMES)
    assert_found(choose_decoder(context).decode(outputs, context), known)


def test_further_outputs_are_left_aside_when_boxes_and_scores_are_told():
    size = (320, 320)
    known = known_objects(4, size, CLASSES)
    boxes, scores = boxes_of(known, size, "yxyx", "pixels")
    outputs = {"a": boxes[None], "b": scores.T[None], "indices": np.zeros((7, 3), np.int32)}
    told = {"outputs": {"boxes": "a", "scores": "b"}, "box_format": "yxyx"}
    context = context_of(outputs, size, classes=NAMES, settings=told)
    assert_found(choose_decoder(context).decode(outputs, context), known)


def test_numbers_that_are_none_and_sides_that_are_none_find_nothing():
    outputs = {"boxes": np.full((1, 400, 4), np.nan, np.float32), "scores": np.full((1, 400, 6), np.nan, np.float32)}
    context = context_of(outputs, (320, 320), classes=NAMES)
    assert_found(choose_decoder(context).decode(outputs, context), [])

"""Small masks pasted into their boxes, in the layouts of the frameworks."""

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects

from calibench.evaluation.decoders.decoders import choose_decoder
from calibench.evaluation.decoders.mask_pasting import paste

CLASSES = 5
SIDE = 28


def half(place):
    """A mask that is set in one half: left, top, right or bottom."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    [mask[:, : SIDE // 2], mask[: SIDE // 2], mask[:, SIDE // 2 :], mask[SIDE // 2 :]][place % 4][:] = 1
    return mask


def halves(known, size):
    rows, columns = np.indices(size) + 0.5
    for place, each in enumerate(known):
        (x, y), inside = each.middle, (columns > each.left) & (columns < each.right)
        inside &= (rows > each.top) & (rows < each.bottom)
        yield inside & [columns < x, rows < y, columns > x, rows > y][place % 4]


def layout(name, known, size):
    small = np.stack([half(place) for place in range(len(known))])
    boxes = np.array([[k.left, k.top, k.right, k.bottom] for k in known], np.float32)
    scores = np.array([k.score for k in known], np.float32)
    labels = np.array([k.label + 1 for k in known], np.int64)
    a_class = np.zeros((len(known), CLASSES, SIDE, SIDE), np.float32)
    a_class[np.arange(len(known)), labels - 1] = small
    relative = boxes / [size[1], size[0], size[1], size[0]]
    scored = np.concatenate([boxes, scores[:, None]], axis=1)
    rows = np.concatenate([np.zeros((len(known), 1)), labels[:, None], scores[:, None], relative], axis=1)
    return {
        "boxes with scores": {"boxes": scored, "labels": labels, "masks": small},
        "boxes with scores, batch": {"boxes": scored[None], "labels": labels[None], "masks": small[None]},
        "torchvision": {"boxes": boxes, "labels": labels, "scores": scores, "masks": small[:, None]},
        "numbers for names": {"6568": boxes, "6570": labels, "6572": scores, "6887": small[:, None]},
        "a mask a class": {"boxes": boxes, "classes": labels, "scores": scores, "raw_masks": a_class},
        "rows": {"reshape_do_2d": rows.astype(np.float32), "masks": a_class},
        "tensorflow": {
            "detection_boxes": relative[None][..., [1, 0, 3, 2]].astype(np.float32),
            "detection_classes": labels[None].astype(np.float32),
            "detection_scores": scores[None],
            "detection_masks": small[None],
            "num_detections": np.array([len(known)], np.float32),
        },
    }[name]


NAMES = (
    "boxes with scores",
    "boxes with scores, batch",
    "torchvision",
    "numbers for names",
    "a mask a class",
    "rows",
    "tensorflow",
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_free", [False, True])
def test_masks_fill_the_half_of_their_box(name, count, size, is_free):
    known = known_objects(3, size, CLASSES, count)
    outputs = layout(name, known, size)
    axes = (0, 1) if name in ("boxes with scores, batch", "tensorflow") else (0,)
    context = context_of(outputs, size, dict.fromkeys(outputs, axes) if is_free else {})
    decoder = choose_decoder(context)
    assert decoder.name == "mask-rcnn" and decoder.has_masks(context)
    found = decoder.decode(outputs, context)
    assert_found(found, known, labels_from=1)
    for mask, wanted, each in zip(found.masks, halves(known, size), known, strict=True):
        assert mask.shape == size
        assert (mask != wanted).sum() <= max(each.sides) + 2  # a line of pixels where the halves meet


def test_nothing_found_has_no_masks():
    outputs = layout("boxes with scores", known_objects(3, (320, 320), CLASSES), (320, 320))
    outputs = {name: values[:0] for name, values in outputs.items()}
    context = context_of(outputs, (320, 320))
    assert choose_decoder(context).decode(outputs, context).masks.shape == (0, 320, 320)


def test_masks_of_the_whole_picture_are_not_pasted():
    size = (320, 352)
    known = known_objects(3, size, CLASSES, 3)
    outputs = layout("torchvision", known, size)
    whole = np.stack(list(halves(known, size)))
    outputs["masks"] = whole[:, None].astype(np.float32)
    context = context_of(outputs, size)
    np.testing.assert_array_equal(choose_decoder(context).decode(outputs, context).masks, whole)


def test_a_mask_of_one_cell_fills_its_box_by_hand():
    mask = paste(np.ones((1, 1, 1), np.float32), np.array([[1.0, 0.0, 3.0, 2.0]], np.float32), (3, 4), 0.5)[0]
    np.testing.assert_array_equal(mask, np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool))


def test_a_box_beyond_the_border_is_cut_off():
    box = np.array([[-10.0, -10.0, 10.0, 10.0]], np.float32)
    mask = paste(half(0)[None], box, (20, 20), 0.5)[0]  # its left half lies outside
    assert not mask.any()
    assert paste(half(2)[None], box, (20, 20), 0.5)[0].sum() == 100


def test_two_cells_meet_in_the_middle_by_hand():
    mask = paste(np.array([[[1.0, 0.0]]], np.float32), np.array([[1, 0, 9, 1]], np.float32), (1, 10), 0.5)[0, 0]
    np.testing.assert_array_equal(mask, [False, *[True] * 4, *[False] * 5])

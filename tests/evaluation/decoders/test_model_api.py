"""Outputs read by openvino-model-api agree with the known boxes, and with our own decoders."""

from dataclasses import replace

import numpy as np
import pytest
from known_objects import assert_found, context_of, known_objects

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import choose_decoder
from calibench.evaluation.decoders.model_api import MODEL_API

CLASSES = 5
SIZE = (256, 416)
KNOWN = known_objects(6, SIZE, CLASSES)


def said(kind, **more):
    return {"model_info/model_type": kind, "model_info/labels": "ant bee cat dog eel fox", **more}


def read(outputs, metadata, **settings):
    context = context_of(outputs, SIZE, metadata=metadata, settings=settings)
    decoder = choose_decoder(context)
    assert decoder is MODEL_API
    before = {name: values.copy() for name, values in outputs.items()}
    found = decoder.decode(outputs, context)
    assert all(np.array_equal(before[name], outputs[name]) for name in outputs)
    return found


def test_ssd_with_one_output():
    rows = np.zeros((1, 1, 50, 7), np.float32)
    for row, each in zip(rows[0, 0], KNOWN, strict=False):
        box = [each.left / SIZE[1], each.top / SIZE[0], each.right / SIZE[1], each.bottom / SIZE[0]]
        row[:] = 0, each.label, each.score, *box
    assert_found(read({"out": rows}, said("ssd")), cut(KNOWN))


def test_ssd_with_boxes_and_labels():
    boxes = np.array([[[k.left, k.top, k.right, k.bottom, k.score] for k in KNOWN]], np.float32)
    labels = np.array([[k.label for k in KNOWN]], np.int64)
    found = read({"boxes": boxes, "labels": labels}, said("SSD", **{"model_info/confidence_threshold": "0.9"}))
    assert_found(found, cut(KNOWN))  # our threshold counts, not the one for showing


@pytest.mark.parametrize("kind", ["YOLOv5", "YOLOv8", "YOLO11"])
def test_yolo_in_columns(kind):
    output = np.zeros((1, 4 + 6, 2184), np.float32)
    for place, each in enumerate(KNOWN):
        output[0, :4, place] = *each.middle, *each.sides
        output[0, 4 + each.label, place] = each.score
    assert_found(read({"output0": output}, said(kind)), cut(KNOWN))


def test_yolox():
    output = np.zeros((1, 32 * 52 + 16 * 26 + 8 * 13, 5 + CLASSES), np.float32)
    for each in KNOWN:
        (x, y), (w, h) = each.middle, each.sides
        row = output[0, int(y // 8) * 52 + int(x // 8)]
        row[:5] = x / 8 % 1, y / 8 % 1, np.log(w / 8), np.log(h / 8), 1
        row[5 + each.label] = each.score
    assert_found(read({"output": output}, said("YOLOX")), cut(KNOWN))


def test_mask_rcnn_numbers_its_classes_from_one():
    boxes = np.array([[[k.left, k.top, k.right, k.bottom, k.score] for k in KNOWN]], np.float32)
    labels = np.array([[k.label for k in KNOWN]], np.int64)
    masks = np.ones((1, len(KNOWN), 28, 28), np.float32)
    found = read({"boxes": boxes, "labels": labels, "masks": masks}, said("MaskRCNN"))
    assert_found(found, cut(KNOWN), pixels=1.0, labels_from=1)
    for mask, each in zip(found.masks, cut(KNOWN), strict=True):
        assert mask.shape == SIZE
        area = (each.right - each.left) * (each.bottom - each.top)
        assert mask.sum() == pytest.approx(area, rel=0.25)


def test_masks_of_the_whole_picture():
    boxes = np.array([[[k.left, k.top, k.right, k.bottom, k.score] for k in KNOWN]], np.float32)
    labels = np.array([[k.label for k in KNOWN]], np.int64)
    masks = np.zeros((1, len(KNOWN), 64, 104), np.float32)
    masks[..., :52] = 1
    found = read({"boxes": boxes, "labels": labels, "masks": masks}, said("DETRInstSeg"))
    assert_found(found, cut(KNOWN), pixels=1.0, labels_from=1)
    assert found.masks[:, :, :206].all() and not found.masks[:, :, 210:].any()


def test_yolo_with_prototypes_numbers_its_classes_from_zero():
    output = np.zeros((1, 4 + 6 + 32, 2184), np.float32)
    for place, each in enumerate(KNOWN):
        output[0, :4, place] = *each.middle, *each.sides
        output[0, 4 + each.label, place] = each.score
    outputs = {"output0": output, "output1": np.ones((1, 32, 64, 104), np.float32)}
    found = read(outputs, said("YOLO-seg"))
    assert_found(found, cut(KNOWN), pixels=1.0)
    assert found.masks.shape == (len(KNOWN), *SIZE)


def test_a_kind_that_means_another_head_elsewhere_is_left_to_our_own_decoders():
    output = np.zeros((1, 10, 2184), np.float32)
    assert choose_decoder(context_of({"output0": output}, SIZE, metadata=said("YOLO"))).name == "yolov8"


def test_asked_for_without_a_kind_is_an_error():
    context = context_of({"output0": np.zeros((1, 10, 2184))}, SIZE, settings={"decoder": "model-api"})
    with pytest.raises(SettingsError, match="found none"):
        choose_decoder(context).decode({"output0": np.zeros((1, 10, 2184))}, context)


def test_outputs_of_another_form_are_an_error():
    outputs = {"output0": np.zeros((1, 3, 3, 3), np.float32)}
    with pytest.raises(SettingsError, match="model-api cannot read the outputs of a model of kind ssd"):
        read(outputs, said("ssd"))


def cut(known):
    """Model-api cuts boxes off at the border."""
    height, width = SIZE
    return [
        replace(
            each,
            left=max(each.left, 0), top=max(each.top, 0), right=min(each.right, width), bottom=min(each.bottom, height),
        )
        for each in known
    ]  # fmt: skip

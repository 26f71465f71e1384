"""Layers of type AnnotatedData: boxes in pixels of the picture, and a frame that leads back."""

import cv2
import numpy as np
import pytest

from calibench.caffe.schema import message
from calibench.datasets.ahead import readable
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.errors import DatasetError, ModelError
from written_data import annotated, data_layer, datum, encoded, noise, write_label_map, write_lmdb, write_prototxt

RESIZE = "resize_param { height: 30 width: 60 }"
EVALUATE = (
    'name: "eval" type: "DetectionEvaluate" bottom: "data" bottom: "label" top: "eval" '
    "detection_evaluate_param { num_classes: 4 background_label_id: 0 }"
)
MAP = 'annotated_data_param { label_map_file: "map.prototxt" }'


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Open an AnnotatedData layer with these records and the classes cat (1) and dog (2)."""
    monkeypatch.chdir(tmp_path)
    write_label_map(tmp_path / "map.prototxt")

    def opened(records, transform=RESIZE, more=MAP, layers=()):
        write_lmdb(tmp_path / "lmdb", records)
        layer = data_layer("lmdb", transform, more=more, kind="AnnotatedData")
        return open_prototxt(write_prototxt(tmp_path / "net.prototxt", layer, *layers))

    return opened


def one(*boxes, size=(20, 40)):
    return annotated(encoded(noise(*size, 3)), boxes)


def test_by_hand_boxes_become_pixels_and_labels_indices(samples):
    found = samples([one((2, (0.1, 0.25, 0.5, 1.0), True), (1, (0, 0, 1, 1), False))])
    objects = found.describe(0).truth.objects
    assert objects.boxes.tolist() == [[4, 5, 20, 20], [0, 0, 40, 20]]
    assert objects.labels.tolist() == [1, 0]
    assert objects.is_ignored.tolist() == [True, False]
    assert found.about.classes == ("cat", "dog")
    assert found.about.class_ids == (1, 2)
    assert found.about.annotated == {"objects"}
    assert found.labels is None
    assert found.format == "caffe-annotated-lmdb"


def test_the_picture_is_stretched_and_the_frame_leads_back(samples):
    found = samples([one((1, (0, 0, 1, 1), False))])
    assert np.array_equal(found[0]["data"][0], cv2.resize(noise(20, 40, 3), (60, 30)).transpose(2, 0, 1))
    frame = found.describe(0).frame
    assert (frame.original, frame.size) == ((20, 40), (30, 60))
    assert frame.boxes_to_original(np.array([[15, 15, 60, 30]], np.float32)).tolist() == [[10, 10, 40, 20]]


def test_a_picture_without_objects_is_kept(samples):
    found = samples([one()])
    assert found.describe(0).truth.objects.boxes.shape == (0, 4)


def test_boxes_are_cut_at_the_border_and_those_without_area_left_out_as_in_caffe(samples):
    found = samples(
        [one((1, (-0.5, 0.5, 0.5, 1.5), False), (2, (0.3, 0.3, 0.3, 0.9), False), (2, (1, 0, 2, 1), False))]
    )
    assert found.about.problems == ()
    assert found.describe(0).truth.objects.boxes.tolist() == [[0, 10, 20, 20]]
    found.describe(0)
    assert [problem.what for problem in found.about.problems] == [
        "label 2, instance 0: its box has no area inside the picture",
        "label 2, instance 1: its box has no area inside the picture",
    ]


def test_boxes_outside_the_crop_are_left_out(samples):
    found = samples([one((1, (0, 0, 0.2, 0.2), False), (2, (0.25, 0.25, 1, 1), False))], "crop_size: 10")
    assert found[0]["data"].shape == (1, 3, 10, 10)
    described = found.describe(0)
    assert described.truth.objects.boxes.tolist() == [[15, 5, 25, 15]]
    assert described.frame.left == -15


@pytest.mark.parametrize(
    ("label", "says"), [(0, "label 0, which is the background"), (9, "label 9, but the classes are 1")]
)
def test_an_object_of_no_class_is_refused_by_its_key(samples, label, says):
    found = samples({"pic 7": one((label, (0, 0, 1, 1), False))})
    with pytest.raises(DatasetError, match=rf"lmdb, record pic 7: an object has {says}"):
        found.describe(0)


def test_classes_are_checked_without_a_look_at_the_picture(samples):
    broken = annotated(message("Datum")(data=b"no picture", encoded=True), [(9, (0, 0, 1, 1), False)])
    found = samples([one((1, (0, 0, 1, 1), False)), broken])
    found.layer.check(0)
    with pytest.raises(DatasetError, match=r"record 00000001: an object has label 9"):
        found.layer.check(1)


def test_such_a_record_is_left_out_and_named_among_others(samples):
    found = readable(samples([one((1, (0, 0, 1, 1), False)), one((9, (0, 0, 1, 1), False))]), 2)
    assert len(found.samples) == 1
    assert "record 00000001" in found.note


def test_without_a_label_map_the_evaluation_knows_the_number_of_classes(samples):
    found = samples([one((3, (0, 0, 1, 1), False))], more="", layers=[EVALUATE])
    assert found.about.classes == ("1", "2", "3")
    assert found.describe(0).truth.objects.labels.tolist() == [2]
    assert found.note is None


def test_without_any_word_of_the_classes_those_that_occur_count(samples):
    found = samples([one((5, (0, 0, 1, 1), False)), one((2, (0, 0, 1, 1), False))], more="")
    assert found.about.class_ids == (2, 5)


def test_a_label_map_that_is_not_there_is_said(samples):
    found = samples([one()], more='annotated_data_param { label_map_file: "lost map" }', layers=[EVALUATE])
    assert found.note == "There is no label map lost map: classes are called by their numbers."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("item { name: 3 }", r"map\.prototxt: line 1, column 14"),
        ('item { name: "a" label: 1 } item { name: "b" label: 1 }', "label 1 is there twice"),
        ('item { name: "a" }', "item 'a' needs a name and a label"),
        ("item { label: 4 }", "item 4 needs a name and a label"),
        ('item { name: "background" label: 0 }', "has no class but the background"),
    ],
)
def test_a_label_map_that_cannot_be_used_is_refused(samples, tmp_path, text, says):
    (tmp_path / "map.prototxt").write_text(text)
    with pytest.raises((DatasetError, ModelError), match=says):
        samples([one()])


def test_the_background_may_have_another_number(samples, tmp_path):
    (tmp_path / "map.prototxt").write_text('item { name: "cat" label: 0 } item { name: "none" label: 3 }')
    found = samples([one()], layers=[EVALUATE.replace("background_label_id: 0", "background_label_id: 3")])
    assert (found.about.classes, found.about.class_ids) == (("cat",), (0,))


def test_records_without_boxes_hold_a_class(samples):
    found = samples([annotated(encoded(noise(4, 4, 3), 6), is_typed=False)])
    assert list(found.labels) == [6]
    assert found.about.annotated == {"label"}


def test_a_sampler_that_draws_the_whole_picture_cuts_it_out_by_way_of_a_jpeg(samples):
    found = samples([one()], more="annotated_data_param { batch_sampler { } }", transform="")
    jpeg = cv2.imdecode(cv2.imencode(".jpg", noise(20, 40, 3))[1], cv2.IMREAD_UNCHANGED)
    assert np.array_equal(found[0]["data"][0], jpeg.transpose(2, 0, 1))
    assert not np.array_equal(found[0]["data"][0], noise(20, 40, 3).transpose(2, 0, 1))
    assert found.note is None


def test_a_sampler_that_draws_parts_is_left_out_and_said(samples):
    sampler = "annotated_data_param { batch_sampler { sampler { min_scale: 0.3 } } }"
    found = samples([one()], more=sampler, transform="", layers=[EVALUATE])
    assert np.array_equal(found[0]["data"][0], noise(20, 40, 3).transpose(2, 0, 1))
    assert found.note == "Layer data: batch_sampler is left out: pictures are taken whole."


def test_a_raw_picture_has_boxes_too(samples):
    found = samples([annotated(datum(noise(3, 20, 40)), [(1, (0, 0, 0.5, 0.5), False)])])
    assert found.describe(0).truth.objects.boxes.tolist() == [[0, 0, 20, 10]]

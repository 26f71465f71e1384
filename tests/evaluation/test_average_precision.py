"""Mean average precision: by hand, against the reference implementation, and its speed."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calibench.datasets.frame import same
from calibench.datasets.truth import Objects, Truth
from calibench.evaluation.metrics.average_precision import coco_map, mask_map, voc_map
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.object_evidence import observe_boxes, observe_masks
from calibench.evaluation.metrics.voc_curve import eleven_points, integral
from calibench.evaluation.prediction import Detections

SIZE = (100, 120)
BOX = (10, 10, 30, 30)
NEAR = (10, 10, 30, 26)  # overlaps BOX by 0.8
FAR = (60, 60, 80, 80)


def objects(*rows, masks=()):
    """Rows of box, class and whether it is ignored."""
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    labels = np.array([row[1] for row in rows], np.int64)
    return Objects(boxes, labels, np.array([len(row) > 2 and row[2] for row in rows], np.bool_), masks)


def found(*rows, masks=None):
    """Rows of box, class and score."""
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    return Detections(
        boxes, np.array([row[2] for row in rows], np.float32), np.array([row[1] for row in rows], np.int64), masks
    )


def seen(true, prediction, size=SIZE):
    return Observation({}, {}, Truth(objects=true), same(*size), prediction)


def scored(metric, *observations):
    return metric.score([metric.observe(each) for each in observations])


@pytest.mark.parametrize("make", [coco_map, voc_map])
def test_all_found_and_nothing_else_is_100_percent(make):
    summary = scored(make(2), seen(objects((BOX, 0), (FAR, 1)), found((BOX, 0, 0.9), (FAR, 1, 0.3))))
    assert summary.score == pytest.approx(100)
    assert [(row.label, row.score, row.count) for row in summary.classes] == [
        (0, pytest.approx(100), 1),
        (1, pytest.approx(100), 1),
    ]


@pytest.mark.parametrize("make", [coco_map, voc_map])
def test_a_surer_mistake_halves_the_precision(make):
    summary = scored(make(1), seen(objects((BOX, 0)), found((FAR, 0, 0.9), (BOX, 0, 0.8))))
    assert summary.score == pytest.approx(50)


def test_an_overlap_of_08_is_right_at_seven_of_ten_thresholds():
    summary = scored(coco_map(1), seen(objects((BOX, 0)), found((NEAR, 0, 0.9))))
    assert summary.score == pytest.approx(70)  # 0.50 .. 0.80
    assert summary.details["AP50"] == pytest.approx(100) and summary.details["AP75"] == pytest.approx(100)
    assert summary.details["APsmall"] == pytest.approx(70) and "APlarge" not in summary.details
    assert summary.details["AR"] == pytest.approx(70)


def test_size_is_the_area_of_the_mask_where_there_is_one():
    large = (0, 0, 40, 40)
    triangle = ([[0, 0, 40, 0, 0, 40]],)  # 800 pixels: small, in a box of medium size
    evidence = observe_boxes(seen(objects((large, 0), masks=triangle), found()))
    assert evidence.true_areas[0] == pytest.approx(800, abs=40)
    assert observe_boxes(seen(objects((large, 0)), found())).true_areas[0] == 1600


@pytest.mark.parametrize("make", [coco_map, voc_map])
def test_classes_without_objects_have_no_score(make):
    summary = scored(make(3), seen(objects((BOX, 1)), found((BOX, 1, 0.9), (BOX, 2, 0.9))))
    assert [row.score for row in summary.classes] == [None, pytest.approx(100), None]
    assert summary.score == pytest.approx(100)


@pytest.mark.parametrize("make", [coco_map, voc_map, mask_map])
def test_nothing_found_and_nothing_there(make):
    empty = np.zeros((0, *SIZE), np.bool_)
    metric = make(1)
    assert scored(metric, seen(objects((BOX, 0)), found(masks=empty))).score == 0
    assert np.isnan(scored(metric, seen(objects(), found(masks=empty))).score)
    assert np.isnan(metric.score([]).score)
    assert metric.value(metric.observe(seen(objects(), found(masks=empty)))) == 100
    assert metric.value(metric.observe(seen(objects((BOX, 0)), found(masks=empty)))) == 0
    assert scored(metric, seen(objects((BOX, 0)), None)).score == 0


@pytest.mark.parametrize("make", [coco_map, voc_map])
def test_pictures_without_objects_count_by_what_is_wrongly_found_there(make):
    good = seen(objects((BOX, 0)), found((BOX, 0, 0.8)))
    wrong = seen(objects(), found((FAR, 0, 0.9)))
    assert scored(make(1), good, wrong).score == pytest.approx(50)
    without_truth = Observation({}, {}, Truth(), same(*SIZE), found((FAR, 0, 0.9)))
    assert scored(make(1), good, without_truth).score == pytest.approx(50)


@pytest.mark.parametrize("make", [coco_map, voc_map])
def test_ignored_objects_count_nowhere(make):
    true = objects((BOX, 0), (FAR, 0, True))
    summary = scored(make(1), seen(true, found((FAR, 0, 0.9), (BOX, 0, 0.8))))
    assert summary.score == pytest.approx(100) and summary.classes[0].count == 1
    assert make(1).value(make(1).observe(seen(true, found((FAR, 0, 0.9), (BOX, 0, 1.0))))) == pytest.approx(100)
    assert np.isnan(scored(make(1), seen(objects((FAR, 0, True)), found((FAR, 0, 0.9)))).score)


def test_voc_by_hand():
    """Two objects; right, wrong, right: recall 1/2 1/2 1, precision 1 1/2 2/3."""
    summary = scored(
        voc_map(1),
        seen(objects((BOX, 0)), found((BOX, 0, 0.9), (FAR, 0, 0.8))),
        seen(objects((FAR, 0)), found((FAR, 0, 0.7))),
    )
    assert summary.score == pytest.approx(100 * (1 / 2 * 1 + 1 / 2 * 2 / 3))
    assert summary.details["11 points"] == pytest.approx(100 * (6 * 1 + 5 * 2 / 3) / 11)


def test_areas_under_a_curve_by_hand():
    recall, precision = np.array([0.25, 0.5, 0.5, 0.75]), np.array([1, 1, 2 / 3, 3 / 4])
    assert integral(recall, precision) == pytest.approx(0.5 + 0.25 * 3 / 4)
    assert eleven_points(recall, precision) == pytest.approx((6 + 2 * 0.75) / 11)
    assert integral(np.zeros(0), np.zeros(0)) == eleven_points(np.zeros(0), np.zeros(0)) == 0


def test_a_second_find_of_the_same_object_is_wrong():
    summary = scored(voc_map(1), seen(objects((BOX, 0), (FAR, 0)), found((BOX, 0, 0.9), (NEAR, 0, 0.8), (FAR, 0, 0.7))))
    assert summary.score == pytest.approx(100 * (1 / 2 + 1 / 2 * 2 / 3))


def test_the_value_of_a_picture_by_hand():
    value = voc_map(1).value(observe_boxes(seen(objects((BOX, 0)), found((NEAR, 0, 0.5), (FAR, 0, 0.4)))))
    assert value == pytest.approx(100 * 2 * (0.8 * 0.5) / (1 + 0.5 + 0.16), abs=1e-3)
    assert voc_map(1).value(observe_boxes(seen(objects(), found((FAR, 0, 0.5))))) == pytest.approx(100 / 1.25)


def test_the_value_rises_when_a_picture_is_read_better():
    true = objects((BOX, 0), (FAR, 1))
    steps = [
        found((FAR, 0, 0.9)),
        found((BOX, 0, 0.5), (FAR, 0, 0.9)),
        found((BOX, 0, 0.5)),
        found((BOX, 0, 0.9)),
        found((BOX, 0, 0.9), (FAR, 1, 0.9)),
    ]
    values = [coco_map().value(observe_boxes(seen(true, step))) for step in steps]
    assert values == sorted(values) and len(set(values)) == len(values)


def masks_of(*boxes):
    masks = np.zeros((len(boxes), *SIZE), np.bool_)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    return masks


@pytest.mark.parametrize("form", ["polygons", "plain runs", "packed runs", "none"])
def test_masks_of_every_form_are_compared(form):
    from faster_coco_eval.core import mask

    left, top, right, bottom = BOX
    whole = masks_of(BOX)[0]
    drawn = {
        "polygons": [[left, top, right, top, right, bottom, left, bottom]],
        "plain runs": {"size": list(SIZE), "counts": [1010, *[20, 80] * 19, 20, SIZE[0] * SIZE[1] - 1010 - 1920]},
        "packed runs": mask.encode(np.asfortranarray(whole.astype(np.uint8))),
        "none": None,
    }[form]
    half = (left, top, right, top + 13)  # 0.65 of the mask, while the boxes are equal
    true = objects((BOX, 0), masks=(drawn,))
    summary = scored(mask_map(1), seen(true, found((BOX, 0, 0.9), masks=masks_of(half))))
    assert summary.score == pytest.approx(40)  # 0.50, 0.55, 0.60, 0.65
    assert scored(mask_map(1), seen(true, found((BOX, 0, 0.9), masks=masks_of(BOX)))).score == pytest.approx(100)
    value = mask_map(1).value(observe_masks(seen(true, found((BOX, 0, 1.0), masks=masks_of(half)))))
    assert value == pytest.approx(65)


def random_picture(seed, size=(200, 200)):
    """True objects that lie apart, and finds beside, on and off them."""
    random = np.random.default_rng(seed)
    corners = random.permutation(16)[: random.integers(0, 7)]
    boxes = np.array([[c % 4 * 50, c // 4 * 50, c % 4 * 50 + 40, c // 4 * 50 + 45] for c in corners], float).reshape(
        -1, 4
    )
    boxes[:, 2:] -= random.uniform(0, 25, (len(boxes), 2))
    true = [(box, int(random.integers(3)), bool(random.random() < 0.2)) for box in boxes]
    rows = [(box + random.normal(0, 4, 4), label, random.random()) for box, label, _ in true for _ in range(2)]
    rows += [
        (np.array([a, b, a + 30, b + 30]), int(random.integers(3)), random.random())
        for a, b in random.uniform(0, 170, (4, 2))
    ]
    rows = [row for row in rows if (row[0][2:] > row[0][:2]).all()]  # tasks drop finds without an area
    rows.sort(key=lambda row: -row[2])
    return seen(objects(*true), found(*rows), size)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000))
def test_coco_is_what_the_reference_implementation_says(seed):
    reference = pytest.importorskip("pycocotools.cocoeval")
    from pycocotools.coco import COCO

    pictures = [random_picture(seed + number) for number in range(4)]
    true, guesses = [], []
    for place, picture in enumerate(pictures, 1):
        for box, label, ignored in zip(
            picture.truth.objects.boxes.tolist(),
            picture.truth.objects.labels,
            picture.truth.objects.is_ignored,
            strict=True,
        ):
            width, height = box[2] - box[0], box[3] - box[1]
            true.append(
                {"id": len(true) + 1, "image_id": place, "category_id": int(label) + 1, "iscrowd": int(ignored),
                 "bbox": [box[0], box[1], width, height], "area": width * height}
            )  # fmt: skip
        for box, label, score in zip(
            picture.prediction.boxes.tolist(), picture.prediction.labels, picture.prediction.scores, strict=True
        ):
            guesses.append(
                {"image_id": place, "category_id": int(label) + 1, "score": float(score),
                 "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]]}
            )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": place} for place in range(1, 5)],
            "categories": [{"id": number} for number in (1, 2, 3)],
            "annotations": true,
        }
        truth.createIndex()
        if not any(not each["iscrowd"] for each in true):
            return
        judge = reference.COCOeval(truth, truth.loadRes(guesses), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    summary = scored(coco_map(3), *pictures)
    assert summary.score == pytest.approx(100 * judge.stats[0], abs=1e-6)
    assert summary.details["AP50"] == pytest.approx(100 * judge.stats[1], abs=1e-6)
    assert summary.details["AR"] == pytest.approx(100 * judge.stats[8], abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000))
@example(3263)
def test_voc_and_coco_agree_where_objects_lie_apart(seed):
    """Then no find has a second object to go to; what is left between them is how finely the curve is read."""
    pictures = [random_picture(seed + number) for number in range(6)]
    for picture in pictures:
        picture.truth.objects.is_ignored[:] = False
    voc, coco = scored(voc_map(3), *pictures), scored(coco_map(3), *pictures)
    if np.isnan(voc.score):
        return
    assert voc.score == pytest.approx(coco.details["AP50"], abs=2.0)


def test_order_of_pictures_and_of_finds_changes_nothing():
    pictures = [random_picture(number) for number in range(8)]
    backwards = [
        seen(each.truth.objects, each.prediction.take(np.arange(len(each.prediction.scores))[::-1]), (200, 200))
        for each in reversed(pictures)
    ]
    for metric in (coco_map(3), voc_map(3)):
        assert scored(metric, *pictures).score == pytest.approx(scored(metric, *backwards).score, abs=1e-9)


def test_pictures_that_all_come_a_hundred_times_score_as_once():
    pictures = [random_picture(number) for number in range(50)]
    for make in (coco_map, voc_map):
        once = [make(80).observe(each) for each in pictures]
        assert make(80).score(once * 100).score == pytest.approx(make(80).score(once).score, abs=0.5)

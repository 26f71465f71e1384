"""The page of metrics says what the metrics are."""

import re
from pathlib import Path

import pytest

from calibench.evaluation.metrics.average_precision import coco_map, mask_map, voc_map
from calibench.evaluation.metrics.cosine import cosine
from calibench.evaluation.metrics.mean_iou import mean_iou
from calibench.evaluation.metrics.nearest_class import nearest_class
from calibench.evaluation.metrics.normed_error import normed_error
from calibench.evaluation.metrics.pair_accuracy import pair_accuracy
from calibench.evaluation.metrics.picture_quality import psnr, ssim
from calibench.evaluation.metrics.read_text import character_errors, exact
from calibench.evaluation.metrics.same_objects import same_objects
from calibench.evaluation.metrics.top_k import agreement, top_k

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.read_text().splitlines() if "| " in line
]


def no_embedding(outputs, frame):
    raise AssertionError


@pytest.mark.parametrize(
    "metric",
    [
        top_k(1),
        agreement(),
        cosine(),
        mean_iou(2),
        psnr(),
        ssim(),
        exact(),
        character_errors(),
        nearest_class(no_embedding),
        normed_error(),
        pair_accuracy(no_embedding),
        coco_map(),
        mask_map(),
        voc_map(),
        same_objects(no_embedding),
    ],
    ids=lambda metric: metric.name,
)
def test_unit_and_direction_stand_on_the_page(metric):
    rows = [row for row in ROWS if metric.name in re.findall(r"`([^`]+)`", row[0])]
    assert len(rows) == 1
    unit, better = rows[0][3:5]
    assert unit.split(",")[0] == (metric.unit or "none")
    assert better == ("higher" if metric.higher_is_better else "lower")

"""The metric of CRAFT, whose two maps of scores are no classes of pixels: a person's own function."""

from typing import Any

import numpy as np

from calibench.datasets.truth import Truth


def region_auc(outputs: dict[str, Any], truth: Truth) -> float:
    """How often a pixel of a line has a higher character score than one beside the lines (area under ROC), 0..1.

    Args:
        outputs: one map of scores [1, H, W, 2]; the first is that of characters.
        truth: `pixels`, uint8 [2 H, 2 W], 0 beside the lines.
    """
    (maps,) = outputs.values()
    mask = truth.pixels
    if mask is None:
        raise ValueError("region AUC needs masks")
    scores, inside = maps[0, :, :, 0].ravel(), (np.asarray(mask)[::2, ::2] > 0).ravel()
    ranks = np.empty(len(scores))
    ranks[scores.argsort(kind="stable")] = np.arange(1, len(scores) + 1)
    positive, negative = int(inside.sum()), int((~inside).sum())
    if not positive or not negative:
        return 1.0
    return float((ranks[inside].sum() - positive * (positive + 1) / 2) / (positive * negative))

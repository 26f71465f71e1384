"""How well the class of every pixel is found."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.truth import IGNORED
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import PERCENT, Array, ClassScore, Metric, Observation, Summary

Counts = NDArray[np.int64]
"""int64 [3, classes]: pixels found and annotated, pixels found, pixels annotated."""
HALF = 127  # of 0..255: a mask with gray borders is foreground above it


def mean_iou(classes: int, is_mask: bool = False) -> Metric:
    """Mean over the annotated classes of intersection over union, in percent.

    Intersection and union are those of all pictures of the selection together. A class without one annotated pixel has
    no score; where it is found nevertheless, the classes that stand there pay for it. Pixels with the truth IGNORED do
    not count, nor those that the model never saw because the picture was cropped (IGNORED in the prediction). The value
    of one sample is the same figure for this picture alone.

    Args:
        classes: of the dataset.
        is_mask: the truth is a picture of 0 and 255 (or of grays, cut at 127) and not of class numbers.

    Source: Everingham and others 2010, The PASCAL visual object classes (VOC) challenge, segmentation accuracy.
    """

    def observe(seen: Observation) -> Counts:
        found, truth = seen.prediction, seen.truth.pixels
        if truth is None or not isinstance(found, np.ndarray):
            raise DatasetError("Metric mean-iou needs the class of every pixel. Give a dataset with masks.")
        return count_pixels(found, _as_classes(truth) if is_mask else truth, classes)

    def score(evidence: Sequence[Counts]) -> Summary:
        counts = np.sum(np.stack(evidence), axis=0)
        scores = class_scores(counts)
        rows = tuple(
            ClassScore(label, None if np.isnan(each) else float(each), int(counts[2, label]))
            for label, each in enumerate(scores)
        )
        accuracy = 100.0 * float(counts[0].sum()) / max(float(counts[2].sum()), 1.0)
        return Summary(_mean(scores), rows, {"pixel accuracy": accuracy})

    return Metric("mean-iou", PERCENT, True, "pixels", observe, score, lambda counts: _mean(class_scores(counts)))


def count_pixels(found: Array, truth: Array, classes: int) -> Counts:
    """Count the pixels of one picture.

    Args:
        found: integers [H, W]; a class of the dataset, -1 for none of them, IGNORED where the model saw nothing.
        truth: integers [H, W]; a class of the dataset, or IGNORED.

    Raises:
        DatasetError: the sizes differ, or the truth names a class that the dataset does not have.
    """
    if found.shape != truth.shape:
        raise DatasetError(
            f"A mask is {truth.shape[0]} x {truth.shape[1]} pixels, its picture {found.shape[0]} x {found.shape[1]}. "
            "Make them the same size."
        )
    counted = (truth != IGNORED) & (found != IGNORED)
    own, wanted = np.asarray(found[counted], np.int64), np.asarray(truth[counted], np.int64)
    _check(wanted, classes)
    each = (wanted[own == wanted], own[(own >= 0) & (own < classes)], wanted)
    return np.stack([np.bincount(values, minlength=classes) for values in each]).astype(np.int64)


def _check(wanted: NDArray[np.int64], classes: int) -> None:
    strange = wanted[(wanted < 0) | (wanted >= classes)]
    if strange.size:
        raise DatasetError(
            f"A mask holds class {strange[0]}, but the dataset has {classes} classes, 0 to {classes - 1}. "
            f"Name all of them (data.labels), or mark pixels that do not count with {IGNORED}."
        )


def class_scores(counts: Counts) -> NDArray[np.float64]:
    """Counts -> float64 [classes], intersection over union in percent; NaN where a class is not annotated."""
    both, found, truth = counts.astype(np.float64)
    union = found + truth - both
    return np.where(truth > 0, 100.0 * both / np.maximum(union, 1.0), np.nan)


def _mean(scores: NDArray[np.float64]) -> float:
    """Mean over the classes that have a score; 0 where there is none, as in a picture without a pixel that counts."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else 0.0


def _as_classes(mask: Array) -> Array:
    """0 and 1 from a mask: as it is where it holds only these (and IGNORED); else the brighter half is 1."""
    values = set(np.unique(mask).tolist())
    if values <= {0, 1} or values == {0, 1, IGNORED}:
        return mask
    return np.asarray(np.asarray(mask, np.int64) > HALF, np.int64)

"""How far found landmarks are from where they should be."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.truth import Objects
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation, Summary

NormalizeBy = Literal["auto", "eyes", "box", "picture"]
Points = NDArray[np.float32]

EYES = {5: (0, 1), 68: (36, 45), 98: (60, 72)}
"""How many points a set has -> the two of the eyes: centres of five, outer corners of 68 (300-W) and 98 (WFLW)."""
FAILURE = 10.0  # percent: above it a picture counts as failed, as in the benchmarks of faces


def normed_error(normalize_by: NormalizeBy = "auto") -> Metric:
    """Mean distance of found points from the annotated ones, in percent of a length in the same picture.

    Lower is better. The error of a picture is the mean over its visible points, the score that over the pictures. A
    point that the model gives as NaN or infinity is wrong by 100 %. A picture without a visible point does not count,
    and has the value 0. `details`: the share of pictures with an error above FAILURE, and of those that do not count.

    Args:
        normalize_by: "eyes": their distance; a picture where one is not visible does not count. "box": square root of
            the area of the first annotated box. "picture": its diagonal. "auto": eyes where the set has 5, 68 or 98
            points and both are visible, else the box where there is one, else the picture.

    Source: Sagonas and others 2016, 300 faces in-the-wild challenge (eyes); Bulat and Tzimiropoulos 2017, How far are
    we from solving the 2D & 3D face alignment problem (box).
    """

    def observe(seen: Observation) -> float:
        own, truth = seen.prediction, seen.truth.points
        if truth is None or not isinstance(own, np.ndarray):
            raise DatasetError("Metric nme needs the landmarks of every picture. Give a dataset that has them.")
        if own.shape != truth.shape:
            raise DatasetError(
                f"The model finds {len(own)} points, {len(truth)} are annotated. They must be the same; if the model "
                "finds no points at all, say its task: --task."
            )
        return 100.0 * _error(np.asarray(own, np.float64), truth.astype(np.float64), _length(seen, truth, normalize_by))

    return Metric("nme", PERCENT, False, "points", observe, _score, lambda error: 0.0 if math.isnan(error) else error)


def _score(evidence: Sequence[float]) -> Summary:
    known = np.array([error for error in evidence if not math.isnan(error)], np.float64)
    left_out = {"not counted": 100.0 * (1 - known.size / len(evidence))}
    if known.size == 0:
        return Summary(float("nan"), details=left_out)
    failed = 100.0 * float((known > FAILURE).mean())
    return Summary(float(known.mean()), details={f"error above {FAILURE:g} %": failed, **left_out})


def _error(own: NDArray[np.float64], truth: NDArray[np.float64], length: float) -> float:
    """Mean distance over `length`; NaN where that is NaN or no point is visible."""
    is_visible = ~np.isnan(truth).any(axis=1)
    if math.isnan(length) or not is_visible.any():
        return float("nan")
    distances = np.linalg.norm(own[is_visible] - truth[is_visible], axis=1) / length
    return float(np.where(np.isfinite(distances), distances, 1.0).mean())


def _length(seen: Observation, truth: Points, normalize_by: NormalizeBy) -> float:
    """What distances in one picture are divided by, pixels, > 0; NaN where its eyes are wanted and not visible."""
    if normalize_by == "eyes" and len(truth) not in EYES:
        raise SettingsError(
            f"task.normalize_by eyes is known for {', '.join(map(str, EYES))} points; the set has {len(truth)}. "
            "Take box or picture."
        )
    eyes, box = _between_eyes(truth), _side_of_box(seen.truth.objects)
    if normalize_by == "eyes" or (normalize_by == "auto" and eyes > 0):
        return eyes or float("nan")
    if normalize_by == "box" and box == 0:
        raise DatasetError("task.normalize_by box needs a box for every picture. Annotate it, or take eyes or picture.")
    if normalize_by in ("auto", "box") and box > 0:
        return box
    if seen.frame is None:
        raise SettingsError("task.normalize_by picture needs pictures as samples. Take eyes or box.")
    return math.hypot(*seen.frame.original)


def _between_eyes(truth: Points) -> float:
    """0 where they are not annotated, not visible, or in one place."""
    if len(truth) not in EYES:
        return 0.0
    one, other = (truth[index].astype(np.float64) for index in EYES[len(truth)])
    distance = float(np.linalg.norm(one - other))
    return 0.0 if math.isnan(distance) else distance


def _side_of_box(objects: Objects | None) -> float:
    """0 where there is no box, or an empty one."""
    if objects is None or len(objects.boxes) == 0:
        return 0.0
    left, top, right, bottom = objects.boxes[0].astype(np.float64)
    return math.sqrt(max(right - left, 0.0) * max(bottom - top, 0.0))

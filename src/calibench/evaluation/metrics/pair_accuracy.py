"""Whether two pictures are said to show the same person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.truth import Pair
from calibench.errors import DatasetError
from calibench.evaluation.metrics.embedded import Embed, Embedded, embedded
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation, Summary

FOLDS = 10  # as LFW has them
FEWEST = 2 * FOLDS  # pairs that can be parted into folds; of fewer, threshold and accuracy come from the same pairs

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Paired:
    """An embedding and the questions that its picture is part of."""

    embedded: Embedded
    pairs: tuple[Pair, ...]


def pair_accuracy(embed: Embed) -> Metric:
    """Share of pairs that a threshold on the cosine of both embeddings tells right, in percent; the protocol of LFW.

    The pairs are parted into ten folds in the order of their numbers, which is that of the file. The pairs of each fold
    are judged with the threshold that is best for the other nine; the score is the mean over the folds. Of fewer than
    FEWEST pairs, threshold and accuracy come from the same pairs, and `details` has "threshold from the same pairs".

    Further in `details`, as plain numbers: how many pairs were judged, how many were left out because only one of their
    pictures is in the selection, and the (mean) threshold. Without a pair the score is not a number.

    The value of one sample cannot be found without the other picture. It is 100 times the cosine with the embedding
    that FP32 gives the same picture: 100 for FP32, less where INT8 moves it.

    Source: Huang and others 2007, Labeled Faces in the Wild, view 2.
    """

    def observe(seen: Observation) -> Paired:
        return Paired(embedded(seen, embed), seen.truth.pairs)

    return Metric("pairs", PERCENT, True, "pairs", observe, _score, lambda each: 100.0 * each.embedded.likeness)


def _score(evidence: Sequence[Paired]) -> Summary:
    cosines, is_same, left_out = match_pairs(evidence)
    details = {"pairs": float(len(cosines)), "pairs left out": float(left_out)}
    if len(cosines) == 0:
        return Summary(float("nan"), details=details)
    if len(cosines) < FEWEST:
        threshold = best_threshold(cosines, is_same)
        return Summary(
            _right(cosines, is_same, threshold), details={**details, "threshold from the same pairs": threshold}
        )
    scores, thresholds = [], []
    for fold in np.array_split(np.arange(len(cosines)), FOLDS):
        others = np.ones(len(cosines), np.bool_)
        others[fold] = False
        thresholds.append(best_threshold(cosines[others], is_same[others]))
        scores.append(_right(cosines[fold], is_same[fold], thresholds[-1]))
    return Summary(float(np.mean(scores)), details={**details, "threshold": float(np.mean(thresholds))})


def match_pairs(evidence: Sequence[Paired]) -> tuple[Values, Flags, int]:
    """Bring the pictures of each pair together.

    Returns:
        cosines of the pairs in the order of their numbers, float64 [P]; whether they are the same, bool [P]; and how
        many pairs have only one picture here.

    Raises:
        DatasetError: more than two pictures carry one number.
    """
    found: dict[int, dict[int, Embedded]] = {}  # by number; by identity, as a selection may hold a sample twice
    answers: dict[int, bool] = {}
    for each in evidence:
        for pair in each.pairs:
            found.setdefault(pair.number, {})[id(each)] = each.embedded
            answers[pair.number] = pair.is_same
    strange = next((number for number, both in found.items() if len(both) > 2), None)
    if strange is not None:
        raise DatasetError(f"Pair {strange} has {len(found[strange])} pictures instead of two. Number every pair once.")
    whole = sorted(number for number, both in found.items() if len(both) == 2)
    cosines = [_cosine(*found[number].values()) for number in whole]
    is_same = np.array([answers[number] for number in whole], np.bool_)
    return np.array(cosines, np.float64), is_same, len(found) - len(whole)


def best_threshold(cosines: Values, is_same: Flags) -> float:
    """The threshold that tells most pairs right: half-way between two neighbouring cosines, the lowest of several."""
    values, index = np.unique(cosines, return_inverse=True)
    same = np.bincount(index, is_same, len(values))
    other = np.bincount(index, ~is_same, len(values))
    right = np.concatenate([[same.sum()], same.sum() - np.cumsum(same) + np.cumsum(other)])
    ends = np.concatenate([[-2.0], values, [2.0]])  # below all, between two, above all
    lower, upper = ends[right.argmax()], ends[right.argmax() + 1]
    middle = (lower + upper) / 2
    return float(middle if middle < upper else lower)  # two neighbours in floating point have nothing between them


def _right(cosines: Values, is_same: Flags, threshold: float) -> float:
    return 100.0 * float(np.mean((cosines > threshold) == is_same))


def _cosine(one: Embedded, other: Embedded) -> float:
    return float(one.vector.astype(np.float64) @ other.vector)

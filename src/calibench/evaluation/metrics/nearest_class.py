"""Whether embeddings of one class lie together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.errors import DatasetError
from calibench.evaluation.metrics.embedded import Embed, Embedded, embedded
from calibench.evaluation.metrics.metric import PERCENT, ClassScore, Metric, Observation, Summary

TIE = 1e-6  # of cosines: rounding of float32; a model that gives everything the same embedding finds nothing


@dataclass(frozen=True, eq=False)
class Labelled:
    """An embedding and the class of its sample."""

    embedded: Embedded
    label: int


def nearest_class(embed: Embed) -> Metric:
    """Share of samples that lie nearer (by cosine) to the mean of their own class than to any other's, in percent.

    The mean of the own class is that of the other samples in it, all of length 1. A sample alone in its class cannot be
    judged: it does not count, but stands as a class that others may be taken for. Where no sample can be judged, the
    score is not a number.

    The value of one sample cannot be found without the others. It is 100 times the cosine with the embedding that FP32
    gives the same sample: 100 for FP32, less where INT8 moves it.

    Source: nearest class mean as in Mensink and others 2013, Distance-based image classification.
    """

    def observe(seen: Observation) -> Labelled:
        if seen.truth.label is None:
            raise DatasetError("Metric nearest needs labels. Give one folder per class, or take metric cosine.")
        return Labelled(embedded(seen, embed), seen.truth.label)

    return Metric("nearest", PERCENT, True, "label", observe, _score, lambda each: 100.0 * each.embedded.likeness)


def _score(evidence: Sequence[Labelled]) -> Summary:
    known, labels = np.unique([each.label for each in evidence], return_inverse=True)
    vectors = np.stack([each.embedded.vector for each in evidence]).astype(np.float64)
    is_right, counts = find_own_class(vectors, labels)
    is_judged = counts[labels] > 1
    rows = tuple(
        ClassScore(int(label), _share(is_right[(labels == index) & is_judged]), int(counts[index]))
        for index, label in enumerate(known)
    )
    score = _share(is_right[is_judged])
    alone = 100.0 * float(np.mean(~is_judged))
    return Summary(float("nan") if score is None else score, rows, {"alone in their class": alone})


def find_own_class(
    vectors: NDArray[np.float64], labels: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Whether each sample lies nearest to the rest of its class.

    Args:
        vectors: float64 [N, D], of length 1.
        labels: integers [N], 0 to the number of classes - 1.

    Returns:
        bool [N], and how many samples each class has.
    """
    counts = np.bincount(labels)
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    rows = np.arange(len(labels))
    cosines = vectors @ _directions(sums).T
    cosines[rows, labels] = np.sum(vectors * _directions(sums[labels] - vectors), axis=1)
    own = cosines[rows, labels].copy()
    cosines[rows, labels] = -np.inf
    return own > cosines.max(axis=1) + TIE, counts


def _directions(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [N, D] of length 1; zeros stay (and so does what rounding leaves of them)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > TIE, vectors / np.maximum(lengths, TIE), 0.0)


def _share(right: NDArray[np.bool_]) -> float | None:
    return 100.0 * float(right.mean()) if right.size else None

"""What metrics over embeddings keep of one sample."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.evaluation.metrics.metric import NamedOutputs, Observation

Vector = NDArray[np.float32]
Embed = Callable[[NamedOutputs, Frame | None], Vector]
"""Outputs of one sample -> its embedding, float32 [D], of any length."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """The embedding of one sample.

    Attributes:
        vector: float32 [D] of length 1; all zeros where the model gave only zeros, or a value that is not finite.
        likeness: cosine with the embedding that FP32 gives the same sample, -1..1; 1 when FP32 itself is judged.
    """

    vector: Vector
    likeness: float


def embedded(seen: Observation, embed: Embed) -> Embedded:
    """Read both embeddings of a sample."""
    own, reference = (unit_length(embed(outputs, seen.frame)) for outputs in (seen.outputs, seen.reference))
    is_same = bool((own == reference).all())
    return Embedded(own, 1.0 if is_same else float(own.astype(np.float64) @ reference))


def unit_length(vector: Vector) -> Vector:
    """float32 [D] of length 1 in the same direction; zeros where there is none."""
    values = vector.astype(np.float64)
    length = float(np.linalg.norm(values))
    if not 0 < length < float("inf"):
        return np.zeros(vector.shape, np.float32)
    return np.asarray(values / length, np.float32)

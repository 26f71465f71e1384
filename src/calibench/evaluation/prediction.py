"""What a model says about one sample, in terms of the sample and not of the model's outputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Detections:
    """Found objects, the surest first.

    Attributes:
        boxes: float32 [N, 4]: left, top, right, bottom, in pixels (of the model's input when a decoder gives it, of the
            upright original everywhere else).
        scores: float32 [N], 0..1.
        labels: int64 [N], the model's own classes when a decoder gives it, index into the classes of the dataset
            everywhere else.
        masks: bool [N, H, W], in the size that the coordinates belong to; None where the model gives no masks.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_] | None = None

    def take(self, indices: NDArray[np.generic]) -> "Detections":
        """Only these, in this order."""
        masks = None if self.masks is None else self.masks[indices]
        return Detections(self.boxes[indices], self.scores[indices], self.labels[indices], masks)


def nothing_found() -> Detections:
    """No objects."""
    return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


Prediction = int | Detections | NDArray[np.generic] | str | None
"""By task: a class, objects, an array (classes of pixels [H, W], a picture uint8 [H, W, 3], points [K, 2] in pixels of
the original, an embedding [D]), a text; None where the outputs have no meaning of their own."""

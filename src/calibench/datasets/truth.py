"""What was annotated for one sample; the one form in which all formats give it and all metrics take it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["label", "objects", "instances", "pixels", "picture", "text", "points", "pairs"]
"""What can be annotated: a class, boxes, boxes with their masks, a class for every pixel, the picture that should come
out, a text, landmarks, which pictures show the same person."""

IGNORED = 255
"""Class of a pixel that does not count."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects in one picture; coordinates in pixels of the upright original, x to the right, y down.

    Attributes:
        boxes: float32 [N, 4]: left, top, right, bottom.
        labels: int64 [N], index into the classes of the dataset.
        is_ignored: bool [N], crowd or difficult: finding it is neither right nor wrong.
        masks: one an object, as COCO writes them: polygons (lists of x, y, x, y, ...) or run lengths
            ({"size": [H, W], "counts": ...}); empty where the dataset has none.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    is_ignored: NDArray[np.bool_]
    masks: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.boxes.shape != (count, 4) or self.labels.shape != (count,) or self.is_ignored.shape != (count,):
            raise ValueError(f"boxes {self.boxes.shape}, labels {self.labels.shape}, {self.is_ignored.shape}")
        if self.masks and len(self.masks) != count:
            raise ValueError(f"{len(self.masks)} masks for {count} objects")


@dataclass(frozen=True)
class Pair:
    """One picture's part in a question "are these two the same?"; both pictures carry the same number."""

    number: int
    is_same: bool


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of one sample; None or empty where nothing was annotated.

    Attributes:
        label: index into the classes of the dataset.
        pixels: uint8 or int32 [H, W], the class of every pixel, IGNORED where it does not count.
        picture: uint8 [H, W, 3], RGB, 0..255: what the model should make of the sample.
        points: float32 [K, 2], x and y in pixels of the upright original; NaN for a point that is not visible.
    """

    label: int | None = None
    objects: Objects | None = None
    pixels: NDArray[np.generic] | None = None
    picture: NDArray[np.uint8] | None = None
    text: str | None = None
    points: NDArray[np.float32] | None = None
    pairs: tuple[Pair, ...] = ()


NOTHING = Truth()
"""Of a sample without annotations."""


def truth_digest(truths: Iterable[Truth]) -> str:
    """SHA-256 over what was annotated, in order, hex."""
    total = hashlib.sha256()
    for truth in truths:
        for part in _parts(truth):
            total.update(part + b"\0")
    return total.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, (Truth, Objects)):
        for each in fields(value):
            yield from _parts(getattr(value, each.name))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
    else:
        yield repr(value).encode()

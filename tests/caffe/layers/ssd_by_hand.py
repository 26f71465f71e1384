"""DetectionOutput in plain loops, from the papers' definitions: what the operation is compared with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3


@dataclass(frozen=True)
class Rules:
    """The fields of detection_output_param that matter."""

    classes: int
    code: int = CENTER_SIZE
    shared: bool = True
    in_target: bool = False
    background: int = 0
    threshold: float = 0.01
    overlap: float = 0.45
    top_k: int = -1
    keep: int = -1
    objectness: float = 0.01

    def text(self) -> str:
        """The layer as it stands in a prototxt."""
        words = f"num_classes: {self.classes} share_location: {self.shared} background_label_id: {self.background} "
        words += f"code_type: {('CORNER', 'CENTER_SIZE', 'CORNER_SIZE')[self.code - 1]} keep_top_k: {self.keep} "
        words += f"variance_encoded_in_target: {self.in_target} confidence_threshold: {self.threshold} "
        nms = f"nms_threshold: {self.overlap}" + (f" top_k: {self.top_k}" if self.top_k >= 0 else "")
        words += f"nms_param {{ {nms} }} objectness_score: {self.objectness}"
        return f"detection_output_param {{ {words} }}".replace("True", "true").replace("False", "false")


def rows_by_hand(rules: Rules, boxes: Array, scores: Array, priors: Array, refined: tuple[Array, ...] = ()) -> Array:
    """Rows [M, 7] of image, class, score, box, sorted; inputs as the layer takes them."""
    found: list[tuple[float, ...]] = []
    variances = priors[0, 1].reshape(-1, 4)
    for image in range(len(boxes)):
        places = np.repeat(priors[0, 0].reshape(-1, 1, 4), 1 if rules.shared else rules.classes, axis=1)
        chances = scores[image].reshape(-1, rules.classes).copy()
        if refined:
            places = _decoded(rules, refined[1][image].reshape(places.shape), places, variances)
            is_background = refined[0][image].reshape(-1, 2)[:, 1] < rules.objectness
            chances[is_background] = np.arange(rules.classes) == rules.background
        places = _decoded(rules, boxes[image].reshape(places.shape), places, variances)
        kept = []
        for label in set(range(rules.classes)) - {rules.background}:
            own = places[:, 0 if rules.shared else label]
            kept += [(chances[i, label], label, *own[i]) for i in _surviving(rules, own, chances[:, label])]
        kept.sort(key=lambda row: -row[0])
        found += [
            (image, label, score, *box) for score, label, *box in (kept[: rules.keep] if rules.keep >= 0 else kept)
        ]
    return sorted_rows(np.array(found, np.float32).reshape(-1, 7))


def sorted_rows(rows: Array) -> Array:
    """By image, class, falling score, then box."""
    return rows[np.lexsort((*rows[:, :2:-1].T, -rows[:, 2], rows[:, 1], rows[:, 0]))]


def _decoded(rules: Rules, offsets: Array, places: Array, variances: Array) -> Array:
    ways: dict[int, Callable[[Array, Array], Array]] = {
        CORNER: lambda given, place: place + given,
        CORNER_SIZE: lambda given, place: place + given * np.tile(place[2:] - place[:2], 2),
        CENTER_SIZE: _from_center,
    }
    found = np.empty_like(places)
    for i, row in enumerate(offsets):
        for j, offset in enumerate(row):
            found[i, j] = ways[rules.code](offset if rules.in_target else offset * variances[i], places[i, j])
    return found


def _from_center(given: Array, place: Array) -> Array:
    side = place[2:] - place[:2]
    middle = given[:2] * side + (place[:2] + place[2:]) / 2
    half = np.exp(given[2:]) * side / 2
    return np.concatenate([middle - half, middle + half])


def _surviving(rules: Rules, boxes: Array, scores: Array) -> list[int]:
    order = [int(i) for i in np.argsort(-scores, kind="stable") if scores[i] > rules.threshold]
    kept: list[int] = []
    for i in order[: rules.top_k] if rules.top_k >= 0 else order:
        if all(_overlap(boxes[i], boxes[j]) <= rules.overlap for j in kept):
            kept.append(i)
    return kept


def _overlap(one: Array, other: Array) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    if sides.min() < 0:
        return 0.0
    both = float(np.prod(sides))
    return both / (float(np.prod(one[2:] - one[:2])) + float(np.prod(other[2:] - other[:2])) - both)

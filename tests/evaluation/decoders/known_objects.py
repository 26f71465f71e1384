"""Known objects, from which the tests make raw outputs in the words of the papers, and a comparison with the result."""

import math
from dataclasses import dataclass

import numpy as np

from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

SIZES = ((320, 320), (256, 416), (480, 352))  # height, width; the last two are not square
BLOCK = 64  # pixels; no two middles lie in the same cell of any grid


@dataclass(frozen=True)
class Known:
    left: float
    top: float
    right: float
    bottom: float
    score: float
    label: int

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def sides(self) -> tuple[float, float]:
        return self.right - self.left, self.bottom - self.top


def known_objects(seed: int, size: tuple[int, int], classes: int, count: int = 6) -> list[Known]:
    """Boxes with their middles in different blocks of the picture, each of another class or far from its like."""
    random = np.random.default_rng(seed)
    height, width = size
    blocks = [(row, column) for row in range(height // BLOCK) for column in range(width // BLOCK)]
    found = []
    for place in random.permutation(len(blocks))[:count]:
        row, column = blocks[place]
        x, y = (index * BLOCK + random.uniform(8, BLOCK - 8) for index in (column, row))
        half_w, half_h = random.uniform(6, 30, 2)
        score = float(random.uniform(0.3, 0.99))
        found.append(Known(x - half_w, y - half_h, x + half_w, y + half_h, score, int(random.integers(classes))))
    return sorted(found, key=lambda known: -known.score)


def context_of(outputs: dict[str, np.ndarray], size: tuple[int, int] | None, free=(), **more) -> Context:
    """`free`: names of outputs with their axes that the model leaves free."""
    settings = TaskSettings(**more.pop("settings", {}))
    shapes = {name: value.shape for name, value in outputs.items()}
    for name, axes in dict(free).items():
        shapes[name] = tuple(-1 if axis in axes else length for axis, length in enumerate(shapes[name]))
    return Context(outputs=shapes, input_size=size, settings=settings, **more)


def assert_found(found: Detections, known: list[Known], pixels: float = 0.5, labels_from: int = 0) -> None:
    """The very objects in the order of their scores, and nothing else."""
    assert len(found.scores) == len(known)
    assert found.boxes.dtype == np.float32 and found.labels.dtype == np.int64
    np.testing.assert_allclose(found.scores, [each.score for each in known], atol=2e-3)
    np.testing.assert_array_equal(found.labels, [each.label + labels_from for each in known])
    wanted = [[each.left, each.top, each.right, each.bottom] for each in known]
    np.testing.assert_allclose(found.boxes, np.reshape(wanted, (-1, 4)), atol=pixels)


def logit(share: float) -> float:
    """What a sigmoid must get to give this share."""
    return math.log(share) - math.log1p(-share)

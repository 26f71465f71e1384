"""Choose samples that are as unlike each other as possible."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Dataset, Sample, Subset
from calibench.datasets.subset import count_of, draw
from calibench.errors import DatasetError

FloatArray = NDArray[np.float32]
Features = Callable[[Sample], FloatArray]

SIDE = 16  # pixels of a thumbnail
MOST_LOOKED_AT = 20_000  # samples; of more, so many are drawn first, so that features stay below 70 MB
MOST_CHOSEN = 1_000  # samples that are chosen by their distance; the others follow at random
CHUNK = 2_048  # samples whose distances are computed at once: 6 MB
BUCKETS = 256


def choose_by_features(
    dataset: Dataset, subset: str, seed: int, features: Features | None = None, threads: int = 1
) -> Subset:
    """Choose one sample after the other, each the farthest from all that are chosen already.

    The first is drawn at random. A bigger subset begins with the smaller one.

    Args:
        subset: a share or a count, as in `subset.choose`.
        features: sample -> float32 [D], the same D for all; None: `look`.
        threads: that decode.

    Raises:
        SettingsError: `subset` is neither a share nor a count.
        DatasetError: the dataset is empty, or a sample cannot be read.

    Source: greedy k-centre (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5), at most twice the best radius.
    """
    total = len(dataset)
    if total == 0:
        raise DatasetError(f"{dataset.name}: no samples. Give a dataset with at least one.")
    count = count_of(subset, total)
    drawn = draw(total, seed)
    looked_at = Subset(dataset, drawn[:MOST_LOOKED_AT])
    measure = features or look
    points = np.stack([np.nan_to_num(measure(sample)) for sample in decode_ahead(looked_at, threads)])
    order = farthest_first(points.astype(np.float32, copy=False), min(count, MOST_CHOSEN))
    chosen = [drawn[place] for place in order]
    taken = set(chosen)
    rest = [index for index in drawn if index not in taken]
    return Subset(dataset, tuple([*chosen, *rest][:count]))


def farthest_first(points: FloatArray, count: int) -> list[int]:
    """Rows of `points`, beginning with the first, each the farthest from those before it; of equals the first.

    Args:
        points: float32 [N, D], finite.
        count: at most N.
    """
    chosen = [0]
    distances = np.full(len(points), np.inf, np.float32)
    while len(chosen) < min(count, len(points)):
        for start in range(0, len(points), CHUNK):
            rows = slice(start, start + CHUNK)
            apart = points[rows] - points[chosen[-1]]
            np.minimum(distances[rows], np.einsum("nd,nd->n", apart, apart), out=distances[rows])
        distances[chosen] = -1.0
        chosen.append(int(distances.argmax()))
    return chosen


def look(sample: Sample) -> FloatArray:
    """What a sample looks like, without a network: thumbnails of pictures, which tokens, the course of other values.

    Returns:
        float32 [D]; D depends on the inputs only, not on the lengths of their free axes.
    """
    return np.concatenate([_look(array) for _, array in sorted(sample.items())])


def _look(array: NDArray[np.generic]) -> FloatArray:
    if array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3):
        return _thumbnail(np.asarray(array[0], np.uint8))
    if array.dtype.kind in "iub":
        counts = np.bincount(array.astype(np.int64).ravel() % BUCKETS, minlength=BUCKETS)
        return np.asarray(np.sqrt(counts / max(counts.sum(), 1)), np.float32)
    values = array.astype(np.float32).ravel()
    if values.size == 0:
        return np.zeros(BUCKETS, np.float32)
    edges = np.linspace(0, values.size, BUCKETS + 1)[:-1].astype(np.int64)
    return np.asarray(np.add.reduceat(values, edges) / np.maximum(np.diff([*edges, values.size]), 1), np.float32)


def _thumbnail(pixels: NDArray[np.uint8]) -> FloatArray:
    """16 x 16 pixels in 0..1, and mean and spread of every channel, which weigh as much together."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel() / 255
    flat = pixels.reshape(-1, pixels.shape[2])
    course = np.concatenate([flat.mean(0), flat.std(0)]) / 255 * SIDE
    return np.concatenate([small, course.astype(np.float32)])

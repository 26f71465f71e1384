"""Four small networks for Fashion-MNIST, trained for this project; the pictures are of the Debian package (MIT)."""

import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.zoo.network import Array, Recipe, Sample, Truth
from benchmarks.zoo.scoring import same_class, top1
from calibench.demo.packages import fetch_deb
from calibench.demo.stamps import Part

FILES = Path(__file__).parents[3] / "tests/data/networks"
MEAN, SCALE = 0.286, 0.353  # of the training pictures with pixels from 0 to 1
SETS = {"calibration": "train", "validation": "t10k"}


def model_file(name: str, cache: Path) -> Path:
    """The file in the repository."""
    return FILES / f"{name}.onnx"


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Pictures float32 [1, 1, 28, 28] with their class: of the training set for calibration, else of the test set."""
    folder = fetch_deb("dataset-fashion-mnist", cache / "packages") / "usr/share/datasets/fashion-mnist"
    pixels = read_idx(folder / f"{SETS[part]}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{SETS[part]}-labels-idx1-ubyte.gz")
    for picture, label in zip(pixels, labels, strict=True):
        yield {"input": (picture[None, None].astype(np.float32) / 255 - MEAN) / SCALE}, np.array([label], np.int64)


def read_idx(path: Path) -> Array:
    """An array of a gzipped IDX file: two zeros, type 8 (uint8), rank, the sizes as big-endian int32, the values."""
    raw = gzip.decompress(path.read_bytes())
    rank = raw[3]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(np.frombuffer(raw, ">i4", rank, 4))


def _recipe(name: str, *, is_transformer: bool = False) -> Recipe:
    return Recipe(
        name=name,
        make_model=partial(model_file, name),
        draw=draw,
        counts=(300, 10_000),  # small networks: more held-out pictures cost little and show drops of 0.1 points
        metric="top-1, %",
        score=top1,
        agreement=same_class,
        is_transformer=is_transformer,
    )


MBV3 = _recipe("fashion-mbv3")
VIT = _recipe("fashion-vit", is_transformer=True)
RESNET8 = _recipe("fashion-resnet8")
MBV2_SWISH = _recipe("fashion-mbv2swish")

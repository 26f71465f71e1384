"""A network for Fashion-MNIST as a Caffe project: train_val.prototxt, its caffemodel, and an LMDB for each phase.

It is fashion-mbv2swish of the zoo, with depthwise convolutions and linear bottlenecks, whose channels have been made
uneven: FP32 computes the same, but one scale for all channels fits none of them.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.zoo.caffe.data_layers import data_layers, scoring_layers
from benchmarks.zoo.caffe.from_onnx import layers_of, linear_scales
from benchmarks.zoo.caffe.written import block, write_caffemodel, write_datums
from benchmarks.zoo.families import fashion
from benchmarks.zoo.network import Array
from calibench.demo.stamps import PARTS, Part

NAME = "fashion-mbv2swish"
BATCHES = {"TRAIN": 64, "TEST": 100}
COUNTS = {"TRAIN": 640, "TEST": 10_000}
SPREAD = 3.25  # channels of a bottleneck are multiplied by up to 9.5, or divided
INPUT = block("transform_param", scale=1 / (255 * fashion.SCALE), mean_value=255 * fashion.MEAN)


def write_fashion(folder: Path, cache: Path, counts: dict[str, int] = COUNTS, spread: float = SPREAD) -> Path:
    """Write the project into a folder that exists; gives the prototxt.

    Args:
        counts: pictures of the training and of the test set, by phase.
        spread: how uneven, in powers of two; 0: as the network was trained.

    Raises:
        DatasetError: the pictures cannot be fetched.
    """
    source = fashion.model_file(NAME, cache)
    text, weights, scores = layers_of(source, linear_scales(source, spread))
    lmdbs = {"TRAIN": "fashion_train_lmdb", "TEST": "fashion_test_lmdb"}
    for part, (phase, lmdb) in zip(PARTS, lmdbs.items(), strict=True):
        write_datums(folder / lmdb, islice(fashion_datums(cache, part), counts[phase]))
    whole = (
        "# A depthwise network for Fashion-MNIST, trained elsewhere.\n"
        f'name: "{NAME}"\n'
        + data_layers(lmdbs, BATCHES, f"{INPUT}  # pixels of mean 0 and deviation 1")
        + text
        + scoring_layers(scores)
    )
    path = folder / "train_val.prototxt"
    path.write_text(whole)
    write_caffemodel(folder / "fashion.caffemodel", NAME, weights)
    return path


def fashion_datums(cache: Path, part: Part) -> Iterator[tuple[Array, int]]:
    """Pictures uint8 [1, 28, 28] with their class."""
    for sample, truth in fashion.draw(cache, part):
        picture = np.rint((sample["input"][0] * fashion.SCALE + fashion.MEAN) * 255)
        yield picture.astype(np.uint8), int(truth[0])

"""A Caffe project that INT8 ruins whatever is given back: it ends every search with the limit missed.

Pictures have one bright quarter, and the network says which: it averages the quarters (values up to 1) and carries
them through two convolutions beside a channel that is always 1000. One step of 8 bits is then 4, so each of the two,
alone in INT8, makes all quarters equal. FP32 is right on every picture; INT8 says the same of every one.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.caffe.data_layers import data_layers, scoring_layers
from benchmarks.zoo.caffe.written import block, layer, write_caffemodel, write_datums
from benchmarks.zoo.network import Array

SIDE, QUARTERS = 8, 4
HUGE = 1000.0
BATCHES = {"TRAIN": 8, "TEST": 8}
SEEDS = {"TRAIN": 1, "TEST": 2}


def write_hostile(folder: Path, count: int = 64) -> Path:
    """Write train_val.prototxt, hostile.caffemodel and an LMDB for each phase into a folder; gives the prototxt.

    Args:
        count: pictures of a phase.
    """
    lmdbs = {phase: f"{phase.lower()}_lmdb" for phase in BATCHES}
    for phase, lmdb in lmdbs.items():
        write_datums(folder / lmdb, bright_quarters(count, SEEDS[phase]))
    channels = QUARTERS + 1
    middle = ""
    for number, bottom in ((1, "data"), (2, "conv1"), (3, "conv2")):
        size = SIDE if number == 1 else 1
        shape = block("convolution_param", num_output=channels if number < 3 else QUARTERS, kernel_size=size)
        middle += layer(f"conv{number}", "Convolution", [bottom], f"conv{number}", shape)
        if number < 3:
            middle += layer(f"relu{number}", "ReLU", [f"conv{number}"], f"conv{number}")
    scaled = block("transform_param", scale=1 / 255)
    text = 'name: "hostile"\n' + data_layers(lmdbs, BATCHES, scaled) + middle + scoring_layers("conv3", (1, 2))
    path = folder / "train_val.prototxt"
    path.write_text(text)
    write_caffemodel(folder / "hostile.caffemodel", "hostile", hostile_weights())
    return path


def hostile_weights() -> dict[str, tuple[str, list[Array]]]:
    """Quarters averaged, and the channel of HUGE beside them; then carried on as they are; then without it."""
    channels, half = QUARTERS + 1, SIDE // 2
    first = np.zeros((channels, 1, SIDE, SIDE), np.float32)
    for quarter in range(QUARTERS):
        top, left = half * (quarter // 2), half * (quarter % 2)
        first[quarter, 0, top : top + half, left : left + half] = 1 / half**2
    carried = np.eye(channels, dtype=np.float32)[:, :, None, None]
    nothing = np.zeros(channels, np.float32)
    return {
        "conv1": ("Convolution", [first, np.array([0.0] * QUARTERS + [HUGE], np.float32)]),
        "conv2": ("Convolution", [carried, nothing]),
        "conv3": ("Convolution", [carried[:QUARTERS], nothing[:QUARTERS]]),
    }


def bright_quarters(count: int, seed: int) -> Iterator[tuple[Array, int]]:
    """Noise uint8 [1, SIDE, SIDE], with its brightest quarter; all are brightest equally often."""
    random, half = np.random.default_rng(seed), SIDE // 2
    for number in range(count):
        label = number % QUARTERS
        picture = random.integers(0, 128, (1, SIDE, SIDE))
        top, left = half * (label // 2), half * (label % 2)
        picture[0, top : top + half, left : left + half] += 100
        yield picture.astype(np.uint8), label

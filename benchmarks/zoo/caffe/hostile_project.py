"""A Caffe project that INT8 ruins whatever is given back: it ends every search with the limit missed.

Pictures have one quarter that is a little brighter, and the network says which: it averages the quarters (they differ
by 0.15), adds 1000 times the brightness of the whole picture to each, and carries them on. That changes nothing in
which is the highest, but one step of 8 bits is then about 3: each of the two later convolutions, alone in INT8, makes
nearly all quarters equal. FP32 is right on every picture. By signal and noise the layers look fine, so nothing leaves
them in float beforehand.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.caffe.data_layers import data_layers, scoring_layers
from benchmarks.zoo.caffe.written import block, layer, write_caffemodel, write_datums
from benchmarks.zoo.network import Array

SIDE, QUARTERS = 8, 4
SHARED = 1000.0  # how much of the brightness of the whole picture is added to every quarter
BRIGHTER = 40  # of 255
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
        shape = block("convolution_param", num_output=channels if number == 1 else QUARTERS, kernel_size=size)
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
    """The quarters and the whole averaged; the whole added to every quarter; then carried on as they are."""
    channels, half = QUARTERS + 1, SIDE // 2
    first = np.zeros((channels, 1, SIDE, SIDE), np.float32)
    for quarter in range(QUARTERS):
        top, left = half * (quarter // 2), half * (quarter % 2)
        first[quarter, 0, top : top + half, left : left + half] = 1 / half**2
    first[QUARTERS] = SHARED / SIDE**2
    carried = np.eye(channels, dtype=np.float32)[:QUARTERS, :, None, None]
    added = carried.copy()
    added[:, QUARTERS] = 1
    nothing = np.zeros(channels, np.float32)
    return {
        "conv1": ("Convolution", [first, nothing]),
        "conv2": ("Convolution", [added, nothing[:QUARTERS]]),
        "conv3": ("Convolution", [carried[:, :QUARTERS], nothing[:QUARTERS]]),
    }


def bright_quarters(count: int, seed: int) -> Iterator[tuple[Array, int]]:
    """Noise uint8 [1, SIDE, SIDE] of any brightness, with its brightest quarter; each is that equally often."""
    random, half = np.random.default_rng(seed), SIDE // 2
    for number in range(count):
        label = number % QUARTERS
        picture = random.integers(0, 50, (1, SIDE, SIDE)) + random.integers(0, 160)
        top, left = half * (label // 2), half * (label % 2)
        picture[0, top : top + half, left : left + half] += BRIGHTER
        yield picture.astype(np.uint8), label

"""Small SSD networks with random weights, written as prototxt and caffemodel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.zoo.caffe.written import write_caffemodel

Weights = dict[str, list[np.ndarray]]

CHANNELS = 8


@dataclass(frozen=True)
class Head:
    """What stands on one feature map.

    Attributes:
        prior: inside of prior_box_param.
        boxes: how many it makes at one place.
        is_normalized: a Normalize layer lies in front.
    """

    source: str
    prior: str
    boxes: int
    is_normalized: bool = False


@dataclass(frozen=True)
class Ssd:
    """An SSD of three feature maps: 1/2, 1/4 and 1/8 of the picture.

    Attributes:
        detection: inside of detection_output_param without num_classes.
    """

    heads: tuple[Head, ...]
    detection: str
    classes: int = 4
    height: int = 48
    width: int = 64
    shared: bool = True


def write_ssd(folder: Path, ssd: Ssd, seed: int = 0) -> tuple[Path, Path]:
    """The files of a network: prototxt and caffemodel."""
    numbers = np.random.default_rng(seed)
    weights: Weights = {}
    text = [f"name: 'ssd' input: 'data' input_dim: 1 input_dim: 3 input_dim: {ssd.height} input_dim: {ssd.width}"]
    bottom, channels = "data", 3
    for name in ("conv1", "conv2", "conv3"):
        text.append(_convolution(name, bottom, CHANNELS, "stride: 2"))
        text.append(f"layer {{ name: '{name}_relu' type: 'ReLU' bottom: '{name}' top: '{name}' }}")
        weights[name] = _filters(numbers, CHANNELS, channels)
        bottom, channels = name, CHANNELS
    for head in ssd.heads:
        text += _head(ssd, head, numbers, weights)
    text += _collected(ssd)
    prototxt, caffemodel = folder / "ssd.prototxt", folder / "ssd.caffemodel"
    prototxt.write_text("\n".join(text) + "\n")
    write_caffemodel(caffemodel, "ssd", {name: (_type_of(name), blobs) for name, blobs in weights.items()})
    return prototxt, caffemodel


def _type_of(name: str) -> str:
    return "Normalize" if name.endswith("_norm") else "Convolution"


def _filters(numbers: np.random.Generator, outputs: int, inputs: int) -> list[np.ndarray]:
    return [numbers.normal(0, 0.25, (outputs, inputs, 3, 3)), numbers.normal(0, 0.1, outputs)]


def _convolution(name: str, bottom: str, outputs: int, rest: str = "") -> str:
    params = f"convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 {rest} }}"
    return f"layer {{ name: '{name}' type: 'Convolution' bottom: '{bottom}' top: '{name}' {params} }}"


def _head(ssd: Ssd, head: Head, numbers: np.random.Generator, weights: Weights) -> list[str]:
    source, text = head.source, []
    if head.is_normalized:
        source = f"{head.source}_norm"
        params = "norm_param { across_spatial: false channel_shared: false }"
        text.append(f"layer {{ name: '{source}' type: 'Normalize' bottom: '{head.source}' top: '{source}' {params} }}")
        weights[source] = [numbers.uniform(2, 6, CHANNELS)]
    for kind, each in (("loc", 4 if ssd.shared else 4 * ssd.classes), ("conf", ssd.classes)):
        name = f"{head.source}_{kind}"
        weights[name] = _filters(numbers, head.boxes * each, CHANNELS)
        text.append(_convolution(name, source, head.boxes * each))
        order = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
        text.append(f"layer {{ name: '{name}_perm' type: 'Permute' bottom: '{name}' top: '{name}_perm' {order} }}")
        flat = f"bottom: '{name}_perm' top: '{name}_flat' flatten_param {{ axis: 1 }}"
        text.append(f"layer {{ name: '{name}_flat' type: 'Flatten' {flat} }}")
    prior = f"bottom: '{source}' bottom: 'data' top: '{head.source}_prior' prior_box_param {{ {head.prior} }}"
    return [*text, f"layer {{ name: '{head.source}_prior' type: 'PriorBox' {prior} }}"]


def _collected(ssd: Ssd) -> list[str]:
    text = []
    for kind, part, axis in (("loc", "_flat", 1), ("conf", "_flat", 1), ("prior", "", 2)):
        bottoms = " ".join(f"bottom: '{head.source}_{kind}{part}'" for head in ssd.heads)
        params = f"concat_param {{ axis: {axis} }}"
        text.append(f"layer {{ name: 'mbox_{kind}' type: 'Concat' {bottoms} top: 'mbox_{kind}' {params} }}")
    shape = f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {ssd.classes} }} }}"
    rule = f"num_classes: {ssd.classes} background_label_id: 0 {ssd.detection} "
    rule += f"share_location: {str(ssd.shared).lower()}"
    rest = [
        f"name: 'reshaped' type: 'Reshape' bottom: 'mbox_conf' top: 'reshaped' {shape}",
        "name: 'softmax' type: 'Softmax' bottom: 'reshaped' top: 'softmax' softmax_param { axis: 2 }",
        "name: 'scores' type: 'Flatten' bottom: 'softmax' top: 'scores' flatten_param { axis: 1 }",
        "name: 'detection_out' type: 'DetectionOutput' bottom: 'mbox_loc' bottom: 'scores' bottom: 'mbox_prior' "
        f"top: 'detection_out' detection_output_param {{ {rule} }} include {{ phase: TEST }}",
    ]
    return text + [f"layer {{ {line} }}" for line in rest]


def filled_rows(values: np.ndarray) -> np.ndarray:
    """Rows [M, 7] in one order for all libraries: up to the image of -1, or to the padding of zeros."""
    rows = values.reshape(-1, 7)
    ends = np.flatnonzero((rows[:, 0] < 0) | ~rows.any(axis=1))
    return in_one_order(rows[: ends[0]] if len(ends) else rows)


def in_one_order(rows: np.ndarray) -> np.ndarray:
    """By image, class, then falling score."""
    return rows[np.lexsort((-rows[:, 2], rows[:, 1], rows[:, 0]))]


# What Caffe has defaults for stands there where OpenCV's differ, or where it demands it (clip, offset, share_location).
HEADS: Sequence[Head] = (
    Head(
        "conv1",
        "min_size: 8 max_size: 16 aspect_ratio: 2 step: 2 offset: 0.5 clip: false "
        "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2",
        4,
        is_normalized=True,
    ),
    Head("conv2", "min_size: 16 max_size: 30 aspect_ratio: 2 aspect_ratio: 3 variance: 0.1 clip: false", 6),
    Head("conv3", "min_size: 30 min_size: 40 aspect_ratio: 2 flip: false variance: 0.1 clip: false", 4),
)

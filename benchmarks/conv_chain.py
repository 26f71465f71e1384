"""A chain of convolutions of any length in which a few layers break in INT8, with samples to calibrate and judge it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops
from scipy.linalg import hadamard

from calibench.datasets.dataset import Arrays
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import physical_cores

Floats = NDArray[np.float32]

CHANNELS, SIDE = 16, 4
SLOPE = 0.9
"""Of the activation for negative values: with 0 the answer would no longer depend on the sample after 200 layers."""
COLOURS, SPREAD, JITTER, NOISE = 8, 1.0, 0.55, 0.25
"""Of the samples, and by how much a sample differs from its colour: how many of them are near a border of classes."""
BAD = 4
"""Layers that break, whatever the length of the chain."""
UNEVEN = 64.0
"""By how much one channel in front of a bad layer is larger than the others: one step of INT8 for all of them then
leaves the others about one bit and a half."""


@dataclass(frozen=True)
class Chain:
    """A network with both sets; `bad`: names of the layers that break."""

    graph: ov.Model
    calibration: Arrays
    validation: Arrays
    bad: tuple[str, ...]


def make_chain(layers: int, samples: tuple[int, int] = (100, 1000), seed: int = 0) -> Chain:
    """A chain of `layers` convolutions, the answers of FP32 taken for true.

    Every bad one is made by a change that leaves the function of FP32 as it is: one
    channel in front of it is multiplied, and its own weights for that channel are divided by the same number.
    """
    random = np.random.default_rng([seed, layers])
    bad = tuple(int(place) for place in np.linspace(1, layers - 2, BAD).round())
    calibration, validation = (_pictures(random, count) for count in samples)
    graph = _with_head(_body(layers, bad, random), calibration)
    compiled = compile_for_samples(graph, "CPU", physical_cores())
    labels = tuple(int(np.argmax(outputs[0])) for outputs in infer_all(compiled, iter(validation)))
    return Chain(graph, Arrays(calibration), Arrays(validation, labels), tuple(f"conv{place}" for place in bad))


def save_chain(chain: Chain, folder: Path) -> Path:
    """The model file."""
    path = folder / "chain.xml"
    ov.save_model(chain.graph, path, compress_to_fp16=False)
    return path


def _body(layers: int, bad: tuple[int, ...], random: np.random.Generator) -> ov.Model:
    image = ops.parameter([1, 3, SIDE, SIDE], np.float32, name="image")
    image.output(0).get_tensor().set_names({"image"})
    node = _layer(image, _turning(random)[:, :3], np.zeros(CHANNELS, np.float32), "stem")
    scale = np.ones(CHANNELS, np.float32)
    for number in range(layers):
        weights, bias = _turning(random) / scale, random.normal(0, 0.05, CHANNELS).astype(np.float32)
        scale = np.ones(CHANNELS, np.float32)
        if number + 1 in bad:
            scale[random.integers(CHANNELS)] = UNEVEN
        node = _layer(node, weights * scale[:, None], bias * scale, f"conv{number}")
    pooled = ops.reshape(ops.reduce_mean(node, ops.constant([2, 3]), False), ops.constant([1, CHANNELS]), False)
    return ov.Model([ops.result(pooled)], [image], "chain")


def _with_head(body: ov.Model, samples: list[dict[str, Floats]]) -> ov.Model:
    """One class for each colour: the one whose pooled values lie nearest on average."""
    compiled = compile_for_samples(body, "CPU", physical_cores())
    pooled = np.concatenate([each[0] for each in infer_all(compiled, iter(samples))])
    middles = np.stack([pooled[number::COLOURS].mean(axis=0) for number in range(COLOURS)])
    middle = middles.mean(axis=0)
    weights = (middles - middle).T
    biases = -((middles - middle) ** 2).sum(axis=1) / 2 - middle @ weights
    scores = ops.matmul(body.results[0].input_value(0), ops.constant(weights), False, False, name="head")
    scores = ops.add(scores, ops.constant(biases[None]), name="head/bias")
    scores.output(0).get_tensor().set_names({"scores"})
    return ov.Model([ops.result(scores)], body.get_parameters(), "chain")


def _layer(node: ov.Node, weights: Floats, bias: Floats, name: str) -> ov.Node:
    """A convolution of 1 x 1 with its bias, and an activation that passes negative values weakened."""
    kernel = ops.constant(np.ascontiguousarray(weights[..., None, None], np.float32))
    conv = ops.convolution(node, kernel, [1, 1], [0, 0], [0, 0], [1, 1], name=name)
    biased = ops.add(conv, ops.constant(bias.reshape(1, -1, 1, 1)), name=f"{name}/bias")
    return ops.prelu(biased, ops.constant(np.array([SLOPE], np.float32)), name=f"{name}/prelu")


def _turning(random: np.random.Generator) -> Floats:
    """Weights [CHANNELS, CHANNELS] that turn the channels and make good what the activation takes.

    All have one size, so that INT8 holds them exactly: only the bad layers lose anything but a step of an activation.
    """
    turned = hadamard(CHANNELS)[random.permutation(CHANNELS)] * random.choice([-1.0, 1.0], CHANNELS)
    return np.asarray(turned / (CHANNELS * (1 + SLOPE**2) / 2) ** 0.5, np.float32)


def _pictures(random: np.random.Generator, count: int) -> list[dict[str, Floats]]:
    """Noise float32 [1, 3, SIDE, SIDE] in one of a few colours, more or less, in turn."""
    colours = np.array([[number & 1, number & 2, number & 4] for number in range(COLOURS)]) > 0
    found = []
    for number in range(count):
        colour = SPREAD * (2.0 * colours[number % COLOURS] - 1) + random.normal(0, JITTER, 3)
        pixels = colour[None, :, None, None] + NOISE * random.normal(0, 1, (1, 3, SIDE, SIDE))
        found.append({"image": pixels.astype(np.float32)})
    return found

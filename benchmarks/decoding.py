"""Does decoding keep up with inference? Images a second, each alone and both together.

python -m benchmarks.decoding [--pictures 300] [--rounds 5] [--json FILE]

Drawn JPEG files of 640 x 480 go through networks of random weights, one faster and one slower than decoding, on the
CPU. There both share the cores, so that the most that both can reach is 1 / (1 / decoding + 1 / inference), each alone
on all cores; "of the possible" is the share of that. "Waiting" is the share of the time in which the one who feeds the
network waits for a sample: of a network slower than decoding it must be near 0.

Modes are measured in turns; the table says the median over the rounds, the least and the greatest. Other programs on
the machine make all of it meaningless but the waiting.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as op
from PIL import Image

from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Dataset, Sample, Subset
from calibench.datasets.detect import read_dataset
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.inference.runner import compile_for_samples, infer_batches
from calibench.machine import physical_cores
from calibench.settings import Settings

NETWORKS = {"fast": (16, 1), "slow": (96, 6)}
"""Channels and layers."""
SIZE = 224  # pixels, both sides of the input


def network(channels: int, layers: int) -> ov.Model:
    """Convolutions 3 x 3 of random weights behind one of stride 4."""
    rng = np.random.default_rng(0)
    image = op.parameter([-1, 3, SIZE, SIZE], np.float32, name="image")
    image.get_output_tensor(0).set_names({"image"})
    node, depth = image, 3
    for layer in range(layers + 1):
        stride = 4 if layer == 0 else 1
        weights = rng.normal(0, (2 / (9 * depth)) ** 0.5, (channels, depth, 3, 3)).astype(np.float32)
        node = op.relu(op.convolution(node, op.constant(weights), [stride] * 2, [1, 1], [1, 1], [1, 1]))
        depth = channels
    return ov.Model([op.result(op.reduce_mean(node, op.constant([2, 3]), False))], [image], "net")


def draw_pictures(folder: Path, count: int) -> None:
    """JPEG files of 640 x 480 with the spectrum of photographs."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(480)[:, None], np.fft.rfftfreq(640)[None])
    frequency[0, 0] = 1
    for number in range(count):
        noise = np.fft.rfft2(rng.standard_normal((480, 640, 3)), axes=(0, 1)) / frequency[..., None]
        values = np.fft.irfft2(noise, s=(480, 640), axes=(0, 1))
        pixels = np.clip(values / values.std() * 50 + 128, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.jpg", quality=90)


def one_by_one(dataset: Dataset) -> Iterator[Sample]:
    """Decoded by the one who feeds the network, as it was before."""
    return (dataset[number] for number in range(len(dataset)))


@dataclass
class Watched:
    """Samples, and how long their taker waited for them."""

    samples: Iterator[Sample]
    waited: float = 0.0

    def __iter__(self) -> Iterator[Sample]:
        while True:
            start = time.perf_counter()
            sample = next(self.samples, None)
            self.waited += time.perf_counter() - start
            if sample is None:
                return
            yield sample


@dataclass(frozen=True)
class Mode:
    """One way through the samples: `samples` makes them anew, `compiled` takes them if it is there."""

    samples: Callable[[], Iterator[Sample]]
    compiled: ov.CompiledModel | None = None

    def run(self) -> tuple[float, float]:
        """Images a second, and the share of the time that was spent waiting for samples."""
        watched = Watched(self.samples())
        start = time.perf_counter()
        taken: Iterable[object] = watched if self.compiled is None else infer_batches(self.compiled, watched, 1)
        count = sum(1 for _ in taken)
        seconds = time.perf_counter() - start
        return count / seconds, watched.waited / seconds


def modes(compiled: ov.CompiledModel, dataset: Dataset, threads: int) -> dict[str, Mode]:
    """What is measured."""
    decoded = [dataset[number] for number in range(min(32, len(dataset)))]
    return {
        "decode, 1 thread": Mode(lambda: decode_ahead(dataset, 1)),
        "decode": Mode(lambda: decode_ahead(dataset, threads)),
        "infer": Mode(lambda: (decoded[number % len(decoded)] for number in range(len(dataset))), compiled),
        "both, one by one": Mode(lambda: one_by_one(dataset), compiled),
        "both, ahead": Mode(lambda: decode_ahead(dataset, threads), compiled),
    }


def measure(ways: dict[str, Mode], rounds: int) -> dict[str, dict[str, float]]:
    """The table of one network: what -> median, least and greatest over the rounds, the modes in turns."""
    results: dict[str, list[float]] = {}
    for _ in range(rounds):
        speed: dict[str, float] = {}
        for name, way in ways.items():
            speed[name], waiting = way.run()
            results.setdefault(name, []).append(speed[name])
            if name.startswith("both"):
                results.setdefault(f"{name}: waiting", []).append(waiting)
        most = 1 / (1 / speed["decode"] + 1 / speed["infer"])
        for name in ("both, one by one", "both, ahead"):
            results.setdefault(f"{name}: of the possible", []).append(speed[name] / most)
    return {name: summary(values) for name, values in results.items()}


def summary(values: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    threads = physical_cores()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        draw_pictures(Path(name), asked.pictures)
        for title, (channels, layers) in NETWORKS.items():
            model = network(channels, layers)
            plan: InputPlan = plan_inputs(model, Settings())
            dataset = read_dataset(Path(name), plan)
            compiled = compile_for_samples(plan.attach(model), "CPU", threads)
            measure(modes(compiled, Subset(dataset, tuple(range(min(20, len(dataset))))), threads), 1)  # warm up
            results[title] = measure(modes(compiled, dataset, threads), asked.rounds)
    for title, rows in results.items():
        for each, values in rows.items():
            print(f"{title:5} {each:36} {values['median']:8.2f}  ({values['least']:.2f} .. {values['greatest']:.2f})")
    if asked.json:
        asked.json.write_text(json.dumps({"threads": threads, "networks": results}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Print what each network is and how well it does in FP32: `python -m benchmarks.zoo [CACHE] [NAME ...]`."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import openvino as ov

from benchmarks.zoo.network import Array, Network, Sample
from benchmarks.zoo.zoo import NETWORKS, load

WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
DEFAULT_CACHE = ".cache/zoo"
TIMED = 20  # runs of the first sample; the fastest counts


def run(model: ov.CompiledModel, samples: Sequence[Sample]) -> Iterator[dict[str, Array]]:
    """Outputs by name of each sample, in order."""
    for sample in samples:
        yield {port.get_any_name(): np.array(tensor) for port, tensor in model(sample).items()}


def fastest_ms(model: ov.CompiledModel, sample: Sample) -> float:
    """Milliseconds of the fastest of some runs."""
    request, times = model.create_infer_request(), []
    for _ in range(TIMED):
        start = time.perf_counter()
        request.infer(sample)
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def row(network: Network) -> str:
    """One line of the table."""
    model = ov.Core().read_model(network.model)
    layers = sum(node.get_type_name().removesuffix("BackpropData") in WEIGHTED for node in model.get_ops())
    model.reshape({name: values.shape for name, values in network.calibration[0].items()})
    compiled = ov.Core().compile_model(model, "CPU", EXACT)
    score = "-"
    if network.score is not None:
        score = f"{network.score(list(run(compiled, network.heldout))):.2f} {network.metric}"
    counts = f"{len(network.calibration)}/{len(network.heldout)}"
    return f"{network.name:20} {counts:>10} {layers:>6} {fastest_ms(compiled, network.calibration[0]):8.2f}  {score}"


def main(arguments: Sequence[str]) -> None:
    """Print the table for the named networks, or all."""
    cache = Path(arguments[0] if arguments else DEFAULT_CACHE)
    print(f"{'network':20} {'samples':>10} {'layers':>6} {'fp32 ms':>8}  score")
    for name in arguments[1:] or NETWORKS:
        print(row(load(name, cache)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

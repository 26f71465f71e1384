"""Peak memory of a calibration and of a plain FP32 pass over the same samples, each in a process of its own.

python -m benchmarks.peak_memory NETWORK plain|performance|mixed CACHE
"""

import subprocess
import sys
from pathlib import Path

MODES = ("plain", "performance", "mixed")


def peak_mb(network: str, mode: str, cache: Path) -> float:
    """Peak resident memory in MB of a fresh process that does the one thing."""
    command = [sys.executable, "-m", "benchmarks.peak_memory", network, mode, str(cache)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main(network_name: str, mode: str, cache: str) -> None:
    """Do it and print the peak."""
    from benchmarks.zoo import load
    from calibench.datasets.dataset import Arrays
    from calibench.datasets.inputs import plan_inputs
    from calibench.inference.runner import compile_for_samples, infer_all
    from calibench.machine import peak_rss_mb, physical_cores
    from calibench.models.normalise import normalise
    from calibench.models.read import read_model
    from calibench.progress import silent
    from calibench.quantizers.quantize import quantize
    from calibench.settings import make_settings

    network = load(network_name, Path(cache))
    source = read_model(network.model)
    if mode == "plain":
        for _ in infer_all(compile_for_samples(source.graph, "CPU", physical_cores()), iter(network.calibration)):
            pass
    else:
        settings = make_settings({"preset": mode})
        plan = plan_inputs(source.graph, settings, images=False)
        graph = normalise(source.graph)
        quantize(graph, Arrays(network.calibration), settings, plan, physical_cores(), silent)
    print(peak_rss_mb())


if __name__ == "__main__":
    main(*sys.argv[1:4])

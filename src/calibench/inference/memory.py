"""What a model adds to the memory of a process, measured in a fresh one.

Run as a program, `python -m calibench.inference.memory`, it is that process: it loads a model, runs it, and prints MB.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.inference.requests import compile_at, filled_request
from calibench.machine import MB, peak_rss_mb

TIMEOUT = 120.0
"""Seconds; a model that takes longer to load is not worth the wait for one figure."""
RUNS = 3
"""Inferences: the second may still allocate what the first did not need."""


def model_memory_mb(
    model: ov.Model | Path,
    sample: Sample,
    device: str = "CPU",
    precision: str | None = None,
    threads: int | None = None,
    timeout: float = TIMEOUT,
) -> float | None:
    """What reading, compiling and running a model adds to a fresh process at its peak, in MB.

    What the runtime itself takes is not counted: a tiny model is run before.

    Args:
        model: in memory, or a file that OpenVINO reads.
        sample: as the model takes it.
        precision: INFERENCE_PRECISION_HINT; None: the device's own choice.
        threads: None: the runtime's own choice.
        timeout: seconds.

    Returns:
        None where it cannot be told: the process failed, took too long, or the system does not say.
    """
    with tempfile.TemporaryDirectory(prefix="calibench-") as name:
        folder = Path(name)
        try:
            path = model.resolve() if isinstance(model, Path) else _saved(model, folder / "model.xml")
            np.savez(folder / "sample.npz", *sample.values())  # by number: an input may be called "file"
            asked = {"inputs": list(sample), "device": device, "precision": precision, "threads": threads}
            done = subprocess.run(
                [sys.executable, "-m", __name__, str(path), "sample.npz", json.dumps(asked)],
                capture_output=True,
                text=True,
                timeout=timeout,
                check=True,
                stdin=subprocess.DEVNULL,
                cwd=folder,  # Python would import what lies in the current folder
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            found = float(done.stdout.split()[-1])
        except (OSError, RuntimeError, ValueError, IndexError, subprocess.SubprocessError):
            return None
    return found if found > 0 else None


def _saved(model: ov.Model, path: Path) -> Path:
    ov.save_model(model, path, compress_to_fp16=False)
    return path


def _measured(path: Path, sample: Sample, device: str, precision: str | None, threads: int | None) -> float:
    """In this process: the peak while the model is read, compiled and run, above what was held before; MB."""
    hints = {"PERFORMANCE_HINT": "LATENCY"}
    data = ov.opset13.parameter([1, 4], np.float32)
    weights = np.eye(4, dtype=np.float32)
    tiny = ov.Model([ov.opset13.matmul(data, weights, False, False)], [data], "tiny")
    compile_at(tiny, device, precision, threads, hints).create_infer_request().infer([np.ones((1, 4), np.float32)])
    before = _rss_mb()
    request = filled_request(compile_at(ov.Core().read_model(path), device, precision, threads, hints), [sample], 1)
    for _ in range(RUNS):
        request.infer(share_outputs=True)
    return peak_rss_mb() - before


def _rss_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / MB


def _main(path: str, arrays: str, asked: str) -> None:
    values = json.loads(asked)
    with np.load(arrays) as held:
        sample = {name: held[f"arr_{number}"] for number, name in enumerate(values.pop("inputs"))}
    print(_measured(Path(path), sample, **values))


if __name__ == "__main__":
    _main(*sys.argv[1:])

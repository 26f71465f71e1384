"""Choose a recipe by the output error on samples that were used for nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import Outputs, infer_all

COMPARED_VALUES = 16384
"""Values of an output that are compared, spread over it: keeps memory flat for networks that make pictures."""

Thinned = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Trial:
    """A recipe and its output error on the samples kept apart.

    Attributes:
        error_db: noise over signal, in dB, averaged over the outputs; lower is better.
    """

    recipe: str
    error_db: float
    samples: int


def thin(outputs: Outputs) -> Thinned:
    """At most COMPARED_VALUES of every output, at regular places."""
    flat = (np.asarray(output, dtype=np.float32).reshape(-1) for output in outputs)
    return tuple(values[:: max(1, -(-values.size // COMPARED_VALUES))].copy() for values in flat)


def try_out(name: str, compiled: ov.CompiledModel, samples: Dataset, references: Sequence[Thinned]) -> Trial:
    """Run an INT8 model on the samples kept apart.

    Args:
        compiled: the INT8 model with the outputs of `expose`.
        references: what the FP32 model made of the same samples, from the same outputs.
    """
    noise = np.zeros(len(references[0]))
    signal = np.zeros(len(references[0]))
    results = infer_all(compiled, (samples[i] for i in range(len(samples))))
    for reference, outputs in zip(references, results, strict=True):
        for i, (exact, values) in enumerate(zip(reference, thin(outputs), strict=True)):
            power = float((exact.astype(np.float64) ** 2).sum())
            alike = values.size == exact.size  # a list of findings may have another length: then nothing is right
            noise[i] += float(((values - exact).astype(np.float64) ** 2).sum()) if alike else power
            signal[i] += power
    ratio = np.maximum(noise, 1e-30) / np.maximum(signal, 1e-30)
    error = float(np.mean(10 * np.log10(ratio)))
    return Trial(name, error if np.isfinite(error) else float("inf"), len(references))

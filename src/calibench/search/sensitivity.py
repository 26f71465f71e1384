"""Which layers cost accuracy in INT8: the output error of each alone, found without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Arrays, Dataset
from calibench.errors import DatasetError
from calibench.models.graph import multiply_adds_of, operations
from calibench.progress import Progress, silent
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.run import Run
from calibench.search.fork_errors import fork_errors
from calibench.search.forks import NoBatchError
from calibench.search.own_errors import own_errors_of
from calibench.search.single_layers import single_errors
from calibench.search.twins import twins
from calibench.search.values import Ranked

SAMPLES = 8
"""Samples on which layers are ranked, spread over the set."""


def rank(
    graph: ov.Model,
    quantization: Quantization,
    options: WeightOptions,
    samples: Dataset,
    run: Run,
    candidates: int = 24,
    progress: Progress = silent,
) -> tuple[Ranked, ...]:
    """All quantized layers, the one that costs most first.

    Args:
        graph: the normalised FP32 graph; not changed.
        samples: without annotations; SAMPLES of them are taken.
        candidates: layers whose output error is measured: those with the largest own error. The others follow.

    Returns:
        `drop` is 0 and `saves_ms` unknown: they are not known here.

    Raises:
        DatasetError: a sample cannot be read, or there is none.
        ShapeError: a sample has another shape than `run` expects.
    """
    taken = spread(samples, SAMPLES)
    rounded = twins(graph, quantization, options)
    few = replace(run, threads=min(run.threads, len(taken)))  # a stream that gets no sample is compiled for nothing
    own = own_errors_of(graph, rounded, taken, few)
    chosen = sorted(own, key=lambda name: -own[name])[:candidates]
    try:
        errors = fork_errors(graph, rounded, chosen, taken, run, progress)
    except NoBatchError:
        errors = single_errors(graph, quantization, options, chosen, taken, run, progress)
    index = operations(run.copy(graph))
    macs = {name: multiply_adds_of(index[name]) for name in own}
    return _ranked(own, errors, macs)


def spread(samples: Dataset, count: int) -> Arrays:
    """At most `count` samples at regular places of the set, read once.

    Raises:
        DatasetError: there is none, or one cannot be read.
    """
    if len(samples) == 0:
        raise DatasetError(f"{samples.name}: no samples to rank layers by. Give a dataset with at least one.")
    places = np.linspace(0, len(samples), min(count, len(samples)), endpoint=False).astype(int)
    return Arrays([samples[int(i)] for i in places])


def _ranked(own: Mapping[str, float], errors: Mapping[str, float], macs: Mapping[str, int]) -> tuple[Ranked, ...]:
    """Measured layers by their output error, then the others by their own."""
    gain = float(np.median([errors[name] - own[name] for name in errors])) if errors else 0.0
    estimated = {name: errors.get(name, own[name] + gain) for name in own}
    noise = {name: 10 ** (error / 10) for name, error in estimated.items()}
    total = max(sum(noise.values()), 1e-30)
    order: Sequence[str] = sorted(own, key=lambda name: (name not in errors, -estimated[name]))
    return tuple(Ranked(name, errors.get(name), own[name], noise[name] / total, 0.0, macs[name]) for name in order)

"""The output error of the FP32 network with one layer in INT8: one compiled model a layer, on the real kernels."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import infer_all
from calibench.models.logits import expose
from calibench.progress import Progress, silent
from calibench.quantizers.choose import Thinned, thin
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import WeightOptions, insert
from calibench.quantizers.restrict import quantizable, without
from calibench.quantizers.run import Run
from calibench.search.own_errors import decibels

OTHERS = "only one layer is looked at"


def single_errors(
    graph: ov.Model,
    quantization: Quantization,
    options: WeightOptions,
    names: Sequence[str],
    samples: Dataset,
    run: Run,
    progress: Progress = silent,
) -> dict[str, float]:
    """Noise over signal of the outputs, in front of a final softmax, in dB, by name: for networks without a batch.

    Models are compiled and run in `run.threads` workers of one thread each.
    """
    single = replace(run, threads=1)
    references = fp32_outputs(graph, samples, run)

    def measure(name: str) -> float:
        int8 = insert(graph, only(quantization, graph, name), options)
        return _error_db(single.compile(expose(single.copy(int8))), samples, references)

    found: dict[str, float] = {}
    with ThreadPoolExecutor(run.threads, "rank") as pool:
        for name, error in zip(names, pool.map(measure, names), strict=True):
            found[name] = error
            progress("rank", len(found), len(names))
    return found


def _error_db(compiled: ov.CompiledModel, samples: Dataset, references: Sequence[Thinned]) -> float:
    """The mean over the outputs of noise over signal; a list of another length has nothing right in it."""
    noise, signal = np.zeros(len(references[0])), np.zeros(len(references[0]))
    results = infer_all(compiled, (samples[i] for i in range(len(samples))))
    for reference, outputs in zip(references, results, strict=True):
        for i, (exact, values) in enumerate(zip(reference, thin(outputs), strict=True)):
            power = float((exact.astype(np.float64) ** 2).sum())
            alike = values.size == exact.size
            noise[i] += float(((values - exact).astype(np.float64) ** 2).sum()) if alike else power
            signal[i] += power
    return decibels(float((noise / np.maximum(signal, 1e-30)).mean()))


def fp32_outputs(graph: ov.Model, samples: Dataset, run: Run) -> list[Thinned]:
    """What the FP32 network makes of the samples, in front of a final softmax."""
    compiled = run.compile(expose(run.copy(graph)))
    return [thin(outputs) for outputs in infer_all(compiled, (samples[i] for i in range(len(samples))))]


def only(quantization: Quantization, graph: ov.Model, name: str) -> Quantization:
    """The quantization of one layer alone."""
    reasons: Mapping[str, str] = {each: OTHERS for each in quantizable(quantization) if each != name}
    return without(quantization, graph, reasons)

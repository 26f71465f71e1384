"""The output error of the FP32 network with one layer in INT8, for many layers from one compiled model."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino.passes import ConstantFolding, Manager

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import infer_all
from calibench.models.graph import TensorKey, operations, tensor
from calibench.models.logits import expose
from calibench.progress import Progress, silent
from calibench.quantizers.run import Run
from calibench.search.forks import Carried, NoBatchError, fork
from calibench.search.own_errors import as_f32, decibels, size_bytes
from calibench.search.twins import Twins

MOST_BYTES = 32 * 2**20
"""Of the largest tensor with all its twins; more layers are measured in several goes. A few such tensors live in each
of at most MOST_STREAMS streams, which bounds the whole to about a gigabyte."""
MOST_STREAMS = 8
ALIKE = 1e-3
"""Share by which the power of the exact elements may differ from that of the FP32 network run by itself."""

Floats = NDArray[np.float64]


def fork_errors(
    graph: ov.Model, rounded: Twins, names: Sequence[str], samples: Dataset, run: Run, progress: Progress = silent
) -> dict[str, float]:
    """Noise over signal in dB, by name; in front of a final softmax, and of a selection of boxes at the end.

    Args:
        graph: the normalised FP32 graph; not changed.

    Raises:
        NoBatchError: twins cannot travel along the batch of this network.
    """
    if not run.shapes:
        raise NoBatchError("the samples differ in shape")
    run = replace(run, threads=min(run.threads, MOST_STREAMS, len(samples)))
    found: dict[str, float] = {}
    for group in _groups(run.copy(graph), [name for name in rounded.names if name in set(names)]):
        found |= _measured(graph, rounded, group, samples, run)
        progress("rank", len(found), len(names))
    return found


def _groups(copy: ov.Model, names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Layers that may be measured at once, neighbours together."""
    carried, largest = 1, 0
    for op in copy.get_ordered_ops():
        carried += op.get_friendly_name() in names
        if op.get_type_name() != "Constant":
            largest = max([largest, *(carried * size_bytes(output) for output in op.outputs())])
    if len(names) < 2 or largest <= MOST_BYTES:
        yield names
        return
    half = len(names) // 2
    yield from _groups(copy, names[:half])
    yield from _groups(copy, names[half:])


def _measured(graph: ov.Model, rounded: Twins, names: Sequence[str], samples: Dataset, run: Run) -> dict[str, float]:
    model = expose(run.copy(graph))
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    carried = fork(model, rounded, names, rounded.quantization.placement.fused)
    if not carried:
        raise NoBatchError("no output follows the layers")
    compiled = run.compile(_reduced(model, [_powers(each) for each in carried.values()]))
    noise, signal = np.zeros((len(carried), len(names))), np.zeros(len(carried))
    for number, outputs in enumerate(infer_all(compiled, (samples[i] for i in range(len(samples))))):
        power = [values.astype(np.float64) for values in outputs[1::2]]
        exact = np.array([values[0] for values in power])
        if number == 0:
            _check(exact, _fp32_powers(graph, tuple(carried), samples, run))
        signal += exact
        for i, (each, values) in enumerate(zip(carried.values(), outputs[::2], strict=True)):
            noise[i, list(each.twins)] += values[1:].astype(np.float64)
    return dict(zip(names, _decibels(noise, signal), strict=True))


def _powers(each: Carried) -> list[Any]:
    """Sums of squares of the noise and of the values, float32 [1 + twins] each."""
    values = as_f32(each.output)
    noise = ops.subtract(values, replace(each, output=values).exact).output(0)
    return [_summed_squares(noise, each.axis), _summed_squares(values, each.axis)]


def _summed_squares(values: Any, kept: int | None) -> Any:
    axes = np.array([axis for axis in range(len(values.get_shape())) if axis != kept], np.int64)
    squares = ops.multiply(values, values).output(0)
    return ops.reduce_sum(squares, axes, False).output(0) if axes.size else squares


def _reduced(model: ov.Model, outputs: Sequence[Sequence[Any]]) -> ov.Model:
    results = [ops.result(value) for values in outputs for value in values]
    return ov.Model(results, model.get_parameters(), model.get_name())


def _fp32_powers(graph: ov.Model, tensors: Sequence[TensorKey], samples: Dataset, run: Run) -> Floats:
    """What the tensors' sums of squares are on the first sample when nothing is forked."""
    copy = run.copy(graph)
    index = operations(copy)
    values = [as_f32(tensor(index, name)) for name in tensors]
    once = replace(run, threads=1)
    compiled = once.compile(_reduced(copy, [[_summed_squares(value, None)] for value in values]))
    return np.array([float(power) for outputs in infer_all(compiled, [samples[0]]) for power in outputs])


def _check(exact: Floats, wanted: Floats) -> None:
    """An operation that mixes the elements of a batch without changing its shape would spoil the exact ones."""
    if not np.allclose(exact, wanted, rtol=ALIKE, atol=1e-6, equal_nan=True):
        raise NoBatchError("an operation mixes the elements of a batch")


def _decibels(noise: Floats, signal: Floats) -> list[float]:
    """The mean over the outputs of noise over signal, by layer."""
    with np.errstate(invalid="ignore"):
        ratios = (noise / np.maximum(signal, 1e-30)[:, None]).mean(0)
    return [decibels(float(ratio)) for ratio in ratios]

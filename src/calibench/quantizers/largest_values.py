"""The four statistics of the Caffe calibrator: what counts as the largest |x| of a tensor. No tensor is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import Array, infer_all
from calibench.models.graph import FloatArray, TensorKey, operations, tensor
from calibench.progress import Progress
from calibench.quantizers.prepare import Measured
from calibench.quantizers.run import Run
from calibench.quantizers.tensor_histograms import SizeHistogram, least_divergence
from calibench.statistics.exact import ExactSum

QUANTILE = 0.99995
"""Of `maxp`: one value in 20 000 is cut off."""
SHARE_UNSIGNED, SHARE_SIGNED = 0.7, 0.6
"""Of the largest value: below it `kl` looks for no cut. Source: the calibrator of Intel Caffe 1.1.6."""
SIZES_UNSIGNED, SIZES_SIGNED = 255, 127
"""Sizes other than 0 that a grid can tell apart: u8, and the positive half of s8."""


@dataclass(frozen=True)
class Pass:
    """What is measured: these tensors of the graph, over all samples."""

    graph: ov.Model
    tensors: Sequence[TensorKey]
    samples: Dataset
    run: Run
    progress: Progress


def largest_of(
    statistic: str, asked: Pass, measured: Measured, is_signed: Mapping[TensorKey, bool]
) -> dict[TensorKey, float]:
    """The largest |x| of every tensor by a statistic, >= 0.

    `direct` is what the pass over the statistics saw. The others take a pass of their own; the mean of many samples is
    an exact sum, and histograms merge exactly, so that the order of the samples changes nothing.

    Args:
        statistic: direct, ma, maxp or kl.
        is_signed: by tensor, whether its grid is.

    Raises:
        DatasetError: a sample cannot be read.
    """
    if statistic == "direct":
        return {name: _direct(measured[name].low, measured[name].high) for name in asked.tensors}
    if statistic == "kl":
        return _cut_off(asked, is_signed)
    return _averaged(asked, high_quantile if statistic == "maxp" else _largest)


def _direct(low: FloatArray, high: FloatArray) -> float:
    return max(float(np.abs(low).max(initial=0)), float(np.abs(high).max(initial=0)))


def _averaged(asked: Pass, reduce: Callable[[FloatArray], float]) -> dict[TensorKey, float]:
    """The mean over the samples that hold any value of what `reduce` makes of the sizes in one."""
    sums = ExactSum.of(np.zeros(len(asked.tensors)))
    counts = np.zeros(len(asked.tensors), np.int64)
    for sizes in _sizes(asked):
        counts += [values.size > 0 for values in sizes]
        sums = sums.plus(ExactSum.of(np.array([reduce(values) if values.size else 0.0 for values in sizes])))
    found = sums.mean(1) / np.maximum(counts, 1)
    return dict(zip(asked.tensors, found.tolist(), strict=True))


def _largest(sizes: FloatArray) -> float:
    return float(sizes.max())


def high_quantile(sizes: FloatArray) -> float:
    """The size that all but one in 20 000 stay below, between neighbours in proportion; the largest where it is 0.

    A tensor that is 0 nearly everywhere would otherwise be cut off whole.

    Args:
        sizes: float32, any shape, >= 0; at least one.
    """
    return float(np.quantile(sizes, QUANTILE)) or _largest(sizes)


def _cut_off(asked: Pass, is_signed: Mapping[TensorKey, bool]) -> dict[TensorKey, float]:
    found: dict[TensorKey, SizeHistogram] = {}
    for sizes in _sizes(asked):
        for name, values in zip(asked.tensors, sizes, strict=True):
            own = SizeHistogram.of(values)
            found[name] = found[name].merge(own) if name in found else own
    return {
        name: least_divergence(
            histogram,
            SIZES_SIGNED if is_signed[name] else SIZES_UNSIGNED,
            SHARE_SIGNED if is_signed[name] else SHARE_UNSIGNED,
        )
        for name, histogram in found.items()
    }


def _sizes(asked: Pass) -> Iterator[list[FloatArray]]:
    """|x| of all tensors, float32, sample by sample; each is let go before the next but those in flight."""
    copy = asked.run.copy(asked.graph)
    index = operations(copy)
    results = [ops.result(ops.convert(ops.abs(tensor(index, name)), "f32")) for name in asked.tensors]
    compiled = asked.run.compile(ov.Model(results, copy.get_parameters(), copy.get_name()))
    total = len(asked.samples)
    for number, outputs in enumerate(infer_all(compiled, (asked.samples[i] for i in range(total)))):
        asked.progress("statistics", number + 1, total)
        yield [_as_float(values) for values in outputs]


def _as_float(values: Array) -> FloatArray:
    return np.asarray(values, np.float32)

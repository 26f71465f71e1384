"""What a calibration gives: the INT8 graph, how it came about, and how others are made from the same ranges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import openvino as ov

from calibench.models.graph import TensorKey
from calibench.quantizers.choose import Trial
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import Shifts, WeightOptions
from calibench.quantizers.observed import Counts
from calibench.quantizers.run import Run

Build = Callable[[ov.Model, Quantization, Shifts], ov.Model]
"""(normalised FP32 graph, quantization, what is added to biases) -> INT8 graph."""


def as_it_is(graph: ov.Model, quantization: Quantization) -> Quantization:
    """Everything can be carried out."""
    return quantization


@dataclass(frozen=True)
class Quantized:
    """The INT8 graph and how it came about.

    Attributes:
        graph: INT8; takes what the FP32 graph takes.
        used: samples that were measured.
        trials: recipes that were compared, in the order in which they were tried; empty when the safe one was taken.
        is_small: there were too few samples to compare recipes.
        histograms: what was observed at every quantized tensor.
        options: how the weights were rounded.
        run: how graphs were run meanwhile.
        build: how a quantization of the same network becomes an INT8 graph.
        within: what is left of a quantization in the form in which the result is written.
        warnings: sentences on what a person should look at.
        shifts: what a repair added to biases.
    """

    graph: ov.Model
    quantization: Quantization
    used: int
    has_settled: bool
    trials: tuple[Trial, ...]
    is_small: bool
    histograms: Mapping[TensorKey, Counts]
    options: WeightOptions
    run: Run
    build: Build
    within: Callable[[ov.Model, Quantization], Quantization] = as_it_is
    warnings: tuple[str, ...] = ()
    shifts: Shifts = field(default_factory=dict)

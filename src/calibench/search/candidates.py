"""The INT8 models that a search can choose from, each made of the same ranges by leaving layers in float."""

from collections.abc import Callable, Mapping
from functools import cached_property

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.inference.runner import compile_for_samples
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import Shifts
from calibench.quantizers.quantize import Quantized
from calibench.quantizers.restrict import quantizable, without
from calibench.quantizers.sequential_bias import correct_biases
from calibench.search.values import Configuration

GIVEN_BACK = "kept in float to hold the accuracy limit"


class Candidates:
    """Makes and compiles configurations of one network.

    Args:
        graph: normalised FP32 graph; not changed.
        samples: calibration samples for the repair.
        precision: of the float layers, as deployed.
    """

    def __init__(self, graph: ov.Model, quantized: Quantized, samples: Dataset, precision: str) -> None:
        self.graph, self.quantized, self.precision = graph, quantized, precision
        self._samples = samples

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that could be given back, in the order of the graph."""
        return quantizable(self.quantized.quantization)

    @cached_property
    def shifts(self) -> Shifts:
        """What the repair adds to the biases where every layer is INT8; worked out when it is first asked for."""
        return self._shifts(self.quantized.quantization)

    def _shifts(self, quantization: Quantization) -> Shifts:
        """Of one configuration: a shift makes up for what the layers in front do, so that it is no other's."""
        each = self.quantized
        return correct_biases(self.graph, quantization, each.options, self._samples, each.run)

    def quantization(
        self, configuration: Configuration, reasons: Callable[[str], str] = lambda name: GIVEN_BACK
    ) -> Quantization:
        """What is quantized in a configuration; `reasons`: why a layer stays in float, for the report."""
        floats: Mapping[str, str] = {n: reasons(n) for n in self.layers if n in configuration.floats}
        left = without(self.quantized.quantization, self.graph, floats)
        return self.quantized.within(self.graph, left)

    def build(self, configuration: Configuration) -> ov.Model:
        """The INT8 graph of a configuration; takes what the FP32 graph takes."""
        if configuration == Configuration():
            return self.quantized.graph
        return self.quantized.build(self.graph, self.quantization(configuration), self.shifts_of(configuration))

    def shifts_of(self, configuration: Configuration) -> Shifts:
        """What the repair of a configuration adds to its biases."""
        if configuration.repair == "none":
            return {}
        return self._shifts(self.quantization(configuration)) if configuration.floats else self.shifts

    def attached(self, configuration: Configuration) -> ov.Model:
        """The INT8 graph of a configuration, with the preparation of the samples in front."""
        return self.quantized.run.plan.attach(self.build(configuration))

    def compile(self, configuration: Configuration) -> ov.CompiledModel:
        """As it will be deployed, one thread a stream."""
        run = self.quantized.run
        return compile_for_samples(self.attached(configuration), run.device, run.threads, self.precision)

"""How graphs are run while something is decided about them: where, at which shapes, with which preparation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.datasets.inputs import InputPlan
from calibench.errors import DatasetError
from calibench.inference.runner import ShapeError, compile_for_samples
from calibench.models.ports import port_name
from calibench.statistics.collect import Collector

Result = TypeVar("Result")

LOOKED_AT = 16
"""Samples whose shapes are looked at beforehand; should a later one differ, the work begins anew."""


@dataclass(frozen=True)
class Run:
    """How graphs are run.

    Attributes:
        shapes: of the graph's inputs, empty when the samples differ.
        collector: who measures statistics; None: this process.
    """

    device: str
    threads: int
    plan: InputPlan
    shapes: dict[str, tuple[int, ...]]
    collector: Collector | None = None

    def copy(self, graph: ov.Model) -> ov.Model:
        """A clone at the shapes of the samples: that compiles to faster kernels.

        Raises:
            ShapeError: the graph cannot have them; running at free shapes tells more.
        """
        copy = graph.clone()
        if self.shapes:
            try:
                copy.reshape({port: self.shapes[port_name(port)] for port in copy.inputs})
            except RuntimeError:
                raise ShapeError("The model cannot be brought to the shapes of the samples.") from None
        return copy

    def compile(self, copy: ov.Model, precision: str = "f32") -> ov.CompiledModel:
        """Compile with the preparation of the samples in front."""
        return compile_for_samples(self.plan.attach(copy), self.device, self.threads, precision)


def common_shapes(samples: Dataset, plan: InputPlan) -> dict[str, tuple[int, ...]]:
    """The shapes that the graph sees if they are the same in the first samples, else empty."""
    first = plan.shapes(samples[0])
    if len(plan.images) == len(plan.inputs):
        return first
    return first if all(plan.shapes(samples[i]) == first for i in range(1, min(LOOKED_AT, len(samples)))) else {}


def check_shapes(graph: ov.Model, shapes: dict[str, tuple[int, ...]]) -> None:
    """Before anything is reshaped: a fixed axis of the model must not silently take the length of the samples.

    Raises:
        DatasetError: names the input, and both shapes.
    """
    for port in graph.inputs:
        shape, own = shapes.get(port_name(port)), port.get_partial_shape()
        if shape and not own.compatible(ov.PartialShape(shape)):
            raise DatasetError(f"The samples' input {port_name(port)} is {list(shape)}, the model takes {own}.")


def at_common_shapes(graph: ov.Model, samples: Dataset, run: Run, work: Callable[[Run], Result]) -> Result:
    """Work at the shapes that the samples seem to have in common; anew at free shapes should one differ.

    Args:
        run: without shapes.

    Raises:
        DatasetError: the samples do not fit the model.
    """
    shapes = common_shapes(samples, run.plan)
    check_shapes(graph, shapes)
    try:
        return work(replace(run, shapes=shapes))
    except ShapeError:
        return work(run)

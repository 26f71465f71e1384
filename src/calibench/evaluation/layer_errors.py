"""How far INT8 is from FP32 after every layer, measured: which layer loses what a network loses."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.datasets.dataset import Dataset, Sample
from calibench.evaluation.distortion import Distortion
from calibench.inference.requests import compile_at, filled_request
from calibench.models.graph import constant_value, consumers, is_float, operations
from calibench.models.ports import port_name

SAMPLES = 8
"""Samples that are compared: the noise of a layer is a mean over thousands of values already."""
MOST_BYTES = 256 * 2**20
"""Outputs that both graphs hold at a time; more layers are measured in several goes."""
MOST_VALUES = 2**20
"""Values of one output that are compared, evenly spread: the mean of a million does not move with more."""
UNKNOWN_BYTES = 8 * 2**20
"""Taken for an output whose shape is not known before the run: that of a picture of 224 x 224 with 40 channels."""


def layer_errors(
    fp32: ov.Model,
    int8: ov.Model,
    names: Iterable[str],
    samples: Dataset,
    device: str = "CPU",
    threads: int | None = None,
    precision: str = "f32",
) -> dict[str, float]:
    """Signal over noise in dB of the outputs of layers in INT8, with all that went wrong before them.

    The output of a layer is taken after its bias, where INT8 has corrected what rounding shifted.

    Args:
        fp32, int8: take the samples as they are; operations with one name are one layer. Not changed.
        names: of layers; one that is not in both graphs, or gives no real numbers, is left out.
        samples: the first SAMPLES are taken.
        precision: INFERENCE_PRECISION_HINT of INT8; FP32 runs in exact f32.

    Returns:
        By name; inf where nothing differs. What the runtime cannot show is left out.

    Raises:
        DatasetError: a sample cannot be read, or does not fit.
    """
    taken = [samples[i] for i in range(min(SAMPLES, len(samples)))]
    if not taken:
        return {}
    exact, rounded = _at_shapes(fp32, taken), _at_shapes(int8, taken)
    found: dict[str, float] = {}
    for group in _groups(_comparable(exact, rounded, names), exact):
        with suppress(RuntimeError):  # what a runtime cannot show is not known, and no reason to lose the run
            found |= _compared(exact, rounded, group, taken, (device, threads, precision))
    return found


def _compared(
    fp32: ov.Model,
    int8: ov.Model,
    names: Sequence[str],
    samples: Sequence[Sample],
    run: tuple[str, int | None, str],
) -> dict[str, float]:
    """The errors of some layers; `run`: device, threads, precision of INT8."""
    device, threads, precision = run
    first = _exposed(fp32, names, device, threads, "f32")
    second = _exposed(int8, names, device, threads, precision)
    distortions = {name: Distortion() for name in names}
    for sample in samples:
        for name, wanted, given in zip(names, _outputs(first, sample), _outputs(second, sample), strict=True):
            distortions[name].add(wanted, given)
    return {name: distortion.sqnr_db for name, distortion in distortions.items()}


def _at_shapes(model: ov.Model, samples: Sequence[Sample]) -> ov.Model:
    """A clone at the shapes of the samples where they are all the same: then the size of every output is known."""
    copy = model.clone()
    names = [port_name(port) for port in copy.inputs]
    shapes = {name: {sample[name].shape for sample in samples} for name in names if name in samples[0]}
    if len(shapes) == len(names) and all(len(found) == 1 for found in shapes.values()):
        try:
            copy.reshape({i: ov.PartialShape(list(*shapes[name])) for i, name in enumerate(names)})
        except RuntimeError:
            return model.clone()
    return copy


def _comparable(fp32: ov.Model, int8: ov.Model, names: Iterable[str]) -> list[str]:
    both = operations(fp32), operations(int8)
    return [name for name in names if all(name in index and is_float(index[name].output(0)) for index in both)]


def _groups(names: Sequence[str], fp32: ov.Model) -> Iterator[list[str]]:
    """Layers whose outputs both graphs may hold at once; one larger than MOST_BYTES stands alone."""
    index = operations(fp32)
    group: list[str] = []
    held = 0
    for name in names:
        size = 2 * _bytes(after_bias(index[name]))
        if group and held + size > MOST_BYTES:
            yield group
            group, held = [], 0
        group.append(name)
        held += size
    if group:
        yield group


def _bytes(output: Any) -> int:
    shape = output.get_partial_shape()
    return int(np.prod(list(shape.to_shape()), dtype=np.int64)) * 4 if shape.is_static else UNKNOWN_BYTES


def after_bias(op: Any) -> Any:
    """The output of a layer, or of the addition of its bias where nothing else reads the layer."""
    readers = list(consumers(op.output(0)))
    if len(readers) == 1 and readers[0][0].get_type_name() == "Add":
        addition, port = readers[0]
        if constant_value(addition.input_value(1 - port)) is not None:
            return addition.output(0)
    return op.output(0)


def _exposed(
    model: ov.Model, names: Sequence[str], device: str, threads: int | None, precision: str
) -> tuple[ov.CompiledModel, int]:
    """Compiled with the outputs of these layers, in their order, after its own; and how many those are."""
    clone = model.clone()
    index = operations(clone)
    own = len(clone.outputs)
    results = [ops.result(after_bias(index[name])) for name in names]
    clone.add_results(results)
    return compile_at(clone, device, precision, threads, {"PERFORMANCE_HINT": "LATENCY"}), own


def _outputs(exposed: tuple[ov.CompiledModel, int], sample: Sample) -> Iterator[Any]:
    compiled, own = exposed
    request = filled_request(compiled, [sample], 1)
    request.infer(share_outputs=True)
    for tensor in request.output_tensors[own:]:
        values = np.asarray(tensor.data).reshape(-1)
        yield values[:: max(1, values.size // MOST_VALUES)]

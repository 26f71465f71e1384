"""Run a model over samples: asynchronous requests, results in sample order, memory flat in the number of samples."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.errors import DatasetError, SettingsError
from calibench.models.ports import port_name

Array = NDArray[np.generic]
Outputs = tuple[Array, ...]

core = ov.Core()


class ShapeError(DatasetError):
    """A sample has a shape that the compiled model does not take."""


def compile_for_samples(model: ov.Model, device: str, threads: int, precision: str = "f32") -> ov.CompiledModel:
    """Compile for many independent samples: one thread a stream.

    Each inference runs in a single thread, so that its result has the same bytes whatever the number of threads.

    Args:
        precision: the INFERENCE_PRECISION_HINT; exact FP32 by default, never the device's own choice.
    """
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision}
    if device.upper().startswith("CPU"):
        settings |= {"NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": threads}
    return core.compile_model(model, device, settings)


def infer_all(compiled: ov.CompiledModel, samples: Iterable[Mapping[str, Array]]) -> Iterator[Outputs]:
    """The outputs of every sample, in the order of the samples; the arrays are copies, owned by the caller.

    One more sample than the device has streams is in flight, so that the next one is decoded while it computes.
    """
    index = {port_name(port): i for i, port in enumerate(compiled.inputs)}
    streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    free = deque(compiled.create_infer_request() for _ in range(streams + 1))
    busy: deque[ov.InferRequest] = deque()
    shapes = [port.get_partial_shape() for port in compiled.inputs]
    for number, sample in enumerate(samples):
        if not free:
            yield _finish(busy, free)
        for name, array in sample.items():
            if not shapes[index[name]].compatible(ov.PartialShape(array.shape)):
                shape = shapes[index[name]]
                raise ShapeError(f"Sample {number}: input {name} is {list(array.shape)}, the model takes {shape}.")
        request = free.popleft()
        request.start_async({index[name]: array for name, array in sample.items()})
        busy.append(request)
    while busy:
        yield _finish(busy, free)


def _finish(busy: deque[ov.InferRequest], free: deque[ov.InferRequest]) -> Outputs:
    request = busy.popleft()
    request.wait()
    outputs = tuple(np.array(tensor.data) for tensor in request.output_tensors)
    free.append(request)
    return outputs


def infer_batches(compiled: ov.CompiledModel, samples: Iterable[Mapping[str, Array]], batch: int) -> Iterator[Outputs]:
    """The outputs of every sample, each with a batch axis of 1, computed `batch` samples at a time.

    The last batch is filled up with its last sample.

    Raises:
        SettingsError: an output has no axis of `batch` to split, or samples differ in shape.
    """
    if batch == 1:
        yield from infer_all(compiled, samples)
        return
    sizes: deque[int] = deque()
    for outputs in infer_all(compiled, _stacked(samples, batch, sizes)):
        if any(output.shape[:1] != (batch,) for output in outputs):
            raise SettingsError(f"--batch {batch}: an output of the model has no batch axis. Use --batch 1.")
        for number in range(sizes.popleft()):
            yield tuple(output[number : number + 1] for output in outputs)


def _stacked(samples: Iterable[Mapping[str, Array]], batch: int, sizes: deque[int]) -> Iterator[Mapping[str, Array]]:
    """Batches of samples; the true size of each goes to `sizes`."""
    rest = iter(samples)
    while group := list(islice(rest, batch)):
        sizes.append(len(group))
        group += [group[-1]] * (batch - len(group))
        if any(sample[name].shape != array.shape for sample in group for name, array in group[0].items()):
            raise SettingsError(f"--batch {batch}: the samples differ in shape and cannot form a batch. Use --batch 1.")
        if any(array.ndim == 0 for array in group[0].values()):
            raise SettingsError(f"--batch {batch}: an input is a single number and has no batch axis. Use --batch 1.")
        yield {name: np.concatenate([sample[name] for sample in group]) for name in group[0]}

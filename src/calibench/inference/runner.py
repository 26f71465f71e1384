"""Run a model over samples: asynchronous requests, results in sample order, memory flat in the number of samples."""

import re
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


def compile_for_samples(
    model: ov.Model, device: str, threads: int, precision: str = "f32", *, is_alone: bool = True
) -> ov.CompiledModel:
    """Compile for many independent samples: one thread a stream.

    Each inference runs in a single thread, so that its result has the same bytes whatever the number of threads.

    Args:
        precision: the INFERENCE_PRECISION_HINT; exact FP32 by default, never the device's own choice.
        is_alone: False: other processes compute here as well, and all would bind their threads to the same cores.
    """
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision}
    if device.upper().startswith("CPU"):
        settings |= {"NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": threads}
        settings |= {} if is_alone else {"ENABLE_CPU_PINNING": False}
    return core.compile_model(model, device, settings)


def infer_all(compiled: ov.CompiledModel, samples: Iterable[Mapping[str, Array]], first: int = 0) -> Iterator[Outputs]:
    """The outputs of every sample, in the order of the samples; the arrays are copies, owned by the caller.

    One more sample than the device has streams is in flight, so that the next one is decoded while it computes.
    A model that keeps a state begins every sample with its first one.

    Args:
        first: number of the first sample, for messages.

    Raises:
        ShapeError: a sample does not fit an input.
        DatasetError: a sample fits the inputs, but not what the model fixes inside.
    """
    index = {port_name(port): i for i, port in enumerate(compiled.inputs)}
    streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    free = deque(compiled.create_infer_request() for _ in range(streams + 1))
    busy: deque[tuple[int, ov.InferRequest]] = deque()
    has_state = bool(free[0].query_state())
    shapes = [port.get_partial_shape() for port in compiled.inputs]
    for number, sample in enumerate(samples, first):
        if not free:
            yield _finish(busy, free)
        for name, array in sample.items():
            if name not in index:
                known = ", ".join(index)
                raise ShapeError(f"Sample {number} has an array {name}, the model takes {known}. Leave it out.")
            if not shapes[index[name]].compatible(ov.PartialShape(array.shape)):
                shape = shapes[index[name]]
                raise ShapeError(f"Sample {number}: input {name} is {list(array.shape)}, the model takes {shape}.")
        request = free.popleft()
        if has_state:
            request.reset_state()
        request.start_async({index[name]: array for name, array in sample.items()})
        busy.append((number, request))
    while busy:
        yield _finish(busy, free)


def _finish(busy: deque[tuple[int, ov.InferRequest]], free: deque[ov.InferRequest]) -> Outputs:
    number, request = busy.popleft()
    try:
        request.wait()
    except RuntimeError as error:
        raise cannot_run(request, f"Sample {number}: the model", error) from error
    outputs = tuple(np.array(tensor.data) for tensor in request.output_tensors)
    free.append(request)
    return outputs


def cannot_run(request: ov.InferRequest, who: str, error: RuntimeError) -> DatasetError:
    """The sentence for inputs that fit the ports of a model and not its inside, such as a table of positions."""
    ports, tensors = request.model_inputs, request.input_tensors
    given = ", ".join(f"{port_name(port)} {list(tensor.shape)}" for port, tensor in zip(ports, tensors, strict=True))
    layer = re.search(r"node with name '([^']+)'", str(error))
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    at = f"layer {layer[1]}: " if layer else ""
    return DatasetError(
        f"{who} cannot run {given} ({at}{lines[-1].rstrip('.')}). Where an axis is free at its inputs and "
        "fixed inside, as by a table of positions, give samples of that length (texts: data.max_tokens), or export it "
        "with a free one."
    )


def infer_batches(
    compiled: ov.CompiledModel, samples: Iterable[Mapping[str, Array]], batch: int, first: int = 0
) -> Iterator[Outputs]:
    """The outputs of every sample, each with a batch axis of 1, computed `batch` samples at a time.

    The last batch is filled up with its last sample.

    Args:
        first: number of the first sample, for messages; a multiple of `batch`.

    Raises:
        SettingsError: an output has no axis of `batch` to split, or samples differ in shape.
    """
    if batch == 1:
        yield from infer_all(compiled, samples, first)
        return
    sizes: deque[int] = deque()
    for outputs in infer_all(compiled, _stacked(samples, batch, sizes), first // batch):
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

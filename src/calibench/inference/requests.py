"""Compile a model at a batch, fill its requests with samples, and run them for a while."""

from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.errors import DatasetError, SettingsError
from calibench.inference.runner import cannot_run, core
from calibench.models.ports import port_name


def compile_at(
    model: ov.Model, device: str, precision: str | None, threads: int | None, properties: dict[str, Any]
) -> ov.CompiledModel:
    """Compile as a user's program would.

    Args:
        precision: INFERENCE_PRECISION_HINT; None: the device's own choice.
        threads: INFERENCE_NUM_THREADS, for CPU only; None: the runtime's own choice.
        properties: what else the runtime is told, such as PERFORMANCE_HINT.
    """
    properties = dict(properties)
    if precision is not None:
        properties["INFERENCE_PRECISION_HINT"] = precision
    if threads is not None and device.startswith("CPU"):
        properties["INFERENCE_NUM_THREADS"] = threads
    return core.compile_model(model, device, properties)


def precision_of(compiled: ov.CompiledModel) -> str:
    """The INFERENCE_PRECISION_HINT that the runtime ended with: 'f32', 'bf16', 'f16'."""
    hint = compiled.get_property("INFERENCE_PRECISION_HINT")
    return str(hint.to_string() if isinstance(hint, ov.Type) else hint)


def with_batch(model: ov.Model, batch: int) -> ov.Model:
    """The model at a batch: itself where the first dimension of every input is free or right already, else a copy.

    Raises:
        SettingsError: the graph fixes another batch.
    """
    shapes = [port.get_partial_shape() for port in model.inputs]
    if batch == 1:
        return model  # single samples have the shapes that the model takes, whatever their first axis means
    if all(_takes_batch(shape, batch) for shape in shapes):
        return model
    copy = model.clone()
    try:
        copy.reshape({i: ov.PartialShape([batch, *list(shape)[1:]]) for i, shape in enumerate(shapes)})
    except RuntimeError:
        name = model.get_friendly_name()
        raise SettingsError(
            f"{name}: cannot run at batch {batch}, its graph fixes the batch. Benchmark it without --batches."
        ) from None
    return copy


def stacks(model: ov.CompiledModel, samples: Sequence[Sample], batch: int, count: int) -> list[list[ov.Tensor]]:
    """Tensors for `count` requests: each holds the next `batch` samples, from the first again when they run out.

    Raises:
        DatasetError: a sample lacks an input, or samples of one batch differ in shape.
        SettingsError: an input without axes cannot be batched.
    """
    return [
        [_stack(port, [samples[(i * batch + j) % len(samples)] for j in range(batch)]) for port in model.inputs]
        for i in range(count)
    ]


def filled_queue(compiled: ov.CompiledModel, samples: Sequence[Sample], batch: int) -> ov.AsyncInferQueue:
    """As many requests as the runtime likes to have in flight, each with its own samples in place."""
    queue = ov.AsyncInferQueue(compiled, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
    for request, tensors in zip(queue, stacks(compiled, samples, batch, len(queue)), strict=True):
        for i, tensor in enumerate(tensors):
            request.set_input_tensor(i, tensor)
    return queue


def filled_request(compiled: ov.CompiledModel, samples: Sequence[Sample], batch: int) -> ov.InferRequest:
    """One request with its samples in place."""
    request = compiled.create_infer_request()
    for i, tensor in enumerate(stacks(compiled, samples, batch, 1)[0]):
        request.set_input_tensor(i, tensor)
    return request


def run_queue(queue: ov.AsyncInferQueue, seconds: float) -> float:
    """Keep all requests busy for some seconds, each at least once; inferences a second.

    Raises:
        DatasetError: the model cannot run the samples.
    """
    start = perf_counter()
    done = 0
    try:
        while done < len(queue) or perf_counter() - start < seconds:
            queue.start_async()
            done += 1
        queue.wait_all()
    except RuntimeError as error:
        for request in queue:  # one that still runs cannot be asked what it was given
            with suppress(RuntimeError):
                request.wait()
        raise cannot_run(queue[0], "The model", error) from error
    return done / (perf_counter() - start)


def run_request(request: ov.InferRequest, seconds: float) -> list[float]:
    """One inference after the other for some seconds, at least one; the time of each in ms.

    Raises:
        DatasetError: the model cannot run the sample.
    """
    times: list[float] = []
    begin = now = perf_counter()
    while not times or now - begin < seconds:
        try:
            request.infer(share_outputs=True)
        except RuntimeError as error:
            raise cannot_run(request, "The model", error) from error
        before, now = now, perf_counter()
        times.append((now - before) * 1000)
    return times


def _takes_batch(shape: ov.PartialShape, batch: int) -> bool:
    if shape.rank.is_dynamic or len(shape) == 0:
        return True
    return bool(shape[0].is_dynamic or shape[0].get_length() == batch)


def _stack(port: Any, samples: Sequence[Sample]) -> ov.Tensor:
    name = port_name(port)
    if name not in samples[0]:
        raise DatasetError(f"samples have {', '.join(samples[0])}, but the model's input is {name!r}. Name it so.")
    arrays = [sample[name] for sample in samples]
    if len({array.shape for array in arrays}) > 1:
        shapes = ", ".join(sorted({str(list(array.shape)) for array in arrays})[:3])
        raise DatasetError(f"{name}: samples of shapes {shapes} cannot form a batch. Give one --size, or batch 1.")
    if len(arrays) > 1 and arrays[0].ndim == 0:
        raise SettingsError(f"{name} is a single number and has no batch axis. Benchmark the model at batch 1.")
    whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return ov.Tensor(np.asarray(whole, dtype=port.get_element_type().to_dtype(), order="C"))

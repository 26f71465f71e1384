"""Run a model over samples: asynchronous requests, results in sample order, memory flat in the number of samples."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

Array = NDArray[np.generic]
Outputs = tuple[Array, ...]

core = ov.Core()


def port_name(port: Any) -> str:
    """The name by which a person knows an input or output: that of its operation if it is a tensor name too."""
    own = str(port.node.get_friendly_name())
    return own if own in port.names or not port.names else min(port.names)


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
    for sample in samples:
        if not free:
            yield _finish(busy, free)
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

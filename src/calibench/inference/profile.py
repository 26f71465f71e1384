"""Where the time goes: each layer as the runtime runs it, with its precision."""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.inference.requests import compile_at, filled_request

RUNS = 20
"""Inferences whose times the median is taken of: enough that one disturbed run does not show."""


@dataclass(frozen=True)
class LayerTime:
    """One layer of the runtime's graph.

    Attributes:
        name: in the runtime's graph; a fused group has the name of its main operation.
        type: such as Convolution.
        exec_type: the kernel, such as brgconv_avx512_I8.
        time_ms: median over the runs.
        precision: in which it computes, such as U8 (INT8 kernel) or F32.
        output_precisions: the runtime's `outputPrecisions`, such as U8; comma-separated for several outputs.
        original_names: the layers of the model that it stands for.
    """

    name: str
    type: str
    exec_type: str
    time_ms: float
    precision: str
    output_precisions: str
    original_names: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; the output precision under the runtime's own name."""
        return {
            "name": self.name,
            "type": self.type,
            "exec_type": self.exec_type,
            "time_ms": self.time_ms,
            "precision": self.precision,
            "outputPrecisions": self.output_precisions,
            "originalLayersNames": list(self.original_names),
        }


def profile(
    model: ov.Model,
    sample: Sample,
    device: str = "CPU",
    precision: str | None = None,
    threads: int | None = None,
    runs: int = RUNS,
) -> tuple[LayerTime, ...]:
    """The layers that took time, in the order in which they run, one request at a time.

    Constants, in-place reshapes and what was fused away are left out.

    Args:
        precision: INFERENCE_PRECISION_HINT; None: the device's own choice.
        threads: None: the runtime's own choice.
        runs: inferences after one that is not counted, >= 1.

    Raises:
        DatasetError: the sample does not fit the model.
    """
    compiled = compile_at(model, device, precision, threads, {"PERF_COUNT": True, "PERFORMANCE_HINT": "LATENCY"})
    request = filled_request(compiled, [sample], 1)
    request.infer(share_outputs=True)
    times: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        request.infer(share_outputs=True)
        for node, time_ms in _executed(request):
            times[node].append(time_ms)
    layers = {op.get_friendly_name(): op.get_rt_info() for op in compiled.get_runtime_model().get_ordered_ops()}
    in_order = sorted(
        (name for name in times if name in layers), key=lambda name: int(_text(layers[name], "execOrder"))
    )
    return tuple(_layer(name, layers[name], statistics.median(times[name])) for name in in_order)


def _executed(request: ov.InferRequest) -> Iterator[tuple[str, float]]:
    for node in request.profiling_info:
        if node.status == node.Status.EXECUTED:
            yield node.node_name, node.real_time.total_seconds() * 1000


def _layer(name: str, info: Any, time_ms: float) -> LayerTime:
    return LayerTime(
        name=name,
        type=_text(info, "layerType"),
        exec_type=_text(info, "primitiveType"),
        time_ms=time_ms,
        precision=_text(info, "runtimePrecision").upper(),
        output_precisions=_text(info, "outputPrecisions").upper(),
        original_names=tuple(part for part in _text(info, "originalLayersNames").split(",") if part),
    )


def _text(info: Any, key: str) -> str:
    """A value of the runtime's rt_info; empty where the device does not give it."""
    if key not in info:
        return ""
    value = info[key]
    return str(getattr(value, "value", value))

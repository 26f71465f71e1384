"""Small graphs named as `to_openvino` names them, and their scales."""

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.scales import LayerScales

RANDOM = np.random.default_rng(5)


def data(*shape: int) -> Any:
    return named(ops.parameter(shape, np.float32), "data", "data")


def conv(source: Any, name: str, channels: int, kernel: int = 3, depthwise: bool = False, seed: int = 0) -> Any:
    """A convolution that keeps the size, with its bias."""
    random = np.random.default_rng([seed, *name.encode()])
    inner = source.get_shape()[1]
    pads = [kernel // 2] * 2
    if depthwise:
        weights = random.normal(0, 0.3, (inner, 1, 1, kernel, kernel)).astype(np.float32)
        op = ops.group_convolution(source, ops.constant(weights), [1, 1], pads, pads, [1, 1])
    else:
        weights = random.normal(0, 0.2, (channels, inner, kernel, kernel)).astype(np.float32)
        op = ops.convolution(source, ops.constant(weights), [1, 1], pads, pads, [1, 1])
    op.set_friendly_name(name)
    bias = random.normal(0, 0.3, (1, channels, 1, 1)).astype(np.float32)
    return named(ops.add(op, ops.constant(bias)), f"{name}/bias", name)


def inner_product(source: Any, name: str, outputs: int) -> Any:
    random = np.random.default_rng([1, *name.encode()])
    flat = ops.reshape(source, ops.constant(np.array([0, -1], np.int64)), True)
    flat.set_friendly_name(f"{name}/flatten")
    weights = random.normal(0, 0.1, (outputs, flat.get_output_shape(0)[1])).astype(np.float32)
    op = ops.matmul(flat, ops.constant(weights), False, True)
    op.set_friendly_name(name)
    bias = random.normal(0, 0.3, (1, outputs)).astype(np.float32)
    return named(ops.add(op, ops.constant(bias)), f"{name}/bias", name)


def relu(source: Any, name: str) -> Any:
    return named(ops.relu(source), name, name)


def max_pool(source: Any, name: str) -> Any:
    return named(ops.max_pool(source, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], "floor"), name, name)


def named(node: Any, name: str, top: str) -> Any:
    node.set_friendly_name(name)
    node.output(0).set_names({top})
    return node.output(0)


def model(*tops: Any, source: Any) -> ov.Model:
    results = [ops.result(top) for top in tops]
    for i, result in enumerate(results):
        result.set_friendly_name(f"result{i}")
    return ov.Model(results, [source.get_node()], "net")


def weights_of(graph: ov.Model, name: str) -> Any:
    op = next(op for op in graph.get_ops() if op.get_friendly_name() == name)
    return op.input_value(1).get_node().data


def scales(graph: ov.Model, name: str, scale_in: float, signed: bool = False, out: float | None = None) -> LayerScales:
    """Per channel, the integers up to 63: safe on every CPU."""
    weights = weights_of(graph, name)
    rows = weights.reshape(weights.shape[0], -1)
    params = (63 / np.abs(rows).max(1)).astype(np.float32)
    return LayerScales(
        float(np.float32(scale_in)), signed, params, float(np.float32(out or 1)), 32 if out is None else 8
    )


def run(graph: ov.Model, values: Any) -> list[Any]:
    """In exact float32 kernels, or INT8 ones where the graph asks for them; the outputs in order."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled(values)
    return [result[i] for i in range(len(graph.outputs))]


def kinds(graph: ov.Model, kind: str) -> list[str]:
    """Names of the operations of a type, sorted."""
    return sorted(op.get_friendly_name() for op in graph.get_ops() if op.get_type_name() == kind)

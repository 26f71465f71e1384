"""The INT8 model that scales stand for: FakeQuantize on activations, INT8 constants for weights.

One builder for all: the search, the result, and the reading of a `_quantized.prototxt` make the same model of the same
scales.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from calibench.caffe.activation_grids import GridSite, free_ports, grid_sites
from calibench.caffe.fused_chain import KERNELS, TensorKey, fused_end, graph_index, is_constant
from calibench.caffe.scales import FloatArray, LayerScales
from calibench.errors import ModelError

__all__ = ["TensorKey", "apply_scales", "fused_end", "graph_index", "integer_weights"]

LEVELS = 256
WEIGHT_LIMIT = 127
"""Weights are -127..127, so that their zero point is 0."""


def apply_scales(graph: ov.Model, scales: Mapping[str, LayerScales]) -> ov.Model:
    """The INT8 model; layers without scales stay in float.

    A layer's weights become round(w * scale_params) within +-127. A FakeQuantize of 256 levels brings its input to
    0 .. 255/scale_in or -128/scale_in .. 127/scale_in, unless the input lies on that grid already. Where the layer's
    output leaves as bytes, one brings the end of its fused chain (see `fused_end`) to the grid of scale_out, for all
    readers. Biases stay float.

    Args:
        graph: float32, of `to_openvino`: operations have the names of Caffe's layers; not changed.
        scales: by name of a layer.

    Raises:
        ModelError: a name is no convolution or inner product of the graph, or its scale_params do not fit.

    Source: the INT8 layers of Intel Caffe 1.1.6.
    """
    model = graph.clone()
    index = graph_index(model)
    for name in scales:
        _check_layer(index.get(name), name)
    sites = grid_sites(index, scales)
    for name, own in scales.items():
        _store_weights(index[name], own.scale_params)
    _insert(index, sites)
    model.validate_nodes_and_infer_types()
    return model


def integer_weights(weights: FloatArray, scale_params: FloatArray) -> NDArray[np.int8]:
    """Weights as integers -127..127.

    Args:
        weights: float32 [output channels, ...].
        scale_params: float32 [output channels] or [1].

    Returns:
        int8, shaped as the weights; 0 in a channel of scale 0.
    """
    shaped = scale_params.reshape(-1, *[1] * (weights.ndim - 1))
    return np.asarray(np.clip(np.rint(weights * shaped), -WEIGHT_LIMIT, WEIGHT_LIMIT), np.int8)


def _check_layer(op: Any | None, name: str) -> None:
    if op is None:
        raise ModelError(f"Layer {name}: there are scales for it, but the network has no such layer.")
    if op.get_type_name() not in KERNELS or not is_constant(op.input_value(1)):
        raise ModelError(f"Layer {name}: there are scales for it, but it is no convolution or inner product.")


def _store_weights(op: Any, scale_params: FloatArray) -> None:
    """INT8 constant -> Convert -> Multiply in place of the weights."""
    name = op.get_friendly_name()
    rows, shape = _by_output_channel(op)
    if scale_params.size not in (1, rows.shape[0]):
        raise ModelError(
            f"Layer {name}: scale_params has {scale_params.size} values, but the layer has {rows.shape[0]} output "
            "channels. Give one for each, or one for all."
        )
    integers = _in_graph_layout(op, integer_weights(rows, scale_params), shape)
    steps = np.divide(1, scale_params, out=np.ones_like(scale_params), where=scale_params != 0)
    stored = ops.constant(integers)
    wide = ops.convert(stored, "f32")
    scale = ops.constant(_broadcast(op, steps, shape))
    scaled = ops.multiply(wide, scale)
    for node, part in ((stored, ""), (wide, "/convert"), (scaled, "/scale"), (scale, "/scale/1")):
        node.set_friendly_name(f"{name}/weights{part}")
    op.input(1).replace_source_output(scaled.output(0))


def _by_output_channel(op: Any) -> tuple[FloatArray, tuple[int, ...]]:
    """The weights as float32 [output channels, what each sums over], and the shape that they have in the graph."""
    values = _constant(op.input_value(1))
    rows = values if op.get_type_name() != "MatMul" or op.get_attributes()["transpose_b"] else values.T
    outputs = int(np.prod(rows.shape[:2])) if op.get_type_name() == "GroupConvolution" else rows.shape[0]
    return np.ascontiguousarray(rows.reshape(outputs, -1)), values.shape


def _in_graph_layout(op: Any, rows: NDArray[np.int8], shape: tuple[int, ...]) -> NDArray[np.int8]:
    if op.get_type_name() == "MatMul" and not op.get_attributes()["transpose_b"]:
        return np.ascontiguousarray(rows.T)
    return rows.reshape(shape)


def _broadcast(op: Any, steps: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """One step for all or one for each output channel, shaped to multiply the weights of the graph."""
    if steps.size == 1:
        return steps.reshape([1] * len(shape))
    if op.get_type_name() == "MatMul":
        return steps.reshape((-1, 1) if op.get_attributes()["transpose_b"] else (1, -1))
    axes = 2 if op.get_type_name() == "GroupConvolution" else 1
    return steps.reshape(*shape[:axes], *[1] * (len(shape) - axes))


def _constant(output: Any) -> FloatArray:
    """float32; the value of a constant, reshaped or converted as the graph does it."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        return np.asarray(node.data, np.float32)
    return _constant(node.input_value(0)).reshape(output.get_shape())


def _insert(index: Mapping[str, Any], sites: tuple[GridSite, ...]) -> None:
    """Put the FakeQuantize operations in: first those of outputs, which all others then read from."""
    ports = [free_ports(index, site) for site in sites]
    on_output: dict[TensorKey, Any] = {}
    counts: dict[TensorKey, int] = {}
    for site, served in zip(sites, ports, strict=True):
        source = on_output.get(site.tensor, index[site.tensor[0]].output(site.tensor[1]))
        number = counts[site.tensor] = counts.get(site.tensor, 0) + 1
        quantized = _fake_quantize(source, site, number)
        if site.readers is None:
            on_output[site.tensor] = quantized
            _move_names(source, quantized)
        for port in served:
            port.replace_source_output(quantized)


def _fake_quantize(source: Any, site: GridSite, number: int) -> Any:
    """The output of the node, named after its tensor; further grids on one tensor are numbered from 2."""
    bounds = site.grid.bounds()
    read = (np.float32(0), np.float32(LEVELS - 1)) if site.grid.is_forced else bounds
    constants = [ops.constant(value) for value in (*read, *bounds)]
    node = ops.fake_quantize(source, *constants, LEVELS)
    name = f"{site.tensor[0]}.{site.tensor[1]}/quantizer" + (f"/{number}" if number > 1 else "")
    node.set_friendly_name(name)
    for i, constant in enumerate(constants, 1):
        constant.set_friendly_name(f"{name}/{i}")
    return node.output(0)


def _move_names(source: Any, quantized: Any) -> None:
    """The blob of this name holds what leaves the layer: an output of the net keeps its name."""
    names = source.get_names()
    source.set_names(set())
    quantized.set_names(names)

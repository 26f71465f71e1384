"""Decide from the graph alone which layers run in INT8 and where their quantizers stand.

Quantizers go only to the inputs of weighted layers, to the skip branch of residual additions and to average pooling,
and from there upwards over operations that merely move values. Activation and normalisation chains, masks and
everything behind the last weighted layer stay in float: 8 bits cost accuracy there and win no time.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import openvino as ov

from calibench.errors import SettingsError
from calibench.models.graph import (
    CONVOLUTIONS,
    NOT_LAYERS,
    RECURRENT,
    WEIGHTED,
    WITH_BODY,
    Port,
    TensorKey,
    WeightedLayer,
    bodies,
    dimension,
    input_channel_axis,
    is_constant,
    is_float,
    key,
    rank,
    weighted_layer,
)
from calibench.quantizers.hoisting import hoist
from calibench.quantizers.sites import FloatLayer, Placement, Point
from calibench.settings import Ignored

ACTIVATIONS = frozenset(
    (
        *("Relu", "Clamp", "PRelu", "Elu", "Sigmoid", "Tanh"),
        *("HSwish", "Swish", "Gelu", "HSigmoid", "HardSigmoid", "Mish"),
    )
)


def place(graph: ov.Model, ignored: Ignored) -> Placement:
    """Points to measure, sites of quantizers and the layers left in float with the reason for each.

    Args:
        graph: normalised; not changed.
        ignored: layers that the person keeps in the original precision.
    """
    order = graph.get_ordered_ops()
    needed = _feeds_weighted(order)
    layers: list[WeightedLayer] = []
    wanted: dict[TensorKey, list[tuple[Any, int]]] = {}
    reasons: dict[str, str] = {}
    for op in order:
        name = op.get_friendly_name()
        ports, reason = _wanted_ports(op, needed, ignored)
        if reason:
            reasons[name] = reason
        if not ports:
            continue
        layer = weighted_layer(op)
        if layer is not None:
            layers.append(layer)
        for port in ports:
            wanted.setdefault(key(op.input_value(port)), []).append((op, port))
    points = tuple(point_of(uses) for uses in wanted.values())
    fused = _fused(order, {layer.name for layer in layers})
    left: list[FloatLayer] = []
    for op in order:
        name = op.get_friendly_name()
        if name in reasons.keys() - fused.keys():
            left.append(FloatLayer(name, op.get_type_name(), reasons[name]))
        left += in_bodies(op)
    return Placement(points, hoist(graph, points), tuple(layers), tuple(left), fused)


def in_bodies(op: Any, path: str = "") -> Iterator[FloatLayer]:
    """The layers inside an If, Loop or TensorIterator that would have weights or a state, however deep.

    Args:
        path: name of the operation that holds this one, with a slash behind it.
    """
    for part, body in bodies(op).items():
        within = "/".join(filter(None, (f"{path}{op.get_friendly_name()}", part))) + "/"
        for inner in body.get_ordered_ops():
            if inner.get_type_name() in RECURRENT or weighted_layer(inner) is not None:
                reason = f"stands in the body of {op.get_type_name()}, which runs in float"
                yield FloatLayer(f"{within}{inner.get_friendly_name()}", inner.get_type_name(), reason)
            yield from in_bodies(inner, within)


def check_ignored(graph: ov.Model, ignored: Ignored) -> None:
    """Refuse a name, type or pattern that matches no layer: it was meant to protect one.

    Raises:
        SettingsError: with the nearest names that there are.
    """
    names = [op.get_friendly_name() for op in graph.get_ops() if op.get_type_name() not in NOT_LAYERS]
    types = sorted({op.get_type_name() for op in graph.get_ops()} - NOT_LAYERS)
    for name in ignored.names:
        if not any(name == each or each.startswith(f"{name}/") for each in names):
            raise SettingsError(f"Ignored name {name}: no layer has it.{_nearest(name, names)}")
    for kind in ignored.types:
        if kind not in types:
            raise SettingsError(f"Ignored type {kind}: no layer has it. There are {', '.join(types)}.")
    for pattern in ignored.patterns:
        if not any(re.fullmatch(pattern, each) for each in names):
            raise SettingsError(f"Ignored pattern {pattern}: it matches no whole layer name. See calibench inspect.")


def _nearest(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, 3, 0.5)
    return f" Near: {', '.join(near)}." if near else " See calibench inspect."


def nothing_to_quantize(placement: Placement) -> str:
    """The sentence for a model in which no layer can run in INT8."""
    reasons: dict[str, Counter[str]] = {}
    for layer in placement.left_float:
        if layer.type in WEIGHTED | RECURRENT:
            reasons.setdefault(layer.reason, Counter())[layer.type] += 1
    told = (
        f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))} ({reason})"
        for reason, kinds in sorted(reasons.items())
    )
    left = f" Left in float: {'; '.join(told)}." if reasons else ""
    return f"The model holds no layer that can run in INT8: no convolution or MatMul with constant weights.{left}"


def drop_layers(
    placement: Placement, graph: ov.Model, reasons: dict[str, str], fixed: frozenset[TensorKey] = frozenset()
) -> Placement:
    """The placement without some layers, which stay in float; sites that served nobody else disappear.

    Args:
        reasons: by name of the layer.
        fixed: tensors whose quantizer must not move up.
    """
    types = {op.get_friendly_name(): op.get_type_name() for op in graph.get_ops()}
    points = tuple(
        replace(point, consumers=kept, aligned=tuple(c for c in point.aligned if c.operation not in reasons))
        for point in placement.points
        if (kept := tuple(c for c in point.consumers if c.operation not in reasons))
    )
    return Placement(
        points,
        hoist(graph, points, fixed),
        tuple(layer for layer in placement.layers if layer.name not in reasons),
        placement.left_float + tuple(FloatLayer(name, types[name], reason) for name, reason in reasons.items()),
        {name: layer for name, layer in placement.fused.items() if layer not in reasons},
    )


def _fused(order: list[Any], quantized: set[str]) -> dict[str, str]:
    """Biases and activations right behind a quantized layer: its kernel computes them; by name, with the layer's."""
    fused: dict[str, str] = {}
    for op in order:
        values = [value for value in op.input_values() if not is_constant(value)]
        if len(values) != 1 or len(values[0].get_target_inputs()) != 1:
            continue
        source = values[0].get_node().get_friendly_name()
        layer = source if source in quantized else fused.get(source)
        kind = op.get_type_name()
        if layer and (kind in ACTIVATIONS or (kind in ("Add", "Multiply", "Subtract") and op.get_input_size() == 2)):
            fused[op.get_friendly_name()] = layer
    return fused


def _feeds_weighted(order: list[Any]) -> set[str]:
    """Names of the operations that a weighted layer still follows (or that are one)."""
    needed: set[str] = set()
    for op in reversed(order):
        follows = any(
            t.get_node().get_friendly_name() in needed for out in op.outputs() for t in out.get_target_inputs()
        )
        if follows or weighted_layer(op) is not None:
            needed.add(op.get_friendly_name())
    return needed


def _wanted_ports(op: Any, needed: set[str], ignored: Ignored) -> tuple[tuple[int, ...], str]:
    """The inputs that want INT8, or none and the reason that a person can read ('' for what is no layer)."""
    kind = op.get_type_name()
    if kind in NOT_LAYERS or op.get_output_size() == 0 or not is_float(op.output(0)) or is_constant(op.output(0)):
        return (), ""
    ports, reason = _by_kind(op)
    if not ports:
        return (), reason
    if op.get_friendly_name() not in needed:
        return (), "stands behind the last weighted layer, where 8 bits cost accuracy and win no time"
    if _is_ignored(op, ignored):
        return (), "ignored, as the settings ask"
    if any(rank(op.input_value(i)) is None for i in ports):
        return (), "the number of axes of its input is not known before the run"
    return ports, ""


def _by_kind(op: Any) -> tuple[tuple[int, ...], str]:
    kind = op.get_type_name()
    if kind in RECURRENT:
        return (), "recurrent layers run in float"
    if kind in WITH_BODY:
        return (), f"the layers in the body of {kind} run in float"
    if kind == "ScaledDotProductAttention":
        return (), "attention runs as one fused float kernel"
    layer = weighted_layer(op)
    if layer is not None:
        return _of_weighted(op, layer)
    if kind == "Add":
        return _of_addition(op)
    if kind == "AvgPool" and rank(op.input_value(0)) == 4:
        return (0,), ""
    return (), "element-wise, normalisation or data movement: follows the precision of its neighbours"


def _of_weighted(op: Any, layer: WeightedLayer) -> tuple[tuple[int, ...], str]:
    if layer.type == "GroupConvolutionBackpropData":
        return (), "the runtime has no INT8 kernel for a transposed convolution in groups"
    if layer.weight_port is None and layer.type in CONVOLUTIONS:
        return (), "its weights are computed at run time"
    if layer.weight_port is not None and len(op.input_value(layer.weight_port).get_shape()) < 2:
        return (), "its weights are a single vector"
    return layer.activation_ports, ""


def _of_addition(op: Any) -> tuple[tuple[int, ...], str]:
    """Residual additions of convolution nets: the branch that no convolution ends in is quantized.

    The convolution adds the other branch in its own accumulator. In transformers 8 bits around a LayerNorm cost both
    time and accuracy.
    """
    inputs = op.input_values()
    float_reason = "adds in the precision of its neighbours"
    if rank(op.output(0)) != 4 or any(is_constant(value) for value in inputs):
        return (), float_reason
    if inputs[0].get_partial_shape() != inputs[1].get_partial_shape() or not all(map(_from_convolution, inputs)):
        return (), float_reason
    skip = tuple(i for i in (0, 1) if not _ends_in_convolution(inputs[i]))
    return (skip or (0,)), ""


def _from_convolution(output: Any, depth: int = 12) -> bool:
    """Does the tensor come, through element-wise operations and data movement, from a convolution?"""
    node = output.get_node()
    kind = node.get_type_name()
    if kind in CONVOLUTIONS:
        return True
    stops = ("MatMul", "Softmax", "ScaledDotProductAttention", "ShapeOf", "TopK", "Convert", "MVN")
    if depth == 0 or kind in stops:
        return False
    return any(is_float(value) and _from_convolution(value, depth - 1) for value in node.input_values())


def _ends_in_convolution(output: Any) -> bool:
    """Does a convolution, with its bias at most behind it, write this tensor for this reader alone?"""
    if len(output.get_target_inputs()) > 1:
        return False
    node = output.get_node()
    if node.get_type_name() == "Add" and any(is_constant(value) for value in node.input_values()):
        value = next(v for v in node.input_values() if not is_constant(v))
        return _ends_in_convolution(value)
    layer = weighted_layer(node)
    return layer is not None and layer.weight_port is not None


def _is_ignored(op: Any, ignored: Ignored) -> bool:
    name = op.get_friendly_name()
    return (
        any(name == own or name.startswith(f"{own}/") for own in ignored.names)
        or op.get_type_name() in ignored.types
        or any(re.fullmatch(pattern, name) for pattern in ignored.patterns)
    )


def point_of(uses: list[tuple[Any, int]]) -> Point:
    """The tensor that some inputs (operation, index) read, as it is measured."""
    op, port = min(uses, key=lambda use: use[0].get_type_name() == "Add")
    output = op.input_value(port)
    axis = input_channel_axis(op, port)
    channels = dimension(output, axis)
    return Point(
        key(output),
        rank(output) or 1,
        axis,
        channels or 1,
        tuple(Port(user.get_friendly_name(), index) for user, index in uses),
        tuple(Port(u.get_friendly_name(), i) for u, i in uses if channels and input_channel_axis(u, i) == axis),
        output.get_node().get_type_name() == "Parameter",
    )

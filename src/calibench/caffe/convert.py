"""A Caffe network as an OpenVINO graph.

An operation is named like its layer, a tensor like its blob; what was taken off and the order of the layers are written
to the graph's rt_info.
"""

import json
import math
from dataclasses import dataclass

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.flow import where
from calibench.caffe.folding import fold
from calibench.caffe.handler import Context, dims
from calibench.caffe.input_shapes import input_shapes
from calibench.caffe.layers.handlers import HANDLERS
from calibench.caffe.naming import Names
from calibench.caffe.net import NORMAL, Layer, Net
from calibench.caffe.stripping import SCORES, Stripped, stripped
from calibench.errors import ModelError

MARK = "caffe"
"""The part of rt_info that is ours."""
TIED = ("Proposal", "Python", "ROIPooling", "PSROIPooling")
"""Layers whose bottoms do not all count the same samples: the batch stays as in the file."""
MOST_VALUES = 2**34
"""Of one blob: 64 GB of float32."""
ROWS = ("DetectionOutput",)
"""Layers that give rows of all samples, one behind the other."""


@dataclass(frozen=True, eq=False)
class Built:
    """A graph, and in it the value of each layer's tops, with the layer's type."""

    graph: ov.Model
    values: tuple[tuple[str, ov.Output], ...]


def to_openvino(net: Net) -> ov.Model:
    """The graph of a net in its phase, in float32, with a free batch where its layers allow it.

    Raises:
        ModelError: a layer cannot be converted, its weights are missing or do not fit, or a size is not known.
    """
    _check_bottoms(net)
    rest = stripped(net)
    folded, _ = fold(rest.net, rest.outputs)
    _check_types(folded)
    rest = Stripped(folded, rest.inputs, rest.outputs, rest.scores)
    shapes = input_shapes(rest)
    graph = _free(rest, shapes) or _build(rest, shapes, is_free=False).graph
    graph.set_rt_info("yes", NORMAL)
    graph.set_rt_info(json.dumps([_score(layer) for layer in rest.scores]), [MARK, "scores"])
    graph.set_rt_info(json.dumps([layer.name for layer in folded.layers]), [MARK, "order"])
    return graph


def _check_bottoms(net: Net) -> None:
    for layer in net.layers:
        if not layer.bottoms and (layer.type in SCORES or layer.type in HANDLERS) and layer.type != "Parameter":
            raise ModelError(f"{where(net, layer)} of type {layer.type} reads no blob. Add its bottom.")


def _check_types(net: Net) -> None:
    for layer in net.layers:
        if not layer.type:
            raise ModelError(f"{where(net, layer)} has no type. Add it.")
        if layer.type not in HANDLERS:
            raise ModelError(
                f"{where(net, layer)} has the type '{layer.type}', for which there is no handler. Add one in "
                "src/calibench/caffe/layers/handlers.py (how: ARCHITECTURE.md, Where to add what)."
            )


def _free(rest: Stripped, shapes: dict[str, tuple[int, ...]]) -> ov.Model | None:
    """The graph with a free batch; None where samples would mix."""
    if any(layer.type in TIED for layer in rest.net.layers):
        return None
    try:
        built = _build(rest, shapes, is_free=True)
        single, double = (_shapes_at(built, batch) for batch in (1, 2))
    except (ModelError, RuntimeError):
        return None  # built once more with the batch of the file: what is wrong is said there
    if not all(_grows(kind, one, two) for (kind, _), one, two in zip(built.values, single, double, strict=True)):
        return None
    _set_batch(built.graph, -1)
    return built.graph


def _shapes_at(built: Built, batch: int) -> list[list[int]]:
    _set_batch(built.graph, batch)
    return [dims(value) for _, value in built.values]


def _set_batch(graph: ov.Model, batch: int) -> None:
    # not Model.reshape: it changes operations
    for parameter in graph.get_parameters():
        parameter.set_partial_shape(ov.PartialShape([batch, *list(parameter.get_partial_shape())[1:]]))
    graph.validate_nodes_and_infer_types()


def _grows(kind: str, single: list[int], double: list[int]) -> bool:
    """Whether a value of two samples is twice the value of one, or does not depend on samples."""
    if len(single) != len(double):
        return False
    grown = [axis for axis, (one, two) in enumerate(zip(single, double, strict=True)) if one != two]
    return not grown or kind in ROWS or (grown == [0] and double[0] == 2 * single[0])


def _build(rest: Stripped, shapes: dict[str, tuple[int, ...]], is_free: bool) -> Built:
    names, parameters = Names(), {}
    for name, shape in shapes.items():
        parameters[name] = ops.parameter([-1 if is_free else shape[0], *shape[1:]], ov.Type.f32)
        parameters[name].set_friendly_name(names.take(name))
    table = {name: node.output(0) for name, node in parameters.items()}
    context = _context(rest.net, shapes, is_free)
    values = []
    for layer in rest.net.layers:
        inputs = [table[bottom] for bottom in layer.bottoms]
        tops = _converted(layer, inputs, context)
        _check_tops(rest.net, layer, tops)
        names.name(layer, inputs, tops)
        table.update(zip(layer.tops, tops, strict=False))
        values += [(layer.type, value) for value in tops]
    _name_tensors(table, parameters)
    results = [ops.result(table[name], name=names.take(f"{name}/result")) for name in rest.outputs]
    return Built(ov.Model(results, list(parameters.values()), rest.net.name), tuple(values))


def _check_tops(net: Net, layer: Layer, tops: list[ov.Output]) -> None:
    """Refuse a layer that makes fewer blobs than it names, or one that no memory holds."""
    if len(tops) < len(layer.tops):
        raise ModelError(
            f"{where(net, layer)}: names {len(layer.tops)} tops, but a layer of type {layer.type} makes {len(tops)} "
            f"here. Take {', '.join(layer.tops[len(tops) :])} away."
        )
    for value in tops:
        if math.prod(abs(size) for size in dims(value)) > MOST_VALUES:
            raise ModelError(
                f"{where(net, layer)}: its blob would be {dims(value)}, which no memory holds. Correct it."
            )


def _context(net: Net, shapes: dict[str, tuple[int, ...]], is_free: bool) -> Context:
    pictures = [shape for shape in shapes.values() if len(shape) == 4]
    batch = None if is_free else next((shape[0] for shape in shapes.values()), None)
    return Context(net, batch, (pictures[0][2], pictures[0][3]) if pictures else None)


def _converted(layer: Layer, inputs: list[ov.Output], context: Context) -> list[ov.Output]:
    try:
        return HANDLERS[layer.type](layer, inputs, context)
    except ModelError as error:
        raise ModelError(f"{where(context.net, layer)}: {error}") from None
    except (RuntimeError, ArithmeticError, IndexError, ValueError) as error:
        given = ", ".join(str(dims(value)) for value in inputs) or "none"
        raise ModelError(
            f"{where(context.net, layer)}: bottoms of shape {given} do not fit a layer of type {layer.type}. Correct "
            "the layer, or the sizes of the input."
        ) from error


def _name_tensors(table: dict[str, ov.Output], parameters: dict[str, ov.Node]) -> None:
    """Give each tensor the names of its blobs; what is computed in place of an input, that of its layer."""
    blobs: dict[tuple[str, int], tuple[ov.Output, set[str]]] = {}
    for name, value in (*table.items(), *((name, node.output(0)) for name, node in parameters.items())):
        node = value.get_node()
        own = name if parameters.get(name, node) == node else node.get_friendly_name()
        blobs.setdefault((node.get_name(), value.get_index()), (value, set()))[1].add(own)
    for value, names in blobs.values():
        value.get_tensor().set_names(names)


def _score(layer: Layer) -> dict[str, object]:
    """What a task needs of a layer that was taken off to compute the same score."""
    found: dict[str, object] = {
        "blob": layer.tops[0] if layer.tops else layer.name,
        "type": layer.type,
        "output": layer.bottoms[0],
    }
    if layer.type == "Accuracy":
        rule = layer.params.accuracy_param
        ignored = rule.ignore_label if rule.HasField("ignore_label") else None
        found |= {"top_k": rule.top_k, "axis": rule.axis, "ignore_label": ignored}
    if layer.type == "DetectionEvaluate":
        rule = layer.params.detection_evaluate_param
        fields = ("background_label_id", "overlap_threshold", "evaluate_difficult_gt", "num_classes")
        found |= {field: getattr(rule, field) for field in fields}
        found["overlap_threshold"] = round(rule.overlap_threshold, 6)  # a float32: 0.3, not 0.30000001
        found |= {"name_size_file": rule.name_size_file} if rule.name_size_file else {}
    return found

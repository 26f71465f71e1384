"""One layer alone, from the text of a prototxt: its handler's operations, run on given arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from google.protobuf import text_format

from calibench.caffe.handler import Context, Handler
from calibench.caffe.net import Layer, Net
from calibench.caffe.schema import message

CONTEXT = Context(Net("one", (), {}, Path("one.prototxt"), None))


def layer_of(text: str, blobs: Sequence[Any] = ()) -> Layer:
    """A layer from the inside of `layer { ... }`."""
    params = text_format.Parse(text, message("LayerParameter")())
    arrays = tuple(np.asarray(blob, np.float32) for blob in blobs)
    return Layer(params.name, params.type, tuple(params.bottom), tuple(params.top) or ("out",), params, arrays)


def built(handler: Handler, layer: Layer, shapes: Sequence[Sequence[int]]) -> tuple[ov.Model, list[ov.Output]]:
    """The model of one layer, inputs of the given shapes (-1: free), and the values that its handler returned."""
    inputs = [ops.parameter(list(shape), np.float32) for shape in shapes]
    values = handler(layer, [node.output(0) for node in inputs], CONTEXT)
    return ov.Model([ops.result(value) for value in values], inputs), values


def run_layer(
    handler: Handler, layer: Layer, arrays: Sequence[Any], shapes: Sequence[Sequence[int]] | None = None
) -> list[np.ndarray]:
    """What a layer makes of the arrays.

    Args:
        shapes: with which the layer is built; None: those of the arrays.
    """
    arrays = [np.asarray(array, np.float32) for array in arrays]
    model, _ = built(handler, layer, shapes or [array.shape for array in arrays])
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(arrays)
    return [np.array(found[number]) for number in range(len(compiled.outputs))]

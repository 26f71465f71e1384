"""Look behind a final softmax: probabilities hide errors that logits show."""

from typing import Any

import openvino as ov
import openvino.opset13 as ops

from calibench.models.graph import is_float

FORWARDS = frozenset(("Reshape", "Squeeze", "Unsqueeze", "Transpose", "Convert", "Identity"))


def float_outputs(model: ov.Model) -> list[Any]:
    """The tensors to compare two models by: its float outputs, a softmax at the end taken off.

    Outputs that hold no floats (class numbers, boxes' counts) are left out, unless there is no other.
    """
    found = [_before_softmax(result.input_value(0)) for result in model.get_results()]
    return [output for output in found if is_float(output)] or found


def expose(model: ov.Model) -> ov.Model:
    """A model over the same graph whose outputs are those of `float_outputs`; the given one is used up."""
    results = [ops.result(output) for output in float_outputs(model)]
    return ov.Model(results, model.get_sinks(), model.get_parameters(), model.get_name())


def _before_softmax(output: Any) -> Any:
    at = output
    while at.get_node().get_type_name() in FORWARDS:
        at = at.get_node().input_value(0)
    return at.get_node().input_value(0) if at.get_node().get_type_name() in ("Softmax", "LogSoftmax") else output

"""What two models are compared by: the values behind a final softmax are not looked at."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from openvino import opset16

from calibench.models.logits import expose, float_outputs

VALUE = np.random.default_rng(0).normal(size=(1, 6)).astype(np.float32)


def classifier(*ends):
    """data [1, 6] -> doubled -> each end."""
    x = ops.parameter([1, 6], np.float32, name="data")
    doubled = ops.multiply(x, np.float32(2), name="logits")
    return ov.Model([ops.result(end(doubled)) for end in ends], [x])


def softmax(node):
    return ops.softmax(node, 1)


ENDS = {
    "softmax": softmax,
    "log-softmax": lambda node: ops.log_softmax(node, 1),
    "behind a reshape": lambda node: ops.reshape(softmax(node), np.array([2, 3]), False),
    "behind a squeeze": lambda node: ops.squeeze(softmax(node), np.array([0])),
    "behind an identity": lambda node: opset16.identity(softmax(node)),
    "behind two": lambda node: ops.unsqueeze(ops.transpose(softmax(node), np.array([1, 0])), np.array([0])),
    "behind a conversion": lambda node: ops.convert(softmax(node), "f16"),
}


def answers(model):
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return list(compiled([VALUE]).values())


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_final_softmax_is_taken_off(end):
    model = classifier(end)
    assert [output.get_node().get_friendly_name() for output in float_outputs(model)] == ["logits"]
    np.testing.assert_allclose(answers(expose(model.clone()))[0].reshape(1, 6), 2 * VALUE, rtol=1e-6)


def test_a_model_without_softmax_keeps_its_outputs():
    model = classifier(lambda node: ops.relu(node))
    np.testing.assert_allclose(answers(expose(model))[0], np.maximum(2 * VALUE, 0), rtol=1e-6)


def test_movement_without_a_softmax_behind_it_is_no_reason_to_look_further():
    model = classifier(lambda node: ops.reshape(node, np.array([3, 2]), False))
    assert answers(expose(model))[0].shape == (3, 2)


def test_a_softmax_in_the_middle_stays():
    model = classifier(lambda node: ops.relu(softmax(node)))
    np.testing.assert_allclose(answers(expose(model))[0].sum(), 1, rtol=1e-5)


def test_several_outputs_keep_their_order():
    model = classifier(softmax, lambda node: ops.relu(node), softmax)
    found = answers(expose(model))
    assert len(found) == 3
    np.testing.assert_allclose(found[0], 2 * VALUE, rtol=1e-6)
    np.testing.assert_allclose(found[1], np.maximum(2 * VALUE, 0), rtol=1e-6)
    np.testing.assert_allclose(found[2], 2 * VALUE, rtol=1e-6)


def top(node):
    return ops.topk(node, np.int64(1), 1, "max", "value").output(1)


def test_integer_outputs_are_left_out_beside_others():
    found = answers(expose(classifier(top, softmax)))
    assert len(found) == 1
    np.testing.assert_allclose(found[0], 2 * VALUE, rtol=1e-6)


def test_integer_outputs_are_kept_where_there_is_nothing_else():
    found = answers(expose(classifier(top)))
    assert [array.dtype.kind for array in found] == ["i"]


def test_an_input_that_nothing_reads_any_more_does_no_harm():
    x, unused = ops.parameter([1, 6], np.float32), ops.parameter([1], np.float32)
    shifted = ops.reshape(softmax(x), ops.convert(ops.concat([unused, ops.constant(np.float32([6]))], 0), "i64"), False)
    model = expose(ov.Model([ops.result(shifted)], [x, unused]))
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled([VALUE, np.ones(1, np.float32)])[0], VALUE)

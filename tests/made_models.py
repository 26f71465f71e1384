"""Small models that take no pictures, or hold more than layers: texts, state, several inputs, control flow, boxes."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino.op.util import Variable, VariableInfo

WORDS, WIDTH, CLASSES, LONGEST = 50, 16, 3, 12


def weights(*shape, seed=0):
    """A constant with values that keep what flows near 1."""
    return ops.constant((np.random.default_rng(seed).standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32))


def named(node, name):
    """The node, with the name as its own and as that of its output."""
    node.set_friendly_name(name)
    node.output(0).set_names({name})
    return node


def data(shape, name="x", kind=np.float32):
    return named(ops.parameter(shape, kind), name)


def dense(value, inner, outer, name, seed=0):
    return named(ops.matmul(value, weights(inner, outer, seed=seed), False, False), name)


def text_classifier(*, has_positions=False):
    """Ids and mask of free length: embedding, attention, mean over the tokens, two dense layers.

    Args:
        has_positions: with a table of LONGEST positions, as models have it that fix their length inside.
    """
    ids, mask = data([-1, -1], "input_ids", np.int64), data([-1, -1], "attention_mask", np.int64)
    value = ops.gather(weights(WORDS, WIDTH), ids, ops.constant(0))
    if has_positions:
        value = ops.add(value, weights(1, LONGEST, WIDTH, seed=9))
    seen = ops.convert(mask, "f32")
    query, key, content = (
        dense(value, WIDTH, WIDTH, name, seed) for seed, name in enumerate(("query", "key", "value"), 1)
    )
    hidden = ops.multiply(ops.subtract(seen, ops.constant(np.float32(1))), ops.constant(np.float32(1e9)))
    scores = ops.add(ops.matmul(query, key, False, True), ops.unsqueeze(hidden, ops.constant([1])))
    value = ops.add(value, ops.matmul(ops.softmax(scores, -1), content, False, False))
    weight = ops.unsqueeze(seen, ops.constant([2]))
    pooled = ops.divide(
        ops.reduce_sum(ops.multiply(value, weight), np.array([1]), False), ops.reduce_sum(weight, np.array([1]), False)
    )
    logits = dense(ops.relu(dense(pooled, WIDTH, WIDTH, "pool", 4)), WIDTH, CLASSES, "logits", 5)
    return ov.Model([logits], [ids, mask], "text")


def _convolution_body(side, name):
    value = ops.parameter([1, 4, 8, 8], np.float32)
    layer = named(
        ops.convolution(value, weights(4, 4, side, side), [1, 1], [side // 2] * 2, [side // 2] * 2, [1, 1]), name
    )
    return ov.Model([ops.relu(layer)], [value], name)


def with_if():
    """A convolution, then one of two others in the branches of an If, by a flag."""
    x, flag = data([1, 3, 8, 8]), data([], "flag", np.bool_)
    first = named(ops.convolution(x, weights(4, 3, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1]), "first")
    then, other = _convolution_body(3, "wide"), _convolution_body(1, "narrow")
    choice = ops.if_op(flag.output(0))
    choice.set_then_body(then)
    choice.set_else_body(other)
    choice.set_input(first.output(0), then.get_parameters()[0], other.get_parameters()[0])
    result = choice.set_output(then.get_results()[0], other.get_results()[0])
    choice.set_friendly_name("choice")
    return ov.Model([named(ops.relu(result), "y")], [x, flag], "if")


def _step():
    """One step of a plain recurrence: its input, its state, its output."""
    value, state = ops.parameter([1, 1, 8], np.float32), ops.parameter([1, 1, 8], np.float32)
    new = ops.tanh(ops.add(dense(value, 8, 8, "from_input", 1), dense(state, 8, 8, "from_state", 2)))
    return value, state, new


def recurrence(*, has_layer_outside=True):
    """A TensorIterator over a sequence of free length, with a dense layer in front or not."""
    x = data([1, -1, 8])
    source = dense(x, 8, 8, "outside") if has_layer_outside else x
    value, state, new = _step()
    steps = ops.tensor_iterator()
    steps.set_body(ov.Model([new], [value, state], "step"))
    steps.set_sliced_input(value, source.output(0), 0, 1, 1, -1, 1)
    steps.set_merged_input(state, ops.constant(np.zeros((1, 1, 8), np.float32)).output(0), new.output(0))
    result = steps.get_concatenated_slices(new.output(0), 0, 1, 1, -1, 1)
    steps.set_friendly_name("steps")
    return ov.Model([named(ops.relu(result), "y")], [x], "recurrence")


def loop():
    """A Loop that runs a dense layer three times."""
    x = data([1, 8])
    value = ops.parameter([1, 8], np.float32)
    new, go_on = ops.tanh(dense(value, 8, 8, "again")), ops.constant(True)
    body = ov.Model([new, go_on], [value], "body")
    repeat = ops.loop(ops.constant(3).output(0), ops.constant(True).output(0))
    repeat.set_function(body)
    repeat.set_special_body_ports([-1, 1])
    repeat.set_merged_input(value, dense(x, 8, 8, "before").output(0), new.output(0))
    result = repeat.get_iter_value(new.output(0), -1)
    repeat.set_friendly_name("repeat")
    return ov.Model([dense(result, 8, 4, "y")], [x], "loop")


def gru():
    """A dense layer in front of a GRU over a sequence of free length."""
    x = data([1, -1, 8])
    length = ops.gather(ops.shape_of(x), ops.constant([1]), ops.constant(0))
    sequence = ops.gru_sequence(
        dense(x, 8, 8, "outside"),
        ops.constant(np.zeros((1, 1, 8), np.float32)),
        length,
        ops.constant(np.full((1, 24, 8), 0.2, np.float32)),
        ops.constant(np.full((1, 24, 8), 0.1, np.float32)),
        ops.constant(np.zeros((1, 24), np.float32)),
        8,
        "forward",
    )
    sequence.set_friendly_name("gru")
    return ov.Model([named(ops.relu(sequence.output(1)), "y")], [x], "gru")


def stateful():
    """A sum that goes on from one inference to the next, between two dense layers."""
    x = data([1, 8])
    about = VariableInfo()
    about.data_shape, about.data_type, about.variable_id = ov.PartialShape([1, 8]), ov.Type.f32, "sum"
    variable = Variable(about)
    before = ops.read_value(ops.constant(np.zeros((1, 8), np.float32)), variable)
    after = ops.add(before, dense(x, 8, 8, "inside", 1))
    keep = ops.assign(after, variable)
    return ov.Model([ops.result(dense(after, 8, 4, "y", 2))], [keep], [x], "stateful")


def with_a_number():
    """An array and a single number, such as a sampling rate."""
    x, rate = data([1, 8]), data([], "rate", np.int64)
    value = ops.multiply(x, ops.convert(rate, "f32"))
    return ov.Model([dense(ops.relu(dense(value, 8, 8, "first")), 8, 4, "y")], [x, rate], "number")


def two_inputs():
    """A row of numbers and a sequence of another length."""
    x, notes = data([1, 8]), data([1, -1, 6], "notes")
    mean = ops.reduce_mean(dense(notes, 6, 8, "of_notes", 1), np.array([1]), False)
    return ov.Model([dense(ops.relu(ops.add(dense(x, 8, 8, "of_x", 2), mean)), 8, 4, "y", 3)], [x, notes], "two")


def finder():
    """Boxes and scores of a small picture, as many as suppression leaves."""
    x = data([1, 3, 16, 16])
    found = ops.relu(ops.convolution(x, weights(8, 3, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1]))
    boxes = ops.convolution(found, weights(4, 8, 1, 1, seed=1), [1, 1], [0, 0], [0, 0], [1, 1])
    scores = ops.sigmoid(ops.convolution(found, weights(2, 8, 1, 1, seed=2), [1, 1], [0, 0], [0, 0], [1, 1]))
    rows = ops.transpose(ops.reshape(boxes, [1, 4, 64], False), [0, 2, 1])
    limits = (ops.constant(np.int64(64)), ops.constant(np.float32(0.5)), ops.constant(np.float32(0.8)))
    kept = ops.non_max_suppression(rows, ops.reshape(scores, [1, 2, 64], False), *limits)
    places = ops.squeeze(ops.gather(kept.output(0), ops.constant([2]), ops.constant(1)), ops.constant([1]))
    chosen = ops.gather(ops.squeeze(rows, ops.constant([0])), places, ops.constant(0))
    sure = ops.gather(kept.output(1), ops.constant([2]), ops.constant(1))
    return ov.Model([named(chosen, "boxes"), named(sure, "scores")], [x], "finder")

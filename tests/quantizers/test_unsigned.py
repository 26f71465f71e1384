"""Unsigned or signed, from the graph: what the original's walk finds, and what a proof adds."""

import numpy as np
import pytest
from graphs import conv, data, matmul, relu
from openvino import opset13 as ops

from calibench.quantizers.unsigned import sign_of


def net():
    return conv(data(1, 4, 8, 8), (4, 4, 3, 3))


def pool(node):
    return ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)


@pytest.mark.parametrize(
    ("make", "sign"),
    [
        (lambda x: x, "signed"),
        (relu, "unsigned"),
        (lambda x: ops.add(x, np.ones((1, 4, 1, 1), np.float32)), "signed"),
        (lambda x: pool(relu(x)), "unsigned"),
        (pool, "signed"),
        (lambda x: relu(pool(x)), "unsigned"),
        (lambda x: ops.prelu(x, np.array([0.1], np.float32)), "signed"),
        (lambda x: ops.prelu(relu(x), np.array([0.1], np.float32)), "unknown"),
        (lambda x: ops.clamp(x, 0, 6), "unsigned"),
        (lambda x: ops.clamp(x, -1, 6), "unknown"),
        (lambda x: ops.concat([relu(x), x], 1), "signed"),
        (lambda x: ops.concat([relu(x), ops.sigmoid(x)], 1), "unsigned"),
        (lambda x: ops.add(relu(x), x), "signed"),
        (lambda x: ops.add(relu(x), ops.sigmoid(x)), "unsigned"),
        (lambda x: ops.maximum(relu(x), x), "unsigned"),
        (lambda x: ops.maximum(ops.tanh(x), x), "signed"),
        (lambda x: ops.elu(x, 1.0), "unknown"),
        (lambda x: ops.multiply(relu(x), np.float32(0.5)), "unsigned"),
        (lambda x: ops.multiply(relu(x), np.float32(-0.5)), "unknown"),
        (lambda x: ops.add(relu(x), np.float32(-0.5)), "unknown"),
        (lambda x: ops.reshape(x, np.array([1, -1]), False), "signed"),
        (lambda x: ops.reduce_mean(relu(x), np.array([2, 3]), True), "unsigned"),
        (lambda x: matmul(ops.reshape(relu(x), np.array([1, -1]), False), (256, 3)), "unknown"),
    ],
)
def test_what_the_graph_tells(make, sign):
    made = make(net())
    output = made if type(made).__name__ == "Output" else made.output(0)
    assert sign_of(output) == sign


def test_an_input_of_the_network_tells_nothing():
    assert sign_of(data(1, 3, 4, 4).output(0)) == "unknown"


def test_a_long_chain_of_sums_is_walked_once():
    node = relu(net())
    for _ in range(200):
        node = ops.add(node, node)
    assert sign_of(node.output(0)) == "unsigned"

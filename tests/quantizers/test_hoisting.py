"""Quantizers move above what only moves values."""

import numpy as np
import pytest
from graphs import conv, data, matmul, model, relu, weights
from openvino import opset13 as ops

from calibench.models.normalise import normalise
from calibench.quantizers.hoisting import hoist
from calibench.quantizers.placement import place
from calibench.settings import Ignored


def sites_of(fp32):
    return place(normalise(fp32), Ignored()).sites


def standing_on(fp32):
    return {site.tensor[0] for site in sites_of(fp32)}


def after(movement, *shape, last=None):
    """relu(conv) -> movement -> last layer."""
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"))
    return model((last or (lambda node: conv(node, shape, "last")))(movement(first)), x)


MOVEMENTS = {
    "transpose": (lambda n: ops.transpose(n, np.array([0, 1, 3, 2])), (4, 4, 1, 1)),
    "reshape": (lambda n: ops.reshape(n, np.array([1, 16, 4, 4]), False), (4, 16, 1, 1)),
    "max_pool": (
        lambda n: ops.max_pool(n, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], index_element_type="i64").output(0),
        (4, 4, 1, 1),
    ),
    "slice": (
        lambda n: ops.slice(n, np.array([0]), np.array([2]), np.array([1]), np.array([1])),
        (4, 2, 1, 1),
    ),
    "space_to_depth": (lambda n: ops.space_to_depth(n, "blocks_first", 2), (4, 16, 1, 1)),
    "two": (
        lambda n: ops.transpose(ops.reshape(n, np.array([1, 16, 4, 4]), False), np.array([0, 1, 3, 2])),
        (4, 16, 1, 1),
    ),
}


@pytest.mark.parametrize("name", MOVEMENTS)
def test_a_quantizer_moves_above_movement(name):
    movement, shape = MOVEMENTS[name]
    fp32 = after(movement, *shape)
    found = {site.tensor[0]: site for site in sites_of(fp32)}
    assert set(found) == {"data", "relu"}
    points = place(normalise(fp32), Ignored()).points
    assert {name for name, _ in found["relu"].points} <= {point.tensor[0] for point in points}
    assert found["relu"].points != (("relu", 0),)  # measured where the last layer reads


def test_a_quantizer_stays_behind_arithmetic():
    assert standing_on(after(lambda n: ops.sigmoid(n, name="sigmoid"), 4, 4, 1, 1)) == {"data", "sigmoid"}


def test_a_quantizer_stays_where_somebody_else_reads_the_tensor_in_float():
    x = data(1, 4, 8, 8)
    moved = ops.transpose(relu(conv(x, (4, 4, 3, 3), "first")), np.array([0, 1, 3, 2]), name="moved")
    fp32 = model([conv(moved, (4, 4, 1, 1), "last"), ops.sigmoid(moved, name="other")], x)
    assert standing_on(fp32) == {"data", "moved"}


def test_the_source_of_movement_may_have_float_readers():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"))
    moved = ops.transpose(first, np.array([0, 1, 3, 2]), name="moved")
    fp32 = model([conv(moved, (4, 4, 1, 1), "last"), ops.sigmoid(first, name="other")], x)
    found = {site.tensor[0]: site.ports for site in sites_of(fp32)}
    assert [port.operation for port in found["relu"]] == ["moved"]


def test_two_layers_behind_different_movements_share_one_quantizer():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (4, 4, 3, 3), "first"))
    moved = [ops.transpose(first, np.array([0, 1, 3, 2])), ops.reshape(first, np.array([1, 16, 4, 4]), False)]
    fp32 = model([conv(moved[0], (4, 4, 1, 1), "a"), conv(moved[1], (4, 16, 1, 1), "b")], x)
    found = {site.tensor[0]: site for site in sites_of(fp32)}
    assert set(found) == {"data", "relu"}
    assert len(found["relu"].points) == 2


@pytest.mark.parametrize("lowest", [-3.4e38, 0.0])
def test_a_quantizer_stays_below_a_max_pool_that_a_pad_feeds(lowest):
    def padded(node):
        pads = np.array([0, 0, 1, 1])
        wide = ops.pad(node, pads, pads, "constant", np.float32(lowest), name="pad")
        return ops.max_pool(wide, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], index_element_type="i64", name="pool").output(
            0
        )

    assert standing_on(after(padded, 4, 4, 1, 1)) == {"data", "pool"}


@pytest.mark.parametrize("flat", ["reshape", "squeeze"])
def test_a_quantizer_stays_below_the_flattening_in_front_of_a_matmul(flat):
    def classify(node):
        pooled = ops.reduce_mean(node, np.array([2, 3]), True)
        if flat == "reshape":
            return matmul(ops.reshape(pooled, np.array([1, 4]), False, name="flat"), (4, 3), "last")
        return matmul(ops.squeeze(pooled, np.array([2, 3]), name="flat"), (4, 3), "last")

    assert standing_on(after(lambda node: node, last=classify)) == {"data", "flat"}


def test_a_fixed_tensor_keeps_its_quantizer():
    fp32 = after(lambda n: ops.transpose(n, np.array([0, 1, 3, 2]), name="moved"), 4, 4, 1, 1)
    graph = normalise(fp32)
    points = place(graph, Ignored()).points
    assert {site.tensor[0] for site in hoist(graph, points)} == {"data", "relu"}
    assert {site.tensor[0] for site in hoist(graph, points, frozenset({("moved", 0)}))} == {"data", "moved"}
    assert {site.tensor[0] for site in hoist(graph, points, frozenset({("relu", 0)}))} == {"data", "moved"}


# --- Concat


def branches(x, count, first=0):
    return [relu(conv(x, weights(4, 4, 3, 3, seed=i), f"part{i}"), f"relu{i}") for i in range(first, first + count)]


def groups(fp32):
    return {site.tensor[0]: site.group for site in sites_of(fp32)}


def test_the_inputs_of_a_concat_share_one_group():
    x = data(1, 4, 8, 8)
    found = groups(model(conv(ops.concat(branches(x, 3), 1), (4, 12, 1, 1), "last"), x))
    assert set(found) == {"data", "relu0", "relu1", "relu2"}
    assert found["relu0"] == found["relu1"] == found["relu2"] != found["data"]


def test_concats_that_meet_in_one_tensor_share_one_group():
    x = data(1, 4, 8, 8)
    a, b, c = branches(x, 3)
    fp32 = model(
        [conv(ops.concat([a, b], 1), (4, 8, 1, 1), "left"), conv(ops.concat([b, c], 1), (4, 8, 1, 1), "right")], x
    )
    found = groups(fp32)
    assert found["relu0"] == found["relu1"] == found["relu2"] != found["data"]


def test_concats_that_do_not_meet_have_groups_of_their_own():
    x = data(1, 4, 8, 8)
    a, b, c, d = branches(x, 4)
    fp32 = model(
        [conv(ops.concat([a, b], 1), (4, 8, 1, 1), "left"), conv(ops.concat([c, d], 1), (4, 8, 1, 1), "right")], x
    )
    found = groups(fp32)
    assert found["relu0"] == found["relu1"] != found["relu2"] == found["relu3"]


def test_a_concat_behind_a_concat_joins_all_inputs():
    x = data(1, 4, 8, 8)
    a, b, c = branches(x, 3)
    outer = ops.concat([ops.concat([a, b], 1), c], 1)
    found = groups(model(conv(outer, (4, 12, 1, 1), "last"), x))
    assert len({found[f"relu{i}"] for i in range(3)}) == 1


def test_one_tensor_may_enter_a_concat_twice():
    x = data(1, 4, 8, 8)
    (a,) = branches(x, 1)
    fp32 = model(conv(ops.concat([a, a], 1, name="concat"), (4, 8, 1, 1), "last"), x)
    found = {site.tensor[0]: [(p.operation, p.index) for p in site.ports] for site in sites_of(fp32)}
    assert found["relu0"] == [("concat", 0), ("concat", 1)]


def test_a_concat_with_a_constant_keeps_the_quantizer_behind_it():
    x = data(1, 4, 8, 8)
    (a,) = branches(x, 1)
    fp32 = model(conv(ops.concat([a, weights(1, 4, 8, 8)], 1, name="concat"), (4, 8, 1, 1), "last"), x)
    assert standing_on(fp32) == {"data", "concat"}


def test_groups_are_numbered_alike_in_two_runs():
    x = data(1, 4, 8, 8)
    fp32 = model(conv(ops.concat(branches(x, 3), 1), (4, 12, 1, 1), "last"), x)
    assert sites_of(fp32) == sites_of(fp32)

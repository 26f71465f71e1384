"""Ranges and weights read back from INT8 graphs, made by hand and by Calibench itself."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.models.graph import operations
from calibench.models.normalise import normalise
from calibench.quantizers.read_back import found_quantizers, has_byte_weights, is_int8
from calibench.reports.compared_rows import (
    ABSENT,
    COMPRESSED,
    FLOAT_INPUT,
    FLOAT_WEIGHTS,
    ONE_INPUT,
    alike,
    compared_rows,
    unmatched,
)
from calibench.reports.report import LayerRow

KERNEL = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
ONES = [1, 1], [0, 0], [0, 0], [1, 1]


def quantizer(node, low=-1.0, high=1.0, levels=256):
    low, high = np.float32(low), np.float32(high)
    return ops.fake_quantize(node, low, high, low, high, levels)


def byte_weights(kernel):
    """int8 -> Convert -> Multiply, one scale a channel."""
    scale = np.abs(kernel).max((1, 2, 3), keepdims=True) / 127
    integers = np.rint(kernel / scale).astype(np.int8)
    return ops.multiply(ops.convert(ops.constant(integers), "f32"), scale.astype(np.float32))


def network(read=lambda node: node, kernel=None, name="conv") -> ov.Model:
    """Input [1, 3, 4, 4] -> `read` -> Convolution."""
    data = ops.parameter([1, 3, 4, 4], np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    node = ops.convolution(read(data), ops.constant(KERNEL) if kernel is None else kernel, *ONES, name=name)
    return ov.Model([ops.result(node)], [data], "net")


def only(fp32: ov.Model, int8: ov.Model) -> LayerRow:
    (row,) = compared_rows(fp32, int8)
    return row


def test_a_quantized_layer_shows_range_step_and_weights() -> None:
    row = only(network(), network(lambda node: quantizer(node, -0.5, 0.49609375), byte_weights(KERNEL)))
    assert (row.name, row.precision, row.reason) == ("conv", "int8", None)
    (found,) = row.quantizers
    assert (found.input, found.low, found.high, found.levels) == (0, (-0.5,), (0.49609375,), 256)
    assert found.step == pytest.approx((0.99609375 / 255,))
    assert row.weights is not None and row.weights.channels == 4
    assert min(row.weights.error_db) > 35


def test_weights_behind_a_quantizer_count_as_int8() -> None:
    largest = float(np.abs(KERNEL).max())
    kernel = quantizer(ops.constant(KERNEL), -largest, largest, 255)
    row = only(network(), network(quantizer, kernel))
    assert row.precision == "int8"
    assert len(row.quantizers) == 1  # of the activation: that of the weights is no range of an input


def test_a_quantizer_above_a_movement_serves_the_layer() -> None:
    def read(node):
        return ops.transpose(quantizer(node), np.array([0, 1, 3, 2]))

    row = only(network(lambda node: ops.transpose(node, np.array([0, 1, 3, 2]))), network(read, byte_weights(KERNEL)))
    assert row.precision == "int8"


def test_ranges_per_channel_are_read_whole() -> None:
    def read(node):
        low = np.array([-1.0, -2.0, -3.0], np.float32).reshape(1, 3, 1, 1)
        return ops.fake_quantize(node, low, -low, low, -low, 256)

    (found,) = only(network(), network(read, byte_weights(KERNEL))).quantizers
    assert (found.low, found.high) == ((-1.0, -2.0, -3.0), (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("int8", "reason"),
    [
        (network(), FLOAT_INPUT),
        (network(kernel=byte_weights(KERNEL)), COMPRESSED),
        (network(quantizer), FLOAT_WEIGHTS),
        (network(name="other"), ABSENT),
    ],
    ids=["float", "compressed", "input alone", "absent"],
)
def test_a_float_layer_says_what_it_lacks(int8: ov.Model, reason: str) -> None:
    row = only(network(), int8)
    assert (row.precision, row.reason, row.quantizers) == ("float", reason, ())
    assert unmatched((row,)) == (reason == ABSENT)


def test_a_product_of_two_activations_needs_both_in_int8() -> None:
    def product(first, second) -> ov.Model:
        one, two = (ops.parameter([1, 4, 4], np.float32, name=name) for name in ("one", "two"))
        node = ops.matmul(first(one), second(two), False, False, name="product")
        return ov.Model([ops.result(node)], [one, two], "product")

    def plain(node):
        return node

    fp32 = product(plain, plain)
    assert only(fp32, product(quantizer, quantizer)).precision == "int8"
    assert only(fp32, product(quantizer, plain)).reason == ONE_INPUT


def test_rescaled_weights_tell_no_error_of_rounding() -> None:
    row = only(network(), network(quantizer, byte_weights(KERNEL * 3)))
    assert row.weights is not None and row.weights.error_db == ()


def test_quantized_additions_are_rows_and_movements_are_not() -> None:
    def model(read) -> ov.Model:
        data = ops.parameter([1, 4], np.float32, name="data")
        moved = ops.reshape(read(data), np.array([4, 1]), False, name="moved")
        node = ops.add(read(moved), read(ops.relu(moved)), name="sum")
        return ov.Model([ops.result(node)], [data], "sums")

    assert [row.name for row in compared_rows(model(lambda node: node), model(quantizer))] == ["sum"]


def test_an_addition_with_one_quantized_branch_runs_in_int8() -> None:
    def model(read) -> ov.Model:
        data = ops.parameter([1, 4], np.float32, name="data")
        node = ops.add(read(ops.relu(data)), ops.tanh(data), name="sum")
        return ov.Model([ops.result(node)], [data], "sums")

    row = only(model(lambda node: node), model(quantizer))
    assert (row.precision, [each.input for each in row.quantizers]) == ("int8", [0])


def test_the_graph_is_taken_whose_names_the_int8_file_has() -> None:
    """Normalising fuses the normalisation of the batch into the convolution, which then has another name."""

    def normed() -> ov.Model:
        data = ops.parameter([1, 3, 4, 4], np.float32, name="data")
        node = ops.convolution(data, ops.constant(KERNEL), *ONES, name="conv")
        ones = np.ones(4, np.float32)
        node = ops.batch_norm_inference(node, 2 * ones, ones, ones, ones, 1e-3, name="norm")
        return ov.Model([ops.result(node)], [data], "normed")

    fp32 = normed()
    (fused,) = [op.get_friendly_name() for op in normalise(fp32).get_ops() if op.get_type_name() == "Convolution"]
    assert fused != "conv"
    assert alike(fp32, network(quantizer)) is fp32
    assert fused in operations(alike(fp32, network(quantizer, name=fused)))


def test_facts_of_one_layer() -> None:
    int8 = network(quantizer, byte_weights(KERNEL))
    conv = next(op for op in int8.get_ops() if op.get_type_name() == "Convolution")
    assert is_int8(conv) and has_byte_weights(conv)
    assert [each.levels for each in found_quantizers(conv)] == [256]

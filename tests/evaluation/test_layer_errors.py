import math

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.evaluation import layer_errors as module
from calibench.evaluation.layer_errors import layer_errors

SAMPLES = Arrays(
    [{"data": np.random.default_rng(i).normal(size=(1, 4, 6, 6)).astype(np.float32)} for i in range(3)], name="random"
)
KERNEL = np.random.default_rng(9).normal(size=(4, 4, 1, 1)).astype(np.float32)


def network(first: float = 0.0, second: float = 0.0, *, bias: float | None = None, shape: tuple = (1, 4, 6, 6)):
    """Two convolutions; `first`, `second`: by how much their weights are off, as a share; `bias` after the first."""
    data = ops.parameter(ov.PartialShape(list(shape)), np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    node = ops.convolution(data, KERNEL * np.float32(1 + first), [1, 1], [0, 0], [0, 0], [1, 1], name="first")
    if bias is not None:
        node = ops.add(node, np.float32(bias), name="bias")
    node = ops.convolution(node, KERNEL * np.float32(1 + second), [1, 1], [0, 0], [0, 0], [1, 1], name="second")
    return ov.Model([ops.result(node)], [data], "two")


def test_equal_graphs_differ_nowhere() -> None:
    assert layer_errors(network(), network(), ["first", "second"], SAMPLES) == {"first": math.inf, "second": math.inf}


def test_the_error_of_a_layer_is_that_of_its_output() -> None:
    found = layer_errors(network(), network(first=0.01), ["first", "second"], SAMPLES)
    assert found["first"] == pytest.approx(40, abs=0.01)  # 1 % of the signal is 40 dB below it
    assert found["second"] == pytest.approx(40, abs=0.01)  # what went wrong before it stays


def test_a_later_error_does_not_touch_earlier_layers() -> None:
    found = layer_errors(network(), network(second=0.1), ["first", "second"], SAMPLES)
    assert found["first"] == math.inf
    assert found["second"] == pytest.approx(20, abs=0.01)


def test_a_corrected_bias_belongs_to_its_layer() -> None:
    found = layer_errors(network(bias=0.0), network(bias=0.0), ["first"], SAMPLES)
    moved = layer_errors(network(bias=0.0), network(bias=0.5), ["first"], SAMPLES)
    assert found["first"] == math.inf
    assert moved["first"] < 40


def test_a_layer_that_one_graph_lacks_is_left_out() -> None:
    assert set(layer_errors(network(bias=1.0), network(), ["bias", "second", "data?"], SAMPLES)) == {"second"}


def test_the_size_of_the_groups_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = layer_errors(network(), network(first=0.01, second=0.02), ["first", "second"], SAMPLES)
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    assert layer_errors(network(), network(first=0.01, second=0.02), ["first", "second"], SAMPLES) == whole


def test_large_outputs_are_compared_at_some_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 10)
    assert layer_errors(network(), network(first=0.01), ["first"], SAMPLES)["first"] == pytest.approx(40, abs=0.01)


def test_free_axes_take_the_shapes_of_the_samples() -> None:
    free = (-1, 4, -1, -1)
    found = layer_errors(network(shape=free), network(first=0.01, shape=free), ["first"], SAMPLES)
    assert found["first"] == pytest.approx(40, abs=0.01)


def test_samples_may_differ_in_shape() -> None:
    free = (-1, 4, -1, -1)
    mixed = Arrays([*SAMPLES.samples, {"data": np.ones((1, 4, 3, 9), np.float32)}])
    found = layer_errors(network(shape=free), network(first=0.01, shape=free), ["first"], mixed)
    assert found["first"] == pytest.approx(40, abs=0.01)


def test_without_samples_nothing_is_measured() -> None:
    assert layer_errors(network(), network(), ["first"], Arrays([])) == {}

"""Recipes are compared by the output error on samples kept apart."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.quantizers.choose import COMPARED_VALUES, thin, try_out


def scaled(*gains):
    """data [1, 4] times each gain: one output a gain."""
    x = ops.parameter([1, 4], np.float32, name="data")
    x.output(0).tensor.set_names({"data"})
    model = ov.Model([ops.result(ops.multiply(x, np.float32(gain))) for gain in gains], [x])
    return compile_for_samples(model, "CPU", 1)


SAMPLES = Arrays([{"data": np.float32([[1, 2, 3, 4]]) * i} for i in range(1, 4)])


def references(*gains):
    return [thin(outputs) for outputs in infer_all(scaled(*gains), SAMPLES.samples)]


def test_a_tenth_of_noise_is_20_db_below_the_signal():
    found = try_out("a", scaled(1.1), SAMPLES, references(1))
    assert found.recipe == "a"
    assert found.samples == 3
    assert found.error_db == pytest.approx(-20, abs=1e-3)


def test_outputs_are_averaged_in_db():
    assert try_out("a", scaled(1.1, 1.01), SAMPLES, references(1, 1)).error_db == pytest.approx(-30, abs=0.01)


def test_a_better_recipe_has_the_lower_error():
    good, bad = (try_out("a", scaled(gain), SAMPLES, references(1)).error_db for gain in (1.01, 1.5))
    assert good < bad


def test_the_same_model_has_hardly_any_error():
    assert try_out("a", scaled(1), SAMPLES, references(1)).error_db < -200


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_model_that_breaks_is_the_worst(broken):
    assert try_out("a", scaled(broken), SAMPLES, references(1)).error_db == float("inf")


def test_every_sample_needs_its_reference():
    with pytest.raises(ValueError, match="zip"):
        try_out("a", scaled(1), SAMPLES, references(1)[:2])


def test_small_outputs_are_compared_whole():
    values = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    (found,) = thin((values,))
    assert found.tolist() == list(range(12))
    assert not np.shares_memory(found, values)


@pytest.mark.parametrize("size", [COMPARED_VALUES, COMPARED_VALUES + 1, 2 * COMPARED_VALUES - 1, 10 * COMPARED_VALUES])
def test_at_most_so_many_values_of_an_output_are_compared(size):
    (found,) = thin((np.arange(size, dtype=np.float32),))
    assert COMPARED_VALUES / 2 <= found.size <= COMPARED_VALUES
    assert (np.diff(np.diff(found)) == 0).all()
    assert found[-1] >= 0.99 * (size - 1)


def test_integers_become_floats():
    (found,) = thin((np.array([1, 2], np.int64),))
    assert found.dtype == np.float32


def detections(threshold):
    """The values above a threshold: as many as there are."""
    x = ops.parameter([1, 4], np.float32, name="data")
    x.output(0).tensor.set_names({"data"})
    places = ops.non_zero(ops.greater(x, np.float32(threshold)), "i64")
    model = ov.Model([ops.result(ops.gather_nd(x, ops.transpose(places, np.array([1, 0])), 0))], [x])
    return compile_for_samples(model, "CPU", 1)


def test_an_output_whose_length_depends_on_the_values_can_be_compared():
    exact = [thin(outputs) for outputs in infer_all(detections(1.5), SAMPLES.samples)]
    assert try_out("a", detections(1.5), SAMPLES, exact).error_db < -200
    assert try_out("a", detections(2.5), SAMPLES, exact).error_db > -20

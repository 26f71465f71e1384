"""The pieces of the search take a network whose INT8 is what a prototxt can say."""

import numpy as np
import pytest

from caffe_like_nets import by_scales, residual
from calibench.caffe.int8_graph import apply_scales
from calibench.datasets.dataset import Arrays
from calibench.evaluation.distortion import Distortion
from calibench.evaluation.layer_errors import layer_errors
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.quantizers.layer_scales import UNSAID, scales_of
from calibench.reports.layer_rows import layer_rows
from calibench.search.candidates import Candidates
from calibench.search.own_errors import own_errors
from calibench.search.sensitivity import rank
from calibench.search.single_layers import single_errors
from calibench.search.timing import measure_timings
from calibench.search.values import Configuration

ALL = {"first_convolution": True, "inner_product": True}


def run(model, samples):
    return np.concatenate([outputs[0] for outputs in infer_all(compile_for_samples(model, "CPU", 1), samples)])


def decibels(fp32, int8, samples):
    """Signal over noise of all outputs together."""
    distortion = Distortion()
    distortion.add(run(fp32, samples), run(int8, samples))
    return distortion.sqnr_db


@pytest.fixture(scope="module")
def net():
    return residual()


@pytest.fixture(scope="module")
def samples(net):
    values = np.random.default_rng(0)
    return [{"data": values.uniform(-1, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(24)]


@pytest.fixture(scope="module")
def found(net, samples):
    return by_scales(net, samples, caffe=ALL)


@pytest.fixture(scope="module")
def candidates(net, samples, found):
    return Candidates(net, found, Arrays(samples[:8]), "f32")


def test_layers_are_ranked_by_one_forked_model_as_by_one_model_each(net, samples, found):
    few = Arrays(samples[:4])
    ranked = rank(net, found.quantization, found.options, few, found.run, candidates=5)
    assert {each.name for each in ranked} == set(own_errors(net, found.quantization, found.options, few, found.run))
    measured = {each.name: each.error_db for each in ranked if each.error_db is not None}
    singly = single_errors(net, found.quantization, found.options, list(measured), few, found.run)
    for name, error in measured.items():
        assert error == pytest.approx(singly[name], abs=1.0)


def test_every_configuration_is_what_its_scales_say(net, samples, found, candidates):
    for floats in ((), ("last",), ("first", "sum2"), ("mean", "left"), candidates.layers):
        configuration = Configuration(frozenset(floats))
        built, left = candidates.build(configuration), candidates.quantization(configuration)
        said = apply_scales(net, scales_of(net, left, found.options))
        np.testing.assert_array_equal(run(built, samples[:4]), run(said, samples[:4]))
    assert decibels(net, built, samples[:4]) > 100


def test_a_layer_that_went_along_is_told_apart_from_one_given_back(candidates):
    left = candidates.quantization(Configuration(frozenset({"last"})), lambda name: "given back")
    told = {each.name: each.reason for each in left.placement.left_float}
    assert (told["last"], told["mean"]) == ("given back", UNSAID)


def test_the_repair_moves_the_outputs_no_further_away(net, samples, candidates):
    mended = candidates.build(Configuration(repair="bias"))
    assert candidates.shifts
    rest = samples[8:]
    assert decibels(net, mended, rest) > decibels(net, candidates.build(Configuration()), rest) - 1


def test_layers_are_timed_and_compared_by_name(net, samples, found, candidates):
    times = measure_timings(net, found.graph, candidates.layers, samples[0], ("CPU", 1, "f32"))
    assert times.int8_ms > 0
    assert set(times.saves_ms) <= set(candidates.layers)
    assert {"first", "long2", "next1"} <= set(times.saves_ms)
    errors = layer_errors(net, found.graph, candidates.layers, Arrays(samples[:2]))
    assert {"first", "long2", "classes"} <= errors.keys()
    assert all(error > 20 for error in errors.values())


def test_the_report_has_a_row_for_every_layer_with_its_range_and_histogram(net, found):
    rows = {row.name: row for row in layer_rows(net, found.quantization, found.histograms, found.options)}
    assert rows["last"].precision == "int8"
    (quantizer,) = rows["last"].quantizers
    own = scales_of(net, found.quantization, found.options)["last"]
    assert quantizer.high == pytest.approx((255 / own.scale_in,), rel=1e-6)
    assert sum(quantizer.values.counts) > 0
    assert rows["sum2"].precision == "int8"
    assert rows["pool"].precision == "float"

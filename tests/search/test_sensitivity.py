"""The ranking finds the layer that was planted, in the time of few layers, the same on any number of threads."""

from dataclasses import replace

import numpy as np
import pytest
from single_layer_network import LAYERS, calibrated, draw, make_run, network

from calibench.datasets.dataset import Arrays
from calibench.errors import DatasetError
from calibench.quantizers.integers import make_grid
from calibench.quantizers.restrict import quantizable
from calibench.quantizers.run import Run
from calibench.search import single_layers
from calibench.search.sensitivity import rank, spread

SAMPLES = Arrays(draw())


@pytest.fixture(scope="module")
def plain():
    return calibrated(network(), SAMPLES.samples)


def silence(values):
    """The first output channel of `first` is 0 behind its ReLU."""
    values = values.copy()
    values[0] = 0
    return values


def shout(values):
    """The weights that read that channel are 1000 times larger: of no effect, until all weights share one scale."""
    values = values.copy()
    values[:, 0] *= 1000
    return values


def test_every_quantized_layer_is_ranked_once_worst_first(plain):
    graph, quantization, options = plain
    found = rank(graph, quantization, options, SAMPLES, make_run())
    assert sorted(each.name for each in found) == sorted(quantizable(quantization))
    errors = [each.error_db for each in found]
    assert errors == sorted(errors, reverse=True)
    assert sum(each.share for each in found) == pytest.approx(1)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    assert all(each.drop == 0 and each.saves_ms is None for each in found)


def test_all_kinds_of_layers_are_in_the_network(plain):
    assert set(quantizable(plain[1])) == set(LAYERS)


def test_weights_with_a_loud_channel_under_one_scale_come_first():
    graph, quantization, options = calibrated(network({"first": silence, "second": shout}), SAMPLES.samples)
    found = rank(graph, quantization, replace(options, per_channel=False), SAMPLES, make_run())
    assert found[0].name == "second"
    assert found[0].error_db > found[1].error_db + 10


@pytest.mark.parametrize("name", ["first", "last"])
def test_a_layer_whose_input_range_an_outlier_has_widened_comes_first(plain, name):
    graph, quantization, options = plain
    wide = make_grid(np.array([-50.0]), np.array([50.0]), asymmetric=False)
    quantizers = tuple(
        replace(each, grid=wide) if each.site.ports[0].operation == name else each for each in quantization.quantizers
    )
    assert rank(graph, replace(quantization, quantizers=quantizers), options, SAMPLES, make_run())[0].name == name


def test_layers_beyond_the_candidates_follow_unmeasured_by_their_own_error(plain):
    graph, quantization, options = plain
    found = rank(graph, quantization, options, SAMPLES, make_run(), candidates=2)
    assert [each.error_db is None for each in found] == [False, False, True, True, True, True]
    rest = [each.own_db for each in found[2:]]
    assert rest == sorted(rest, reverse=True)
    assert min(each.own_db for each in found[:2]) >= max(rest)
    assert sum(each.share for each in found) == pytest.approx(1)


def test_the_ranking_is_the_same_on_any_number_of_threads(plain):
    one, two, four = (rank(*plain, SAMPLES, make_run(threads)) for threads in (1, 2, 4))
    assert one == two == four


def test_multiply_adds_are_those_of_each_layer(plain):
    found = {each.name: each.multiply_adds for each in rank(*plain, SAMPLES, make_run())}
    assert found["first"] == 6 * 8 * 8 * 4 * 9
    assert found["last"] == 8 * 4 * 4 * 6
    assert found["head"] == 8 * 5
    assert found["sum"] == found["pool"] == 0


def test_with_one_layer_quantized_the_rest_is_float_bit_for_bit(plain):
    graph, quantization, options = plain
    int8 = single_layers.insert(graph, single_layers.only(quantization, graph, "last"), options)
    kinds = [op.get_type_name() for op in int8.get_ops()]
    assert kinds.count("FakeQuantize") == 1
    weights = {"first": 1, "second": 1, "head": 1}
    before = {op.get_friendly_name(): op for op in graph.get_ops()}
    for op in int8.get_ops():
        if op.get_friendly_name() in weights:
            exact = before[op.get_friendly_name()].input_value(1).get_node().data
            np.testing.assert_array_equal(op.input_value(1).get_node().data, exact)


def test_samples_are_taken_at_regular_places_of_the_whole_set():
    found = spread(Arrays([{"data": np.full(1, i)} for i in range(20)]), 5)
    assert [int(sample["data"][0]) for sample in found.samples] == [0, 4, 8, 12, 16]
    assert len(spread(Arrays(SAMPLES.samples[:3]), 8)) == 3


def test_no_samples_are_refused(plain):
    with pytest.raises(DatasetError, match="no samples"):
        rank(*plain, Arrays([]), make_run())


@pytest.mark.parametrize(("count", "most"), [(1, 3), (6, 3)])
def test_the_number_of_compiled_models_does_not_grow_with_the_candidates(plain, monkeypatch, count, most):
    compiled = []
    own = Run.compile
    monkeypatch.setattr(Run, "compile", lambda run, *rest: compiled.append(1) or own(run, *rest))
    rank(*plain, SAMPLES, make_run(), candidates=count)
    assert len(compiled) == most


def test_one_layer_at_a_time_compiles_no_more_than_the_candidates(plain, monkeypatch):
    compiled = []
    own = Run.compile
    monkeypatch.setattr(Run, "compile", lambda run, *rest: compiled.append(1) or own(run, *rest))
    rank(*plain, SAMPLES, make_run(shapes={}), candidates=2)
    assert len(compiled) == 1 + 1 + 2  # own errors, the exact network, two candidates

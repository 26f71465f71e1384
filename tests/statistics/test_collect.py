"""One pass over the subset: the same bytes on any number of threads, and an end when the ranges have settled."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays, Subset
from calibench.errors import Cancelled, DatasetError
from calibench.inference.runner import compile_for_samples
from calibench.models.normalise import normalise
from calibench.progress import silent
from calibench.quantizers.placement import place
from calibench.quantizers.sites import Point
from calibench.settings import Ignored
from calibench.statistics.collect import collect
from calibench.statistics.probe import add_probe

NETWORKS = sorted((Path(__file__).parent.parent / "data" / "networks").glob("*.onnx"))


def content(statistics):
    sums = (statistics.mean, statistics.low_mean, statistics.high_mean)
    rows = [statistics.rows[number].tobytes() for number in sorted(statistics.rows)]
    return (
        statistics.count,
        statistics.low.tobytes(),
        statistics.high.tobytes(),
        *((s.high.tobytes(), s.low.tobytes()) for s in sums),
        *rows,
    )


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_statistics_have_the_same_bytes_on_one_thread_and_on_two_and_in_shards(path):
    graph = normalise(ov.Core().read_model(path))
    points = place(graph, Ignored()).points
    layout = add_probe(graph, points)
    values = np.random.default_rng(0)
    samples = Arrays([{"input": values.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(12)])
    found = []
    for threads in (1, 2):
        compiled = compile_for_samples(graph, "CPU", threads)
        found.append(collect(compiled, layout, samples, exact=True, progress=silent).statistics)
    assert content(found[0]) == content(found[1])
    assert found[0].count == 12
    shards = [Subset(samples, part) for part in (tuple(range(5)), tuple(range(5, 12)))]
    first, last = (
        collect(compiled, layout, shard, exact=True, progress=silent, first=shard.indices[0]).statistics
        for shard in shards
    )
    assert content(first.merge(last)) == content(last.merge(first)) == content(found[0])


# --- Early stop


def probed():
    data = ops.parameter([1, 2, 4], np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    model = ov.Model([ops.result(ops.relu(data))], [data])
    layout = add_probe(model, (Point(("data", 0), 3, 1, 2, ()),))
    return compile_for_samples(model, "CPU", 2), layout


def samples(count, scale):
    """Values between -s and s where s = scale(number of the sample)."""
    ramp = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 2, 4)
    return Arrays([{"data": ramp * np.float32(scale(number))} for number in range(count)])


def pass_over(subset, exact=False, progress=silent):
    compiled, layout = probed()
    return collect(compiled, layout, subset, exact=exact, progress=progress)


def test_constant_data_settles_at_the_second_look():
    found = pass_over(samples(100, lambda number: 1))
    assert found.has_settled
    assert found.statistics.count == 32


def test_drifting_data_does_not_settle():
    found = pass_over(samples(150, lambda number: 1.1 ** (number / 4)))
    assert not found.has_settled
    assert found.statistics.count == 150


def test_data_that_drifts_at_first_settles_at_a_later_look():
    found = pass_over(samples(200, lambda number: min(number, 40)))
    assert found.has_settled
    assert found.statistics.count == 128


def test_exact_measures_every_sample():
    found = pass_over(samples(100, lambda number: 1), exact=True)
    assert not found.has_settled
    assert found.statistics.count == 100


@pytest.mark.parametrize("count", [1, 15, 31, 32])
def test_a_subset_that_ends_at_the_look_was_measured_whole(count):
    found = pass_over(samples(count, lambda number: 1))
    assert not found.has_settled
    assert found.statistics.count == count


def test_the_decision_depends_on_the_prefix_alone():
    late = pass_over(samples(60, lambda number: 1 if number < 32 else 1000))
    early = pass_over(samples(33, lambda number: 1))
    assert late.has_settled
    assert content(late.statistics) == content(early.statistics)


def test_progress_counts_the_samples_and_may_cancel():
    seen = []
    pass_over(samples(5, lambda number: 1), progress=lambda *state: seen.append(state))
    assert seen == [("statistics", number, 5) for number in range(1, 6)]

    def cancel(stage, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        pass_over(samples(5, lambda number: 1), progress=cancel)


def test_an_empty_subset_is_refused_with_advice():
    with pytest.raises(DatasetError, match="no sample"):
        pass_over(Arrays([]))

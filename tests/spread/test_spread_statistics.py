"""Statistics measured in shards on two processes have the bytes of one pass, and end at the same sample."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from calibench.datasets.dataset import Arrays, Subset
from calibench.errors import DatasetError
from calibench.inference.runner import ShapeError, compile_for_samples
from calibench.models.normalise import normalise
from calibench.progress import silent
from calibench.quantizers.placement import place
from calibench.settings import Ignored
from calibench.spread.spread_statistics import SHARD, SpreadStatistics
from calibench.spread.team import Team
from calibench.statistics.collect import LOOKS, collect
from calibench.statistics.probe import add_probe
from calibench.statistics.statistics import Layout, Statistics

pytestmark = pytest.mark.targets

NETWORK = Path(__file__).parents[1] / "data/networks/fashion-mbv3.onnx"


@pytest.fixture(scope="module")
def probed() -> tuple[ov.Model, Layout]:
    graph = normalise(ov.Core().read_model(NETWORK))
    return graph, add_probe(graph, place(graph, Ignored()).points)


def draw(count: int) -> Subset:
    values = np.random.default_rng(0)
    samples = Arrays([{"input": values.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(count)])
    return Subset(samples, tuple(range(count - 1, -1, -1)))


def content(found: Statistics) -> tuple[object, ...]:
    sums = (found.mean, found.low_mean, found.high_mean)
    rows = [(number, found.rows[number].tobytes()) for number in sorted(found.rows)]
    halves = [(each.high.tobytes(), each.low.tobytes()) for each in sums]
    return found.count, found.low.tobytes(), found.high.tobytes(), found.not_finite.tobytes(), halves, rows


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("count", [5, 48, 75])
def test_shards_have_the_bytes_of_one_pass(
    team: Team, probed: tuple[ov.Model, Layout], count: int, exact: bool
) -> None:
    graph, layout = probed
    samples, told = draw(count), []
    alone = collect(compile_for_samples(graph, "CPU", 2), layout, samples, exact=exact, progress=silent)
    found = SpreadStatistics(team, "CPU")(
        graph, layout, samples, exact=exact, progress=lambda stage, done, total: told.append((stage, done, total))
    )
    assert content(found.statistics) == content(alone.statistics)
    assert found.has_settled == alone.has_settled
    assert told[-1] == ("statistics", alone.statistics.count, count)


def test_every_look_at_the_ranges_is_at_the_end_of_a_shard() -> None:
    assert all(look % SHARD == 0 for look in LOOKS)


def test_a_sample_of_another_shape_is_told_with_its_number(team: Team, probed: tuple[ov.Model, Layout]) -> None:
    graph, layout = probed
    good = draw(40).dataset
    samples = Arrays([*good.samples[:33], {"input": np.zeros((1, 1, 5, 5), np.float32)}])
    with pytest.raises(ShapeError, match="Sample 33"):
        SpreadStatistics(team, "CPU")(graph, layout, samples, exact=True, progress=silent)


def test_no_sample_is_refused(team: Team, probed: tuple[ov.Model, Layout]) -> None:
    graph, layout = probed
    with pytest.raises(DatasetError, match="holds no sample"):
        SpreadStatistics(team, "CPU")(graph, layout, Arrays([]), exact=True, progress=silent)

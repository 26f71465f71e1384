"""Measure the subset on many processes: statistics of shards, merged in order to the same bits as on one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.errors import CalibenchError
from calibench.inference.runner import infer_all
from calibench.progress import Progress
from calibench.spread.team import Handed, Team, rooted
from calibench.statistics.collect import LOOKS, Collected, gather
from calibench.statistics.statistics import Layout, Statistics

SHARD = LOOKS[0]
"""Samples of a shard: every count at which the ranges are looked at is then the end of one."""


@dataclass(frozen=True)
class Shard:
    """What a worker is told beside the model.

    Attributes:
        samples: name of the shared dataset.
        indices: into it; identities: of the samples.
        first: number of the first sample in the subset.
    """

    samples: str
    layout: Layout
    indices: tuple[int, ...]
    identities: tuple[str, ...]
    first: int


@dataclass(frozen=True)
class SpreadStatistics:
    """Measures on the workers; `Collector` of the statistics."""

    team: Team
    device: str

    def __call__(
        self, probed: ov.Model, layout: Layout, subset: Dataset, *, exact: bool, progress: Progress
    ) -> Collected:
        """Measure the subset; stop where one process would.

        Raises:
            DatasetError: there is no sample, or one cannot be read; TargetError: the workers are gone.
        """
        model = self.team.send(probed, self.device, "f32")
        samples, indices = rooted(subset)
        seen = 0

        def told(stage: str, done: int, total: int) -> None:
            nonlocal seen
            seen = done
            progress(stage, done, total)

        def shards() -> Iterator[Statistics]:
            chunks = [
                partial(self._hand_in, model, layout, samples, indices[first : first + SHARD], first)
                for first in range(0, len(indices), SHARD)
            ]
            for statistics, error in self.team.in_order(chunks, lambda: progress("statistics", seen, len(indices))):
                if error is not None:
                    raise error
                yield statistics

        return gather(shards(), len(indices), exact=exact, progress=told)

    def _hand_in(self, model: Handed, layout: Layout, samples: Dataset, indices: tuple[int, ...], first: int) -> Handed:
        identities = self.team.identities(samples, indices)
        shard = Shard(self.team.share(samples), layout, indices, identities, first)
        return self.team.client.submit(measure_shard, model, shard, pure=False)


def measure_shard(model: Any, shard: Shard) -> tuple[Statistics | None, CalibenchError | None]:
    """On a worker: the statistics of a shard; or how its first faulty sample failed."""
    from calibench.spread.held import compiled_here, held_samples

    found: Statistics | None = None
    try:
        samples = held_samples(shard.samples, shard.indices, shard.identities)
        arrays = (samples[index] for index in shard.indices)
        for number, outputs in enumerate(infer_all(compiled_here(model), arrays, shard.first), shard.first):
            sample = Statistics.of_sample(shard.layout, number, outputs[0][shard.layout.apart], outputs[1])
            found = sample if found is None else found.merge(sample)
    except CalibenchError as error:
        return None, error
    return found, None

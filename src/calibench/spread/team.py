"""The workers of one calibration, and how work is handed to them and taken back in order."""

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.errors import TargetError
from calibench.spread.cluster import open_cluster
from calibench.things.target_spec import TargetSpec

Handed = Any
"""A Future of Dask: work that was handed to the workers."""

AHEAD = 3
"""Chunks a worker that are under way: one at work, one beside it, one on its way back."""
BEAT_S = 0.3
"""Seconds between two beats while nothing comes; a cancelled calibration waits so long at most."""
MOST_BEATS_ALONE = 200
"""Beats without a single worker after which nobody is waited for any more: a minute."""
TRIES = 10
"""How often all workers are told the same; each time lasts as long as Dask waits for one that has fallen silent."""
GO_ON = "What was found is kept: go on with --resume."
MOST_SENT_HERE, MOST_SENT = 4 * 2**20, 2**16
"""Bytes of the outputs of one sample up to which they come along, from processes of this machine and from others; what
does not come is computed once more for the model that is chosen."""


@dataclass
class Team:
    """The workers of one calibration.

    Attributes:
        client: of Dask.
        most_sent: bytes of the outputs of a sample up to which they come along.
    """

    client: Any
    most_sent: int
    _names: dict[int, tuple[Any, str]] = field(default_factory=dict)
    _identities: dict[str, dict[int, str]] = field(default_factory=dict)

    def share(self, value: Any) -> str:
        """Give a value to every worker, once; the name by which they know it.

        Raises:
            SettingsError: it cannot leave this process.
            TargetError: the cluster is gone.
        """
        from calibench.spread.held import Shared

        if id(value) not in self._names:  # the value is kept, so that its id is no other's
            plugin = Shared(f"calibench-{uuid4().hex}", value)
            register(self.client, plugin)
            self._names[id(value)] = (value, plugin.name)
        return self._names[id(value)][1]

    def identities(self, samples: Dataset, indices: Sequence[int]) -> tuple[str, ...]:
        """Of samples; each is looked at once, because some are known by all their bytes."""
        known = self._identities.setdefault(self.share(samples), {})
        for index in indices:
            if index not in known:
                known[index] = samples.identity(index)
        return tuple(known[index] for index in indices)

    def send(self, graph: ov.Model, device: str, precision: str) -> Handed:
        """A model on its way to whoever needs it; it travels once to each, and again where it was lost."""
        from calibench.spread.held import sent

        with tempfile.TemporaryDirectory(prefix="calibench-") as folder:
            xml, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
            ov.serialize(graph, xml, weights)
            model = sent(xml.read_bytes(), weights.read_bytes(), device, precision)
        return self.client.submit(_passed_on, model, key=f"model-{model.digest}", pure=False)

    def in_order(self, chunks: Iterable[Callable[[], Handed]], beat: Callable[[], None]) -> Iterator[Any]:
        """The results of chunks, in their order; a few are under way ahead of the one that is waited for.

        Args:
            chunks: each hands in one piece of work.
            beat: called while nothing comes.

        Raises:
            TargetError: the cluster is gone, or the same chunk ended several workers.
        """
        waiting: deque[Handed] = deque()
        ahead = AHEAD * max(1, self.count())
        try:
            for hand_in in chunks:
                waiting.append(hand_in())
                if len(waiting) > ahead:
                    yield self._taken(waiting.popleft(), beat)
            while waiting:
                yield self._taken(waiting.popleft(), beat)
        finally:
            for future in waiting:
                future.release()

    def _taken(self, work: Handed, beat: Callable[[], None]) -> Any:
        self._wait(work, beat)
        if work.status == "finished":
            try:
                return work.result()  # fetched; computed again where the one who had it is gone
            except OSError as cut:
                raise _silent(cut) from None
        if work.status != "error":
            raise TargetError(f"The cluster is gone in the middle of the work ({work.status}). {GO_ON}")
        error = work.exception()
        if type(error).__name__ == "KilledWorker":
            raise TargetError(
                "One and the same chunk of samples ended several workers. Is there enough memory for one model each? "
                "Give fewer workers."
            )
        raise error

    def _wait(self, work: Handed, beat: Callable[[], None]) -> None:
        from distributed import wait

        alone = 0
        while not work.done():
            try:
                wait(work, timeout=BEAT_S)  # type: ignore[no-untyped-call]
            except CancelledError:
                return
            except TimeoutError:
                beat()
                alone = 0 if self.count() else alone + 1
            if alone > MOST_BEATS_ALONE:
                raise TargetError(f"The cluster has no worker any more. Start some. {GO_ON}")

    def count(self) -> int:
        """Workers of now.

        Raises:
            TargetError: nobody answers.
        """
        try:
            return len(self.client.nthreads())
        except (OSError, TimeoutError, RuntimeError) as error:
            raise _silent(error) from None


def register(client: Any, plugin: Any) -> None:
    """Give a plugin to all workers. One whose cable was pulled takes the whole call with it until it counts as gone.

    Raises:
        TargetError: the cluster is gone.
    """
    for left in reversed(range(TRIES)):
        try:
            client.register_plugin(plugin)
            return
        except OSError as error:
            if error.errno is not None:  # what a worker itself could not open or read
                raise
            if not left:
                raise _silent(error) from None
        sleep(BEAT_S)


def _silent(error: Exception) -> TargetError:
    return TargetError(f"The cluster does not answer any more ({type(error).__name__}). {GO_ON}")


@contextmanager
def open_team(where: TargetSpec | int) -> Iterator[Team]:
    """Workers that share a calibration, for the time of the block.

    Raises:
        SettingsError, TargetError: as `open_cluster`.
    """
    with open_cluster(where) as client:
        from calibench.spread.held import Compiled

        is_owned = isinstance(where, int)
        register(client, Compiled(is_owned=is_owned))
        yield Team(client, MOST_SENT_HERE if is_owned else MOST_SENT)


def rooted(samples: Dataset, indices: Sequence[int] | None = None) -> tuple[Dataset, tuple[int, ...]]:
    """The dataset below any subsets, and the numbers that the samples have in it."""
    found = tuple(range(len(samples)) if indices is None else indices)
    while isinstance(samples, Subset):
        found = tuple(samples.indices[index] for index in found)
        samples = samples.dataset
    return samples, found


def _passed_on(model: Any) -> Any:
    return model

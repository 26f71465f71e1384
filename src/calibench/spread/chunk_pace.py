"""How many samples are handed out together: as many as keep a worker at work for a moment, whatever a sample takes."""

import threading
from collections.abc import Iterator
from math import ceil

CHUNK_S = 0.25
"""Seconds of a chunk: to hand one out costs some hundredths, and behind an early verdict one a worker was in vain."""
TURN_S = 0.02
"""Seconds of a turn: one process hands out to all workers, so that the chunks of many last as many turns."""
LEAST_S = 0.05
"""The same for the smallest chunks, at the end."""
FIRST_SAMPLES = 8
"""Of a chunk while nobody knows what a sample takes."""
ROUNDS_LEFT = 3
"""Chunks that each worker has of what is left, at least: towards the end they get smaller, so that all end together."""
MOST_BYTES = 32 * 2**20
"""Of outputs that travel with a chunk, in both directions each."""


def chunk_seconds(workers: int) -> float:
    """What a chunk should take."""
    return max(CHUNK_S, workers * TURN_S)


class ChunkPace:
    """Learns from each chunk what a sample takes; known from one model of a search to the next.

    The size of a chunk decides nothing: evidence is taken in the order of the samples.
    """

    def __init__(self) -> None:
        self._sample_s: float | None = None
        self._lock = threading.Lock()

    def learn(self, samples: int, seconds: float) -> None:
        """What a worker took for a chunk; half of what is known from then on."""
        if samples < 1:
            return
        with self._lock:
            found = seconds / samples
            self._sample_s = found if self._sample_s is None else (self._sample_s + found) / 2

    def size(self, left: int, workers: int, batch: int, sample_bytes: int) -> int:
        """Samples of the next chunk: whole batches.

        Args:
            left: samples that nobody has yet.
            sample_bytes: of the outputs of one sample.
        """
        known = self._sample_s
        wanted = FIRST_SAMPLES if known is None else chunk_seconds(workers) / max(known, 1e-6)
        least = 1 if known is None else LEAST_S / max(known, 1e-6)
        wanted = max(min(wanted, left / (ROUNDS_LEFT * max(workers, 1))), least)
        return max(1, ceil(min(wanted, MOST_BYTES / max(sample_bytes, 1)) / batch)) * batch

    def stretches(self, total: int, workers: int, batch: int, sample_bytes: int) -> Iterator[tuple[int, int]]:
        """First and end of each chunk; the size of one is decided when it is asked for."""
        first = 0
        while first < total:
            end = min(first + self.size(total - first, workers, batch, sample_bytes), total)
            yield first, end
            first = end

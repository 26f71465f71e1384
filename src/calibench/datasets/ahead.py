"""Decode in several threads, ahead of the one who takes the samples."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from calibench.datasets.dataset import Arrays, Dataset, Sample, Subset
from calibench.datasets.folder import left_out
from calibench.errors import DatasetError
from calibench.progress import Progress, silent

LOOK_AHEAD = 2  # samples a thread: enough to smooth slow files, few enough to keep memory flat


def decode_ahead(dataset: Dataset, threads: int) -> Iterator[Sample]:
    """All samples in order, decoded by `threads` threads at most `LOOK_AHEAD` x `threads` samples ahead.

    Raises:
        DatasetError: a sample cannot be read; after those before it have been given.
        ValueError: `threads` is less than 1.
    """
    if _is_in_memory(dataset):
        yield from (dataset[index] for index in range(len(dataset)))
        return
    for future in _ahead(dataset, threads):
        yield future.result()


@dataclass(frozen=True)
class Readable:
    """The samples that can be decoded, and in words what was left out (None when nothing was)."""

    samples: Subset
    unreadable: tuple[str, ...]
    note: str | None


def readable(
    dataset: Dataset, threads: int, progress: Progress = silent, order: Sequence[int] | None = None, count: int = 0
) -> Readable:
    """Decode samples and read their annotations once, which fills a cache, and leave out those that fail.

    Args:
        order: the samples that may be taken, in this order; None: all, in their own.
        count: samples after which no more are looked at; 0: all are.

    `unreadable`: the message of each.

    Raises:
        DatasetError: none can be read.
        Cancelled: by `progress`.
    """
    rest = tuple(range(len(dataset)) if order is None else order)
    count = count or len(rest)
    total, good = len(rest), list[int]()
    messages: list[str] = []
    while rest and len(good) < count:
        wanted = count - len(good)
        now, rest = rest[:wanted], rest[wanted:]
        for index, future in zip(now, _ahead(Subset(dataset, now), threads), strict=True):
            try:
                future.result()
                dataset.describe(index)
                good.append(index)
            except DatasetError as error:
                messages.append(str(error))
            progress("decode", len(good) + len(messages), min(count + len(messages), total))
    tried = len(good) + len(messages)
    if not good:
        first = f" The first: {messages[0]}" if messages else ""
        raise DatasetError(f"{dataset.name}: none of {tried} samples can be read.{first}")
    note = left_out([message.split(":")[0] for message in messages], tried)
    return Readable(Subset(dataset, tuple(good)), tuple(messages), note)


def _is_in_memory(dataset: Dataset) -> bool:
    """Is there nothing to decode? Then a thread a sample costs more than it brings."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return type(dataset) is Arrays and isinstance(dataset.samples, list | tuple)


def _ahead(dataset: Dataset, threads: int) -> Iterator[Future[Sample]]:
    with ThreadPoolExecutor(threads, "decode") as pool:
        waiting: deque[Future[Sample]] = deque()
        try:
            for index in range(len(dataset)):
                waiting.append(pool.submit(dataset.__getitem__, index))
                if len(waiting) > LOOK_AHEAD * threads:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()

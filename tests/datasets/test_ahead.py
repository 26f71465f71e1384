"""Decoding ahead of the taker."""

import threading
import time
from itertools import islice

import numpy as np
import pytest

from calibench.datasets.ahead import LOOK_AHEAD, decode_ahead, readable
from calibench.datasets.dataset import Arrays
from calibench.errors import Cancelled, DatasetError


class Slow(Arrays):
    """Samples that take a while, some of them broken."""

    broken = ()
    taken = []

    def __getitem__(self, index):
        self.taken.append(index)
        time.sleep(0.001 * (index % 3))
        if index in self.broken:
            raise DatasetError(f"{index}.png: this picture cannot be read (cut). Remove or replace it.")
        return super().__getitem__(index)


@pytest.fixture
def slow():
    Slow.taken, Slow.broken = [], ()
    return Slow([{"x": np.array([i])} for i in range(40)])


@pytest.mark.parametrize("threads", [1, 3])
def test_samples_come_in_order(slow, threads):
    assert [int(sample["x"][0]) for sample in decode_ahead(slow, threads)] == list(range(40))


def test_the_look_ahead_is_bounded_and_threads_end(slow):
    before = threading.active_count()
    samples = decode_ahead(slow, 2)
    list(islice(samples, 3))
    time.sleep(0.05)
    assert len(slow.taken) <= 3 + LOOK_AHEAD * 2 + 1
    samples.close()
    assert threading.active_count() == before


def test_an_unreadable_sample_is_raised_at_its_place(slow):
    Slow.broken = (2,)
    samples = decode_ahead(slow, 3)
    assert len(list(islice(samples, 2))) == 2
    with pytest.raises(DatasetError, match=r"2\.png"):
        next(samples)


def test_an_empty_dataset_gives_nothing():
    assert list(decode_ahead(Arrays([]), 2)) == []


def test_readable_leaves_out_and_names_what_fails(slow):
    Slow.broken = (3, 5)
    seen = []
    found = readable(slow, 2, lambda *call: seen.append(call))
    assert found.samples.indices == tuple(i for i in range(40) if i not in (3, 5))
    assert found.note == "2 of 40 samples are unreadable and left out: 3.png, 5.png."
    assert found.unreadable[0].startswith("3.png: this picture cannot be read")
    assert seen[-1] == ("decode", 40, 40)


def test_nothing_readable_is_an_error(slow):
    Slow.broken = range(40)
    with pytest.raises(DatasetError, match=r"arrays: none of 40 samples can be read\. The first: 0\.png"):
        readable(slow, 2)


def test_it_can_be_cancelled(slow):
    def stop(stage, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        readable(slow, 2, stop)
    assert len(slow.taken) < 10


class Counted(Arrays):
    """Samples whose decoding is counted, one event each."""

    def __init__(self, batches):
        super().__init__(batches)
        self.decoded = [threading.Event() for _ in batches]

    def __getitem__(self, index):
        try:
            return super().__getitem__(index)
        finally:
            self.decoded[index].set()


def test_while_the_taker_is_busy_the_next_sample_is_decoded():
    samples = Counted([{"x": np.array([i])} for i in range(60)])
    stream = decode_ahead(samples, 2)
    for number, _ in enumerate(stream):
        if number + 1 < len(samples):
            assert samples.decoded[number + 1].wait(30), number  # nobody has asked for it yet


def test_all_threads_decode_at_once_where_the_taker_is_faster():
    """Every four samples wait for one another: with fewer threads they would wait for ever."""

    class Together(Arrays):
        met = threading.Barrier(4, timeout=30)

        def __getitem__(self, index):
            self.met.wait()
            return super().__getitem__(index)

    samples = Together([{"x": np.array([i])} for i in range(100)])
    assert sum(1 for _ in decode_ahead(samples, 4)) == 100

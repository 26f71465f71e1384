"""Chunks last a moment, hold whole batches, and get smaller towards the end."""

import pytest

from calibench.spread.chunk_pace import CHUNK_S, FIRST_SAMPLES, MOST_BYTES, TURN_S, ChunkPace

MANY = 1_000_000


def paced(sample_s: float) -> ChunkPace:
    pace = ChunkPace()
    pace.learn(10, 10 * sample_s)
    return pace


def test_the_first_chunks_are_small_and_what_they_took_makes_the_next() -> None:
    pace = ChunkPace()
    assert pace.size(MANY, 2, 1, 0) == FIRST_SAMPLES
    pace.learn(FIRST_SAMPLES, FIRST_SAMPLES * 0.001)
    assert pace.size(MANY, 2, 1, 0) == round(CHUNK_S / 0.001)
    pace.learn(100, 0.3)
    assert pace.size(MANY, 2, 1, 0) == round(CHUNK_S / 0.002)


def test_many_workers_get_longer_chunks_because_one_process_serves_them() -> None:
    assert paced(0.01).size(MANY, 64, 1, 0) == round(64 * TURN_S / 0.01)


def test_a_chunk_that_failed_at_its_first_sample_tells_nothing() -> None:
    pace = ChunkPace()
    pace.learn(0, 5.0)
    assert pace.size(MANY, 2, 1, 0) == FIRST_SAMPLES


@pytest.mark.parametrize(
    ("left", "workers", "wanted"), [(600, 2, 100), (300, 2, 50), (60, 2, 10), (300, 10, 10), (90, 0, 30)]
)
def test_every_worker_has_several_chunks_of_what_is_left(left: int, workers: int, wanted: int) -> None:
    assert paced(0.002).size(left, workers, 1, 0) == max(wanted, 25)


def test_no_chunk_is_so_small_that_handing_it_out_takes_longer() -> None:
    assert paced(0.01).size(3, 2, 1, 0) == 5


def test_chunks_hold_whole_batches_also_where_a_sample_takes_long() -> None:
    assert paced(10.0).size(MANY, 2, 1, 0) == 1
    assert paced(10.0).size(MANY, 2, 100, 0) == 100
    assert paced(0.01).size(MANY, 2, 10, 0) == 30


def test_large_outputs_make_small_chunks() -> None:
    assert paced(1e-4).size(MANY, 2, 1, MOST_BYTES // 4) == 4


def test_stretches_lie_behind_one_another_and_end_at_the_end() -> None:
    found = list(paced(0.01).stretches(103, 2, 4, 0))
    assert [first for first, _ in found[1:]] == [end for _, end in found[:-1]]
    assert (found[0][0], found[-1][1]) == (0, 103)
    assert all(first % 4 == 0 for first, _ in found)

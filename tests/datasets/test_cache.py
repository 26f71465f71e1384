"""Decoded samples on disk."""

import errno
import gc
import pickle
import shutil
import tempfile

import numpy as np
import pytest

from calibench.datasets import cache
from calibench.datasets.ahead import decode_ahead
from calibench.datasets.cache import cached
from calibench.datasets.dataset import Arrays


class Counted(Arrays):
    """Arrays that count how often they were asked."""

    taken = 0

    def __getitem__(self, index):
        type(self).taken += 1
        return super().__getitem__(index)


@pytest.fixture
def counted():
    Counted.taken = 0
    values = np.random.default_rng(0).integers(0, 255, (10, 1, 4, 4, 3), dtype=np.uint8)
    return Counted([{"x": value, "more": np.float32([i])} for i, value in enumerate(values)])


def same(a, b):
    return set(a) == set(b) and all(a[k].dtype == b[k].dtype and np.array_equal(a[k], b[k]) for k in a)


def test_every_sample_is_decoded_once(tmp_path, counted):
    dataset = cached(counted, tmp_path / "deep" / "cache", 10**6)
    first = [dataset[i] for i in range(10)]
    again = [dataset[i] for i in range(10)]
    assert Counted.taken == 10
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert dataset.note is None


def test_samples_may_be_changed_by_their_taker(tmp_path, counted):
    dataset = cached(counted, tmp_path, 10**6)
    dataset[0]
    dataset[0]["x"][:] = 0
    assert dataset[0]["x"].any()


def test_a_later_run_finds_them_and_another_decoding_does_not(tmp_path, counted):
    first = cached(counted, tmp_path, 10**6, "one")
    [first[i] for i in range(10)]
    again = cached(counted, tmp_path, 10**6, "one")
    assert same(again[3], counted.samples[3])
    assert Counted.taken == 10
    cached(counted, tmp_path, 10**6, "two")[0]
    assert Counted.taken == 11


def test_what_an_interruption_left_is_no_harm(tmp_path, counted):
    first = cached(counted, tmp_path, 10**6, "one")
    [first[i] for i in range(10)]
    (lines,) = tmp_path.glob("*.lines")
    lines.write_bytes(lines.read_bytes()[:-5])
    (samples,) = tmp_path.glob("*.samples")
    samples.write_bytes(samples.read_bytes()[:-80])
    again = cached(counted, tmp_path, 10**6, "one")
    assert all(same(again[i], counted.samples[i]) for i in range(10))
    assert 10 < Counted.taken <= 12
    assert same(first[9], counted.samples[9])


def test_lines_that_are_no_json_are_no_harm(tmp_path, counted):
    (tmp_path / "one-x.lines").write_text("nonsense\n")
    (tmp_path / "one-x.samples").write_text("")
    dataset = cached(counted, tmp_path, 10**6, "one")
    assert same(dataset[1], counted.samples[1])


def test_beyond_the_cap_samples_are_decoded_anew(tmp_path, counted):
    dataset = cached(counted, tmp_path, 5 * 52)
    for _ in range(2):
        assert all(same(dataset[i], counted.samples[i]) for i in range(10))
    assert Counted.taken == 15
    assert sum(path.stat().st_size for path in tmp_path.glob("*.samples")) <= 5 * 52
    assert "reached its cap of 0 MB; 5 samples are kept, the others are decoded each time" in dataset.note


def test_a_full_disk_is_said_and_survived(tmp_path, counted, monkeypatch):
    dataset = cached(counted, tmp_path, 10**6)
    dataset[0]

    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_write", full)
    assert all(same(dataset[i], counted.samples[i]) for i in range(10))
    assert dataset.note == (
        f"{tmp_path}: decoded samples cannot be kept (no space left on device); they are decoded each time."
    )


def test_a_folder_that_cannot_be_made_is_said_and_survived(tmp_path, counted):
    (tmp_path / "file").write_text("")
    dataset = cached(counted, tmp_path / "file" / "cache", 10**6)
    assert same(dataset[0], counted.samples[0])
    assert "file/cache: decoded samples cannot be kept (not a directory)" in dataset.note
    dataset.remove()


def test_removing_leaves_nothing_of_its_own_and_touches_nothing_else(tmp_path, counted):
    dataset = cached(counted, tmp_path / "cache", 10**6, "one")
    dataset[0]
    dataset.remove()
    assert not (tmp_path / "cache").exists()
    assert same(dataset[0], counted.samples[0])
    (tmp_path / "cache" / "mine.txt").write_text("")
    dataset.remove()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mine.txt"]


def test_several_threads_may_fill_and_read(tmp_path):
    dataset = Arrays([{"x": np.full((1, 64), i, np.int64)} for i in range(200)])
    kept = cached(dataset, tmp_path, 10**7)
    for _ in range(2):
        assert [int(sample["x"][0, 0]) for sample in decode_ahead(kept, 4)] == list(range(200))


def test_another_process_finds_what_is_decoded_by_now(tmp_path, counted):
    dataset = cached(counted, tmp_path, 10**6)
    wanted = [dataset[i] for i in range(3)]
    there = pickle.loads(pickle.dumps(dataset))
    Counted.taken = 0
    assert all(same(there[i], wanted[i]) for i in range(3)) and Counted.taken == 0
    assert there[5].keys() == dataset[5].keys() and Counted.taken == 2


def test_a_process_without_the_folder_keeps_samples_in_one_of_its_own(tmp_path, counted, monkeypatch):
    dataset = cached(counted, tmp_path / "gone", 10**6)
    packed = pickle.dumps(dataset)
    shutil.rmtree(tmp_path / "gone")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = pickle.loads(packed)
    assert same(there[1], there[1]) and Counted.taken == 1
    assert not (tmp_path / "gone").exists() and len(list(tmp_path.iterdir())) == 1
    del there
    gc.collect()
    assert list(tmp_path.iterdir()) == []

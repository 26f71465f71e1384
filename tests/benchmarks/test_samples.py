"""Samples on disk."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.zoo.samples import Samples, store, truths


def drawn(count: int):
    for index in range(count):
        yield {"x": np.full((1, 2, 3), index, np.float32), "mask": np.array([[index, 1]])}, np.array(index)


def test_samples_come_back_in_order_with_their_types(tmp_path: Path) -> None:
    store(tmp_path / "kept", drawn(5), 3)
    samples = Samples(tmp_path / "kept")
    assert [int(sample["x"].max()) for sample in samples] == [0, 1, 2]
    assert samples[-1]["x"].shape == (1, 2, 3)
    assert samples[0]["mask"].dtype == np.int64
    assert [len(samples), len(samples[1:])] == [3, 2]
    np.testing.assert_array_equal(truths(tmp_path / "kept"), [0, 1, 2])


def test_writing_into_a_sample_leaves_the_stored_one_alone(tmp_path: Path) -> None:
    store(tmp_path / "kept", drawn(1), 1)
    samples = Samples(tmp_path / "kept")
    samples[0]["x"][:] = 7
    assert samples[0]["x"].max() == 0


def test_stored_samples_are_not_drawn_again(tmp_path: Path) -> None:
    store(tmp_path / "kept", drawn(3), 3)
    store(tmp_path / "kept", iter(()), 3)
    assert len(Samples(tmp_path / "kept")) == 3


def test_too_few_samples_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 samples are wanted, 3 were drawn"):
        store(tmp_path / "kept", drawn(3), 4)
    assert list(tmp_path.iterdir()) == []


def test_a_position_beyond_the_end_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "kept", drawn(2), 2)
    with pytest.raises(IndexError):
        Samples(tmp_path / "kept")[2]

from dataclasses import dataclass

import numpy as np
import pytest

from calibench.errors import SettingsError
from calibench.inference.random_data import random_samples


@dataclass(frozen=True)
class Port:
    name: str
    shape: tuple[int, ...] | None
    dtype: str = "float32"


def test_a_free_batch_becomes_one() -> None:
    samples = random_samples([Port("x", (-1, 3))], {}, count=2)
    assert [sample["x"].shape for sample in samples] == [(1, 3), (1, 3)]


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = (random_samples([Port("x", (1, 5))], {}, 1, seed=3)[0]["x"] for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("dtype", "low", "high"), [("float32", 0, 1), ("uint8", 0, 255), ("int64", 0, 1)])
def test_numbers_fit_the_type(dtype: str, low: int, high: int) -> None:
    array = random_samples([Port("x", (1, 1000), dtype)], {}, 1)[0]["x"]
    assert array.dtype == dtype
    assert low <= array.min() <= array.max() <= high


def test_a_shape_goes_to_the_named_input_or_to_all() -> None:
    ports = [Port("ids", (-1, -1), "int64"), Port("mask", (-1, -1), "bool")]
    sample = random_samples(ports, {"": (1, 8), "mask": (1, 9)}, 1)[0]
    assert (sample["ids"].shape, sample["mask"].shape) == ((1, 8), (1, 9))


@pytest.mark.parametrize(
    ("shape", "asked", "sentence"),
    [
        (
            (-1, 3, -1, -1),
            {},
            "Input x is [?, 3, ?, ?]. Say its shape, such as --shape x=1,3,224,224, or give a dataset.",
        ),
        (None, {}, "Input x is of any shape. Say its shape, such as --shape x=1,3,224,224, or give a dataset."),
        ((1, 3), {"x": (1, 4)}, "--shape 1,4: input x is [1, 3]. Give a shape that fits."),
        ((1, 3), {"x": (1, 3, 1)}, "--shape 1,3,1: input x is [1, 3]. Give a shape that fits."),
        ((1, 3), {"y": (1, 3)}, "--shape y: the model has no such input. Known: x."),
    ],
)
def test_a_shape_that_is_missing_or_wrong_is_said(
    shape: tuple[int, ...] | None, asked: dict[str, tuple[int, ...]], sentence: str
) -> None:
    with pytest.raises(SettingsError) as error:
        random_samples([Port("x", shape)], asked)
    assert str(error.value) == sentence

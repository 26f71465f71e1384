"""What Python callers give as a dataset."""

from typing import Any

import numpy as np
import pytest

from calibench.datasets.dataset import About, Arrays, Description
from calibench.datasets.own_dataset import check_dataset
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

SAMPLE = {"x": np.zeros((1, 3), np.float32)}


class Own:
    """A dataset with everything."""

    name, labels, about = "own", None, About("own")

    def __len__(self) -> int:
        return 2

    def identity(self, index: int) -> str:
        return str(index)

    def describe(self, index: int) -> Any:
        return Description(f"sample {index}")

    def __getitem__(self, index: int) -> Any:
        return SAMPLE


class WithoutDescription:
    """The protocol as it once was."""

    name, labels = "old", None
    __len__, identity, __getitem__ = Own.__len__, Own.identity, Own.__getitem__


class WrongDescription(Own):
    def describe(self, index: int) -> Any:
        return None


class WithoutName(Own):
    name = None  # type: ignore[assignment]


def test_a_dataset_of_ones_own_and_arrays_are_let_through() -> None:
    check_dataset(Own())
    check_dataset(Arrays([SAMPLE] * 2, labels=np.array([0, 1])))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (WithoutDescription(), "WithoutDescription is no dataset: it has no about, describe. Give a path"),
        (WrongDescription(), "WrongDescription.describe gave NoneType. It must give Description"),
        (WithoutName(), "WithoutName.name is None. It must be a text"),
        ([SAMPLE], "list is no dataset"),
        (np.zeros((4, 3)), "ndarray is no dataset"),
        (None, "NoneType is no dataset"),
        (Arrays([]), "arrays: there is no sample"),
        (Arrays([SAMPLE["x"]]), "first sample of the Arrays is ndarray. Give a dict"),  # type: ignore[list-item]
        (Arrays([{"x": [1, 2]}]), "has list for x. Give NumPy arrays"),  # type: ignore[dict-item]
        (Arrays([SAMPLE] * 3, [0, 1]), "2 labels for 3 samples"),
        (Arrays([SAMPLE], ["cat"]), "label 'cat' is no whole number"),  # type: ignore[list-item]
    ],
)
def test_what_is_no_dataset_is_told_in_one_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(DatasetError) as caught:
        check_dataset(given)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_truths_are_one_a_sample_and_say_what_they_hold() -> None:
    with pytest.raises(DatasetError, match="2 truths for 1 samples"):
        Arrays([SAMPLE], truths=[Truth(), Truth()])
    with pytest.raises(DatasetError, match="truths are given, but not what they hold"):
        Arrays([SAMPLE], truths=[Truth(text="a")])

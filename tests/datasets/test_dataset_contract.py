"""What every dataset does, whatever its format."""

import numpy as np
import pytest

from calibench.datasets.cache import cached
from calibench.datasets.dataset import Arrays, Subset
from calibench.datasets.detect import read_dataset
from calibench.datasets.tensors import open_tensor_folder, open_tensors

KINDS = ["plain folder", "class folders", "npz", "npy", "tensor folder", "arrays", "cached", "subset"]
COLORS = [(i * 20, 0, 0) for i in range(6)]


@pytest.fixture(params=KINDS)
def dataset(request, tmp_path, picture, plan):
    pixels = np.zeros((6, 8, 8, 3), np.uint8) + np.array(COLORS, np.uint8)[:, None, None, :]
    samples = [{"image": values[None]} for values in pixels]
    match request.param:
        case "plain folder" | "class folders":
            for i, color in enumerate(COLORS):
                inside = f"{i % 2}_class" if request.param == "class folders" else ""
                picture(tmp_path / inside / f"{i}.png", color=color)
            return read_dataset(tmp_path, plan())
        case "npz":
            np.savez(tmp_path / "a.npz", image=pixels, labels=np.arange(6) % 2)
            return open_tensors(tmp_path / "a.npz", plan())
        case "npy":
            np.save(tmp_path / "a.npy", pixels)
            return open_tensors(tmp_path / "a.npy", plan())
        case "tensor folder":
            for i, values in enumerate(pixels):
                np.save(tmp_path / f"{i}.npy", values)
            return open_tensor_folder(tmp_path, plan())
        case "arrays":
            return Arrays(samples, [0, 1, 0, 1, 0, 1])
        case "cached":
            return cached(Arrays(samples, [0, 1, 0, 1, 0, 1]), tmp_path, 10**6)
    return Subset(Arrays(samples, [0, 1, 0, 1, 0, 1]), (5, 4, 3, 2, 1, 0))


def test_a_sample_is_an_array_by_input_name_with_a_batch_axis(dataset):
    for i in range(len(dataset)):
        (array,) = dataset[i].values()
        assert list(dataset[i]) == ["image"]
        assert (array.dtype, array.shape) == (np.uint8, (1, 8, 8, 3))
        assert array.flags.c_contiguous


def test_a_sample_is_the_same_each_time(dataset):
    assert all(np.array_equal(dataset[i]["image"], dataset[i]["image"]) for i in range(len(dataset)))


def test_every_content_is_there_once(dataset):
    assert len(dataset) == 6
    assert {tuple(int(v) for v in dataset[i]["image"][0, 0, 0]) for i in range(6)} == set(COLORS)


def test_identities_are_sha256_and_tell_contents_apart(dataset):
    identities = [dataset.identity(i) for i in range(6)]
    assert len(set(identities)) == 6
    assert all(len(identity) == 64 and int(identity, 16) >= 0 for identity in identities)
    assert identities == [dataset.identity(i) for i in range(6)]


def test_labels_are_one_a_sample_or_none(dataset):
    assert dataset.labels is None or sorted(dataset.labels) == [0, 0, 0, 1, 1, 1]


def test_what_is_annotated_is_said_for_the_set_and_for_every_sample(dataset):
    assert ("label" in dataset.about.annotated) == (dataset.labels is not None)
    for i in range(6):
        described = dataset.describe(i)
        assert described.name
        assert described.truth.label == (None if dataset.labels is None else dataset.labels[i])


def test_it_has_a_name(dataset):
    assert isinstance(dataset.name, str)
    assert dataset.name


def test_beyond_the_end_is_an_index_error(dataset):
    with pytest.raises(IndexError):
        dataset[6]

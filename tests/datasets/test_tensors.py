"""Samples that are arrays already."""

from contextlib import suppress

import numpy as np
import pytest

from calibench.datasets import npz
from calibench.datasets.inputs import InputPlan, TensorInput
from calibench.datasets.tensors import open_tensor_folder, open_tensors
from calibench.errors import DatasetError

X = TensorInput("x", (-1, 4), "float32")
IDS = TensorInput("ids", (1, -1), "int64")


def plan(*inputs):
    return InputPlan(inputs or (X,))


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_the_first_axis_is_the_samples(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = open_tensors(saved(tmp_path / "a.npz", x=values, labels=np.array([2, 0, 1])), plan())
    assert len(found) == 3
    assert found.labels == (2, 0, 1)
    for i in range(3):
        np.testing.assert_array_equal(found[i]["x"], values[i : i + 1])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_stored_and_compressed_files_read_the_same(tmp_path, save, order):
    x = np.asarray(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32), order=order)
    ids = np.arange(10).reshape(5, 2)
    save(tmp_path / "a.npz", ids=ids, x=x, other=np.zeros(7))
    found = open_tensors(tmp_path / "a.npz", plan(X, IDS))
    assert len(found) == 5
    np.testing.assert_array_equal(found[3]["x"], x[3:4])
    np.testing.assert_array_equal(found[3]["ids"], ids[3:4])
    assert set(found[0]) == {"x", "ids"}


def test_whatever_is_damaged_is_said_so(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.random.default_rng(0).random((40, 4), np.float32))
    np.save(tmp_path / "a.npy", np.ones((40, 4), np.float32))
    for path in (tmp_path / "a.npz", tmp_path / "a.npy"):
        whole = path.read_bytes()
        for place in (6, 8, 10, 20, 30, 60, 100, 130, len(whole) - 60, len(whole) - 15):
            damaged = bytearray(whole)
            damaged[place : place + 4] = b"((\xff\x00"
            path.write_bytes(damaged)
            with suppress(DatasetError):
                open_tensors(path, plan())


def test_an_array_that_would_only_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "BOMB_BYTES", 10_000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((10_000, 4), np.float32))
    with pytest.raises(DatasetError, match=r"packed too tightly.* numpy\.savez"):
        open_tensors(tmp_path / "a.npz", plan())


def test_uncompressed_files_stay_on_disk(tmp_path):
    found = open_tensors(saved(tmp_path / "a.npz", x=np.ones((5, 4), np.float32)), plan())
    assert isinstance(found.arrays["x"], np.memmap)


def test_one_array_feeds_the_only_input_whatever_its_name(tmp_path):
    assert open_tensors(saved(tmp_path / "a.npz", arr_0=np.ones((2, 4), np.float32)), plan())[1]["x"].shape == (1, 4)
    np.save(tmp_path / "a.npy", np.ones((2, 4), np.float32))
    assert len(open_tensors(tmp_path / "a.npy", plan())) == 2


def test_a_batch_axis_of_1_may_be_in_the_file(tmp_path):
    found = open_tensors(saved(tmp_path / "a.npz", x=np.ones((7, 1, 4), np.float32)), plan())
    assert (len(found), found[6]["x"].shape) == (7, (1, 4))


def test_an_input_without_batch_axis_is_fed_as_it_is(tmp_path):
    found = open_tensors(
        saved(tmp_path / "a.npz", x=np.ones((7, 4), np.float32)), plan(TensorInput("x", (4,), "float32"))
    )
    assert found[0]["x"].shape == (4,)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("float64", "float32"), ("float16", "float32"), ("float32", "float16"), ("uint8", "float32"),
        ("int32", "int64"), ("int64", "int32"), ("int64", "uint8"), ("bool", "float32"),
    ],
)  # fmt: skip
def test_types_are_cast_where_values_stay(tmp_path, given, wanted):
    path = saved(tmp_path / "a.npz", x=np.ones((2, 4), given))
    found = open_tensors(path, plan(TensorInput("x", (-1, 4), wanted)))[0]["x"]
    assert found.dtype == wanted
    assert found.tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("values", "wanted", "given"),
    [
        ([[2**40]], "int32", "int64"),
        ([[-1]], "uint8", "int64"),
        ([[1.5]], "int64", "float64"),
        ([[1]], "float32", "int64"),
    ],
)
def test_types_that_would_change_values_are_refused(tmp_path, values, wanted, given):
    path = saved(tmp_path / "a.npz", x=np.array(values, given))
    with pytest.raises(DatasetError) as error:
        open_tensors(path, plan(TensorInput("x", (-1, 1), wanted)))
    assert str(error.value) == (
        f"{path}, sample 0: array x is {given}, the model takes {wanted}, and values would change. Save it as {wanted}."
    )


@pytest.mark.parametrize("shape", [(2, 5), (2, 4, 5), (2,), (2, 1, 1, 4)])
def test_a_wrong_shape_names_both(tmp_path, shape):
    path = saved(tmp_path / "a.npz", x=np.ones(shape, np.float32))
    with pytest.raises(DatasetError) as error:
        open_tensors(path, plan())
    assert f"sample 0: array x is {list(shape[1:])} per sample, the model takes [?, 4]. Save" in str(error.value)


def test_nan_is_named_with_its_sample(tmp_path):
    values = np.zeros((3, 4), np.float32)
    values[2, 1] = np.nan
    path = saved(tmp_path / "a.npz", x=values)
    found = open_tensors(path, plan())
    found[1]
    with pytest.raises(DatasetError) as error:
        found[2]
    assert str(error.value) == f"{path}, sample 2: array x holds NaN. Mend or remove this sample."


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([{}], object))
    with pytest.raises(DatasetError, match=r"cannot be read \(it holds Python objects\)\. Save plain arrays"):
        open_tensors(path, plan())
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DatasetError, match="it holds Python objects"):
        open_tensors(tmp_path / "a.npy", plan())


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_damaged_files_are_said(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot be read \(damaged, or no NumPy file\)"):
        open_tensors(tmp_path / name, plan())


def test_a_truncated_file_is_said(tmp_path):
    path = saved(tmp_path / "a.npz", x=np.ones((100, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DatasetError, match="damaged"):
        open_tensors(path, plan())


def test_a_missing_array_names_what_there_is(tmp_path):
    path = saved(tmp_path / "a.npz", x=np.ones((2, 4), np.float32), mask=np.ones((2, 4)))
    with pytest.raises(DatasetError) as error:
        open_tensors(path, plan(X, IDS))
    assert str(error.value) == f"{path}: no array ids. The model has inputs x, ids; the file holds x, mask."


def test_a_single_array_cannot_feed_two_inputs(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 4)))
    with pytest.raises(DatasetError, match="one array, but the model has inputs x, ids"):
        open_tensors(tmp_path / "a.npy", plan(X, IDS))


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros(2), np.zeros((2, 1), int)])
def test_labels_are_one_integer_a_sample(tmp_path, labels):
    path = saved(tmp_path / "a.npz", x=np.ones((2, 4), np.float32), labels=labels)
    with pytest.raises(DatasetError, match=r"first axis must be the samples in every array, labels integers; found x"):
        open_tensors(path, plan())


def test_arrays_of_different_length_are_refused(tmp_path):
    path = saved(tmp_path / "a.npz", x=np.ones((2, 4), np.float32), ids=np.ones((3, 2), int))
    with pytest.raises(DatasetError, match=r"found x \[2, 4\], ids \[3, 2\]"):
        open_tensors(path, plan(X, IDS))


def test_no_samples_are_refused(tmp_path):
    path = saved(tmp_path / "a.npz", x=np.ones((0, 4), np.float32))
    with pytest.raises(DatasetError, match="no samples in this file"):
        open_tensors(path, plan())


def test_a_folder_holds_one_sample_a_file(tmp_path):
    for i in range(3):
        saved(tmp_path / f"{i}.npz", x=np.full(4, i, np.float32), labels=np.array(i * 2))
    found = open_tensor_folder(tmp_path, plan())
    assert (len(found), found.labels) == (3, (0, 2, 4))
    assert found[2]["x"].tolist() == [[2, 2, 2, 2]]
    saved(tmp_path / "3.npz", x=np.zeros((1, 4)))
    found = open_tensor_folder(tmp_path, plan())
    assert found.labels is None
    assert found[3]["x"].shape == (1, 4)


def test_a_bad_file_in_a_folder_is_named(tmp_path):
    np.save(tmp_path / "0.npy", np.zeros(4))
    (tmp_path / "1.npy").write_bytes(b"")
    found = open_tensor_folder(tmp_path, plan())
    with pytest.raises(DatasetError, match=r"1\.npy: cannot be read"):
        found[1]


def test_an_input_called_labels_is_an_input(tmp_path):
    path = saved(tmp_path / "a.npz", labels=np.ones((2, 4), np.float32))
    assert open_tensors(path, plan(TensorInput("labels", (-1, 4), "float32"))).labels is None

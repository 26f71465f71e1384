from pathlib import Path

import h5py
import numpy as np
import pytest
from caffemodels import blob, save
from hypothesis import given, settings
from hypothesis import strategies as st

from calibench.caffe.net import FloatArray
from calibench.caffe.schema import message
from calibench.caffe.weights_file import read_mean, read_weights, write_weights
from calibench.errors import JobError, ModelError
from counted_calls import calls


def numbers(*shape: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


WEIGHTS = {"conv1": (numbers(4, 3, 3, 3), numbers(4)), "fc": (numbers(2, 8, seed=1),)}


def same(left: object, right: object) -> bool:
    one, other = np.asarray(left), np.asarray(right)
    return one.dtype == other.dtype and one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))


@pytest.mark.parametrize("layout", ["layer", "V1", "V0"])
@pytest.mark.parametrize("double", [False, True])
def test_all_layouts_are_read(tmp_path: Path, layout: str, double: bool) -> None:
    read = read_weights(save(tmp_path / "w.caffemodel", WEIGHTS, layout, double=double))
    assert list(read) == ["conv1", "fc"]
    for name, blobs in WEIGHTS.items():
        assert all(same(*pair) for pair in zip(read[name], blobs, strict=True))


def test_legacy_blobs_keep_four_axes(tmp_path: Path) -> None:
    read = read_weights(save(tmp_path / "w.caffemodel", WEIGHTS, "V1", legacy=True))
    assert [one.shape for one in read["conv1"]] == [(4, 3, 3, 3), (1, 1, 1, 4)]


def test_a_blob_without_a_shape_is_a_scalar(tmp_path: Path) -> None:
    read = read_weights(save(tmp_path / "w.caffemodel", {"norm": [np.float32(20).reshape(())]}))
    assert same(read["norm"][0], np.float32(20).reshape(()))


def test_an_empty_blob_is_read(tmp_path: Path) -> None:
    assert read_weights(save(tmp_path / "w.caffemodel", {"a": [numbers(0, 3)]}))["a"][0].shape == (0, 3)


@pytest.mark.parametrize("double", [False, True])
def test_values_that_are_not_packed_are_read(tmp_path: Path, double: bool) -> None:
    values = numbers(500)
    one = bytes([8 << 3 | 1]) if double else bytes([5 << 3 | 5])
    wide = values.astype("<f8" if double else "<f4")
    data = b"".join(one + value.tobytes() for value in wide)
    shape = message("BlobShape")(dim=[20, 25]).SerializeToString()
    net = message("NetParameter")()
    net.layer.add(name="a").blobs.add().ParseFromString(data + bytes([7 << 3 | 2, len(shape)]) + shape)
    by_hand = b"\x0a\x01a" + field(7, data + field(7, shape))
    file = tmp_path / "w.caffemodel"
    file.write_bytes(field(100, by_hand))
    assert message("NetParameter").FromString(file.read_bytes()) == net
    assert same(read_weights(file)["a"][0], values.reshape(20, 25))


def field(number: int, content: bytes) -> bytes:
    """A field with a length, for contents below 16 kB."""
    out = b""
    for value in (number << 3 | 2, len(content)):
        out += bytes([value & 0x7F | 0x80, value >> 7]) if value > 127 else bytes([value])
    return out + content


def test_values_in_several_pieces_are_joined(tmp_path: Path) -> None:
    first, second = numbers(3), numbers(2, seed=1)
    content = field(5, first.tobytes()) + field(7, field(1, b"\x05")) + field(5, second.tobytes())
    file = tmp_path / "w.caffemodel"
    file.write_bytes(field(100, field(1, b"a") + field(7, content)))
    assert same(read_weights(file)["a"][0], np.concatenate([first, second]))


def test_fields_of_a_fork_do_not_spoil_the_reading(tmp_path: Path) -> None:
    clash = field(204, b"\xff\xff\xff") + field(158, b"not a message")
    content = field(1, b"a") + clash + field(7, blob(numbers(3)).SerializeToString())
    file = tmp_path / "w.caffemodel"
    file.write_bytes(field(100, content))
    assert same(read_weights(file)["a"][0], numbers(3))


def test_of_layers_with_one_name_the_last_counts(tmp_path: Path) -> None:
    net = message("NetParameter")()
    for seed in (1, 2):
        net.layer.add(name="a").blobs.append(blob(numbers(3, seed=seed)))
    file = tmp_path / "w.caffemodel"
    file.write_bytes(net.SerializeToString())
    assert same(read_weights(file)["a"][0], numbers(3, seed=2))


@settings(max_examples=50, deadline=None)
@given(
    shapes=st.lists(st.lists(st.integers(1, 5), max_size=4), min_size=1, max_size=4),
    layout=st.sampled_from(["layer", "V1", "V0"]),
    double=st.booleans(),
)
def test_what_is_written_and_read_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[list[int]], layout: str, double: bool
) -> None:
    folder = tmp_path_factory.mktemp("w")
    weights = {"a": [numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)]}
    file = save(folder / "w.caffemodel", weights, layout, double=double)
    read = read_weights(file)["a"]
    assert all(same(*pair) for pair in zip(read, weights["a"], strict=True))
    changes = {"a": {number: values * 2 for number, values in enumerate(weights["a"])}}
    write_weights(file, folder / "new.caffemodel", changes)
    doubled = read_weights(folder / "new.caffemodel")["a"]
    assert all(same(one, other * 2) for one, other in zip(doubled, weights["a"], strict=True))


@pytest.mark.parametrize("layout", ["layer", "V1", "V0"])
def test_rewriting_changes_only_what_was_asked_for(tmp_path: Path, layout: str) -> None:
    file = save(tmp_path / "w.caffemodel", WEIGHTS, layout)
    out = tmp_path / "new.caffemodel"
    write_weights(file, out, {})
    assert out.read_bytes() == file.read_bytes()
    write_weights(file, out, {"conv1": {1: numbers(4, seed=9)}})
    read = read_weights(out)
    assert same(read["conv1"][1], numbers(4, seed=9))
    assert same(read["conv1"][0], WEIGHTS["conv1"][0])
    assert same(read["fc"][0], WEIGHTS["fc"][0])
    differing = np.frombuffer(out.read_bytes(), np.uint8) != np.frombuffer(file.read_bytes(), np.uint8)
    assert 4 <= differing.sum() <= 16


@pytest.mark.parametrize("layout", ["layer", "V1", "V0"])
def test_a_blob_can_be_added(tmp_path: Path, layout: str) -> None:
    file = save(tmp_path / "w.caffemodel", WEIGHTS, layout)
    out = tmp_path / "new.caffemodel"
    write_weights(file, out, {"fc": {1: numbers(300), 2: numbers(2, 2)}, "conv1": {2: numbers(1)}})
    read = read_weights(out)
    assert [one.shape for one in read["fc"]] == [(2, 8), (300,), (2, 2)]
    assert [one.shape for one in read["conv1"]] == [(4, 3, 3, 3), (4,), (1,)]
    assert same(read["fc"][1], numbers(300))
    parsed = message("NetParameter").FromString(out.read_bytes())  # protobuf takes it too
    assert parsed.name == "saved"
    assert len(parsed.layer or parsed.layers) == 2


def test_a_file_may_be_written_over_itself(tmp_path: Path) -> None:
    file = save(tmp_path / "w.caffemodel", WEIGHTS)
    write_weights(file, file, {"conv1": {1: numbers(4, seed=9)}})
    assert same(read_weights(file)["conv1"][1], numbers(4, seed=9))
    assert [one.name for one in tmp_path.iterdir()] == ["w.caffemodel"]


def test_rewriting_what_is_not_there_is_refused(tmp_path: Path) -> None:
    file, out = save(tmp_path / "w.caffemodel", WEIGHTS), tmp_path / "new.caffemodel"
    with pytest.raises(ModelError, match="has no layer 'conv2'"):
        write_weights(file, out, {"conv2": {0: numbers(1)}})
    with pytest.raises(ModelError, match=r"layer 'conv1', blob 1 has the shape \[4\], not \[5\]"):
        write_weights(file, out, {"conv1": {1: numbers(5)}})
    assert not out.exists()
    with pytest.raises(JobError, match="cannot be written"):
        write_weights(file, tmp_path / "absent" / "new.caffemodel", {})


def hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        for name, blobs in {**WEIGHTS, "a/b": (numbers(2),)}.items():
            for number, values in enumerate(blobs):
                file[f"data/{name}/{number}"] = values
        file["data/shared/1"] = numbers(3)
        file["diff/conv1/0"] = numbers(1)
        file.create_group("data/relu")
    return path


def test_weights_in_hdf5_are_read(tmp_path: Path) -> None:
    read = read_weights(hdf5(tmp_path / "w.caffemodel.h5"))
    assert set(read) == {"conv1", "fc", "a/b", "shared"}
    assert all(same(*pair) for pair in zip(read["conv1"], WEIGHTS["conv1"], strict=True))
    assert [one.shape for one in read["shared"]] == [(0,), (3,)]


def test_weights_in_hdf5_are_rewritten(tmp_path: Path) -> None:
    out = tmp_path / "new.h5"
    write_weights(hdf5(tmp_path / "w.h5"), out, {"fc": {0: numbers(2, 8, seed=5), 1: numbers(2)}})
    read = read_weights(out)
    assert same(read["fc"][0], numbers(2, 8, seed=5))
    assert same(read["fc"][1], numbers(2))
    assert same(read["conv1"][0], WEIGHTS["conv1"][0])
    with pytest.raises(ModelError, match="has no layer 'x'"):
        write_weights(tmp_path / "w.h5", out, {"x": {}})


def test_weights_in_hdf5_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    source, out = hdf5(tmp_path / "w.h5"), tmp_path / "new.h5"
    with pytest.raises(ModelError, match="has the shape"):
        write_weights(source, out, {"fc": {0: numbers(3, 8)}})
    assert [file.name for file in tmp_path.iterdir()] == ["w.h5"]


def test_another_hdf5_file_is_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["label"] = numbers(3)
    with pytest.raises(ModelError, match="has no group 'data'"):
        read_weights(tmp_path / "w.h5")


@pytest.mark.parametrize("legacy", [False, True])
def test_the_mean_of_pictures_is_read(tmp_path: Path, legacy: bool) -> None:
    file = tmp_path / "mean.binaryproto"
    file.write_bytes(blob(numbers(3, 4, 5), legacy=legacy).SerializeToString())
    assert same(read_mean(file), numbers(3, 4, 5))


def test_a_mean_of_another_shape_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mean.binaryproto"
    file.write_bytes(blob(numbers(2, 3, 4, 5)).SerializeToString())
    with pytest.raises(ModelError, match=r"expected a mean of shape \[C, H, W\], found \[2, 3, 4, 5\]"):
        read_mean(file)
    file.write_bytes(blob(numbers(3, 4, 5)).SerializeToString()[:-6])
    with pytest.raises(ModelError, match="is no mean file of Caffe"):
        read_mean(file)
    file.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty; a mean file was expected"):
        read_mean(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; a weights file was expected"),
        (b'name: "net"\nlayer {\n}\n', "is text, not a weights file. Is it the prototxt?"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (bytes(range(256)) * 4, "is no caffemodel"),
        (b"\x08\x01\x10\x02", "is no caffemodel: it holds no layers"),
    ],
)
def test_a_file_that_is_no_caffemodel_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "w.caffemodel"
    file.write_bytes(content)
    with pytest.raises(ModelError) as error:
        read_weights(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_weights(tmp_path / "w.caffemodel")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        read_weights(tmp_path)


def test_a_file_that_is_cut_off_is_told_wherever_the_cut_is(tmp_path: Path) -> None:
    whole = save(tmp_path / "w.caffemodel", WEIGHTS).read_bytes()
    file = tmp_path / "cut.caffemodel"
    for length in range(1, len(whole), 7):
        file.write_bytes(whole[:length])
        try:
            read = read_weights(file)
        except ModelError as error:
            assert str(error).startswith(f"{file}: ")
            continue
        assert list(read) == ["conv1"]  # the cut fell exactly behind the first layer
    file.write_bytes(whole[:-5])
    with pytest.raises(ModelError, match="is cut off or damaged"):
        read_weights(file)


def test_a_blob_with_too_few_values_is_told(tmp_path: Path) -> None:
    net = message("NetParameter")()
    layer = net.layer.add(name="conv1")
    layer.blobs.append(blob(numbers(4)))
    layer.blobs[0].shape.dim[0] = 5
    file = tmp_path / "w.caffemodel"
    file.write_bytes(net.SerializeToString())
    with pytest.raises(ModelError, match=r"layer 'conv1', blob 0 has the shape \[5\], but 4 values"):
        read_weights(file)


def test_many_weights_are_read_without_looking_at_each(tmp_path: Path) -> None:
    values = numbers(10_000_000)  # 40 MB
    content = field_of_any_length(7, field_of_any_length(5, values.tobytes()) + field(7, field(1, b"\x80\xad\xe2\x04")))
    file = tmp_path / "w.caffemodel"
    file.write_bytes(field_of_any_length(100, field(1, b"a") + content))
    assert same(read_weights(file)["a"][0], values)
    assert calls(lambda: read_weights(file)) < 10_000


def field_of_any_length(number: int, content: bytes) -> bytes:
    out = b""
    for value in (number << 3 | 2, len(content)):
        while value > 127:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        out += bytes([value])
    return out + content

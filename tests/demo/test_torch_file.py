"""The reader of `.pth` files against files made by hand; PyTorch is not needed."""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibench.demo.torch_file import MAGIC, PROTOCOL, read_state_dict
from calibench.errors import ModelError

WEIGHTS = np.arange(12, dtype=np.float32)


class Named:
    """Something that pickles as a bare name, such as `torch.FloatStorage`."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Something that pickles as a call of a name with arguments."""

    def __init__(self, function: Named, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class Storage:
    """Something that pickles as a reference to values elsewhere in the file."""

    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class Pickler(pickle._Pickler):  # the one in Python: its `save` can be taught names that are not importable
    extra: tuple[None, ...] = ()

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Storage):
            return ("storage", Named("torch", "FloatStorage"), value.key, "cpu", value.count, *self.extra)
        return None

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, Named):
            self.write(f"c{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


class OldPickler(Pickler):
    extra = (None,)


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], key: str = "7") -> Call:
    rebuild = Named("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, Storage(key, len(WEIGHTS)), offset, shape, strides, False, OrderedDict())


def pickled(value: Any, pickler: type[Pickler] = Pickler) -> bytes:
    file = io.BytesIO()
    pickler(file, protocol=2).dump(value)
    return file.getvalue()


def write_old(path: Path, state: Any) -> Path:
    head = [MAGIC, PROTOCOL, {"protocol_version": PROTOCOL, "little_endian": True}]
    parts = [pickled(part) for part in head] + [pickled(state, OldPickler), pickled(["7"])]
    path.write_bytes(b"".join(parts) + struct.pack("<q", len(WEIGHTS)) + WEIGHTS.tobytes())
    return path


def write_zip(path: Path, state: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickled(state))
        archive.writestr("net/data/7", WEIGHTS.tobytes())
    return path


LAYOUTS = pytest.mark.parametrize("write", [write_old, write_zip])


@LAYOUTS
def test_tensors_come_back_with_their_names_shapes_and_values(tmp_path: Path, write: Any) -> None:
    state = OrderedDict(whole=tensor(0, (3, 4), (4, 1)), turned=tensor(0, (4, 3), (1, 4)), part=tensor(5, (2,), (1,)))
    tensors = read_state_dict(write(tmp_path / "net.pth", state))
    assert list(tensors) == ["whole", "turned", "part"]
    np.testing.assert_array_equal(tensors["whole"], WEIGHTS.reshape(3, 4))
    np.testing.assert_array_equal(tensors["turned"], WEIGHTS.reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["part"], WEIGHTS[5:7])


@LAYOUTS
def test_a_parameter_reads_as_its_tensor(tmp_path: Path, write: Any) -> None:
    parameter = Call(Named("torch._utils", "_rebuild_parameter"), tensor(0, (12,), (1,)), True, OrderedDict())
    tensors = read_state_dict(write(tmp_path / "net.pth", {"weight": parameter}))
    np.testing.assert_array_equal(tensors["weight"], WEIGHTS)


@LAYOUTS
@pytest.mark.parametrize("name", ["system", "popen"])
def test_a_pickle_that_calls_the_shell_is_refused_by_name_and_not_run(tmp_path: Path, write: Any, name: str) -> None:
    made = tmp_path / "made"
    attack = Call(Named(os.name, name), f"touch {made}")
    with pytest.raises(ModelError, match=f"{os.name}.{name}"):
        read_state_dict(write(tmp_path / "net.pth", {"weight": attack}))
    assert not made.exists()


@LAYOUTS
@pytest.mark.parametrize("module", ["builtins", "torch.hub", "torch._utils"])
def test_any_other_name_is_refused(tmp_path: Path, write: Any, module: str) -> None:
    with pytest.raises(ModelError, match=f"{module}.eval"):
        read_state_dict(write(tmp_path / "net.pth", {"weight": Call(Named(module, "eval"), "1")}))


@LAYOUTS
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (13,), (1,)),
        (1, (3, 4), (4, 1)),
        (0, (2,), (12,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (1 << 62,), (0,)),
    ],
)
def test_a_tensor_that_leaves_its_storage_is_refused(
    tmp_path: Path, write: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    with pytest.raises(ModelError, match="weight"):
        read_state_dict(write(tmp_path / "net.pth", {"weight": tensor(offset, shape, strides)}))


def test_a_tensor_of_a_storage_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read_state_dict(write_old(tmp_path / "net.pth", {"weight": tensor(0, (2,), (1,), key="8")}))


@LAYOUTS
def test_every_truncated_file_gives_one_sentence(tmp_path: Path, write: Any) -> None:
    path = write(tmp_path / "net.pth", {"weight": tensor(0, (3, 4), (4, 1))})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"net\.pth"):
            read_state_dict(path)


@LAYOUTS
def test_a_file_with_more_than_tensors_is_refused(tmp_path: Path, write: Any) -> None:
    state = {"epoch": 3, "model": {"weight": tensor(0, (12,), (1,))}}
    with pytest.raises(ModelError, match="flat dictionary"):
        read_state_dict(write(tmp_path / "net.pth", state))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.pth"):
        read_state_dict(tmp_path / "nowhere.pth")

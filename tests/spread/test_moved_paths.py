"""Paths of the machine that shares a calibration, on a worker whose files lie elsewhere."""

from pathlib import Path, PurePosixPath

import cloudpickle
import pytest

from calibench.spread.moved_paths import VARIABLE, moved, unpacked


def test_the_innermost_place_that_is_known_decides() -> None:
    places = {"/a": "/x", "/a/b": "/y/z"}
    for path, expected in (("/a/b/c.png", "/y/z/c.png"), ("/a/c.png", "/x/c.png"), ("/ab/c", "/ab/c"), ("/a", "/x")):
        assert moved(PurePosixPath(path), places) == PurePosixPath(expected)


def test_paths_are_moved_in_values_and_in_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("/data/set")
    packed = cloudpickle.dumps(({"a": [folder / "1.png"]}, lambda name: folder / name, "/data/set", Path("other")))
    monkeypatch.setenv(VARIABLE, '{"/data/set": "/there"}')
    listed, named, text, other = unpacked(packed)
    assert listed == {"a": [Path("/there/1.png")]}
    assert named("2.png") == Path("/there/2.png")
    assert text == "/data/set"
    assert other == Path("other")


def test_where_nothing_was_brought_paths_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert unpacked(cloudpickle.dumps(Path("/data/1.png"))) == Path("/data/1.png")

"""A dataset to score a model on."""

import gc
import tempfile
from pathlib import Path

import pytest

from calibench.datasets import pictures
from calibench.datasets.sets import open_set
from calibench.progress import silent
from calibench.settings import Settings


@pytest.fixture
def decoded(monkeypatch):
    """The paths that were decoded, in order."""
    own, seen = pictures.decode, []
    monkeypatch.setattr(pictures, "decode", lambda path, image: seen.append(path) or own(path, image))
    return seen


def test_every_picture_is_decoded_once_and_nothing_stays(tmp_path, picture, net, decoded, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for number in range(5):
        picture(tmp_path / "set" / f"{number}.png", color=(number, 0, 0))
    _, opened = open_set(net(image=[-1, 3, 8, 8]), tmp_path / "set", Settings(), 2, silent)
    assert [int(opened.samples[number]["image"][0, 0, 0, 0]) for number in range(5)] == list(range(5))
    assert len(decoded) == 5
    assert list(Path(tempfile.gettempdir()).iterdir())
    del opened
    gc.collect()
    assert not list(Path(tempfile.gettempdir()).iterdir())

"""This machine behind a link: a home of its own."""

import asyncio
from pathlib import Path

import pytest

from calibench.errors import TargetError
from calibench.targets.local_link import LocalLink

pytestmark = pytest.mark.targets


def test_commands_start_in_the_home_that_was_given(tmp_path: Path) -> None:
    answer = asyncio.run(LocalLink(tmp_path).run('pwd; echo "$HOME"'))
    assert answer.out.decode().split() == [str(tmp_path), str(tmp_path)]


def test_without_a_home_it_is_the_one_of_the_user() -> None:
    answer = asyncio.run(LocalLink().run("pwd"))
    assert Path(answer.out.decode().strip()) == Path.home()


def test_a_full_disk_says_how_much_is_free(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"abc")
    with pytest.raises(TargetError, match=r"this machine: no room for /dev/full: \d+ bytes are free"):
        asyncio.run(LocalLink(tmp_path).put(tmp_path / "source", "/dev/full", print))

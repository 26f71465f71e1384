"""Files that are there whole or not at all."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from calibench.errors import JobError
from calibench.reports.whole_file import write_whole


def test_a_file_is_replaced_and_its_line_ends_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("old")
    write_whole(path, "a\r\nb\n")
    assert path.read_bytes() == b"a\r\nb\n"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_on_a_full_disk_the_old_file_stays_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.html"
    path.write_text("old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(JobError, match=r"a\.html: cannot be written \(No space left on device\)"):
        write_whole(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("name", ["", "none/a.html"])
def test_a_folder_and_a_place_that_is_not_there_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(JobError, match="cannot be written"):
        write_whole(tmp_path / name, "text")

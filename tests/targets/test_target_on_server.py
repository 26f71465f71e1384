"""`calibench target ... --server URL`: a real server that reaches a machine behind a real sshd."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shared_python import shared_python
from ssh_server import SshServer
from typer.testing import CliRunner, Result

from calibench.cli.app import app

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "api"))
from real_server import real_server

pytestmark = pytest.mark.targets


@pytest.fixture(scope="module")
def target(the_ssh_server: SshServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Result]]:
    """Run `calibench target ...` on a server that may read the keys of the machine."""
    data = tmp_path_factory.mktemp("served") / "data"
    with real_server(data, "--allow-folder", str(the_ssh_server.place)) as served:

        def run(*words: object) -> Result:
            said = ["target", *(str(word) for word in words), "--server", served.link]
            return CliRunner().invoke(app, said, env={"NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"})

        yield run


def test_a_machine_is_added_checked_changed_cleaned_and_removed(
    target: Callable[..., Result], ssh_server: SshServer
) -> None:
    spec = ssh_server.spec()
    with shared_python() as python:
        words = ("add", "lab", spec.address, "--key", spec.key, "--home", spec.home, "--python", python)
        unconfirmed = target(*words)
        assert unconfirmed.exit_code == 2
        assert f"then give --host-key '{ssh_server.host_key}'" in unconfirmed.stderr
        added = target(*words, "--host-key", ssh_server.host_key)
        assert (added.exit_code, "lab (ssh://" in added.stdout) == (0, True), added.stderr
        checked = target("check", "lab")
        assert (checked.exit_code, "reachable  yes" in checked.stdout) == (0, True), checked.output
        (_, row) = json.loads(target("list", "--json").stdout)
        assert (row["name"], row["state"], row["machine"]["home"]) == ("lab", "good", f"{ssh_server.home}/{spec.home}")
        load = row["load"]
        assert load["as_of"] > row["checked"]  # the list has it looked at anew
        assert (load["cores"], load["trouble"], load["running"]) == (os.cpu_count(), "", 0)
        assert re.search(r"lab .* [0-9.]+ of \d+ cores", target("list").stdout)
        (ssh_server.home / spec.home / "environments/old").mkdir(parents=True)
        (ssh_server.home / spec.home / "environments/old/lib").write_bytes(b"x" * 2_000_000)
        ssh_server._give(ssh_server.home / spec.home)
        assert target("clean", "lab", "--dry-run").stdout.startswith("lab: 2.0 MB: ")
        assert "lab: 2.0 MB are free again" in target("clean", "lab").stdout
        assert not (ssh_server.home / spec.home).exists()
        changed = json.loads(target("change", "lab", "--name", "box", "--home", "elsewhere", "--json").stdout)
        assert (changed["name"], changed["state"], changed["spec"]["host_key"]) == (
            "box",
            "unchecked",
            ssh_server.host_key,
        )
        assert target("remove", "box").exit_code == 0
        assert [row["name"] for row in json.loads(target("list", "--json").stdout)] == ["This machine"]


def test_a_key_of_this_machine_is_none_of_the_server(
    target: Callable[..., Result], ssh_server: SshServer, tmp_path: Path
) -> None:
    refused = target(
        "add", "lab", ssh_server.spec().address, "--key", tmp_path / "id_lab", "--host-key", ssh_server.host_key
    )
    assert refused.exit_code == 2
    assert "--key names a file of the server's machine, not of this one." in refused.stderr
    assert f"Allowed: {ssh_server.place}." in refused.stderr
    assert json.loads(target("list", "--json").stdout)[1:] == []

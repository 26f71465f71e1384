"""How busy targets are, seen over real links; what queues and several machines tell together."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from answering_link import AnsweringLink, says
from slurm_cluster import SlurmCluster
from ssh_server import SshServer

from calibench.errors import TargetError
from calibench.targets import target_load
from calibench.targets.local_link import LocalLink
from calibench.targets.target_load import LoadLook, busy
from calibench.things.target_spec import TargetSpec, WorkerHost

pytestmark = pytest.mark.targets

BUSY = """0.75 0.50 0.25 2/345 6789
4
MemTotal:        8192000 kB
MemAvailable:    4096000 kB
/dev/mapper/some-name-that-is-long-and-has-digits-1 100000 60000 30720 67% /home dir
"""


def test_a_line_of_shell_tells_how_busy_a_machine_is() -> None:
    link = AnsweringLink(("loadavg", says(BUSY)))
    found = asyncio.run(busy(link, "~/my cache"))
    assert found == {
        "load": [0.75], "logical_cores": 4, "memory_mb": 8000, "memory_free_mb": 4000, "disk_free_mb": 30,
    }  # fmt: skip
    assert "cd 'my cache'" in link.commands[0]


def test_where_that_is_not_told_nothing_is_made_up() -> None:
    assert asyncio.run(busy(AnsweringLink(("loadavg", says("cat: /proc/loadavg: no such file\n", code=1))), "x")) == {}


def test_this_machine_tells_it_as_it_is(tmp_path: Path) -> None:
    found = asyncio.run(busy(LocalLink(), str(tmp_path)))
    assert (found["logical_cores"], found["memory_free_mb"] <= found["memory_mb"]) == (os.cpu_count(), True)
    assert found["disk_free_mb"] > 0


def test_several_looks_go_over_one_connection_and_a_cut_one_is_made_anew(ssh_server: SshServer) -> None:
    async def looks() -> list[int]:
        look, sessions = LoadLook(ssh_server.spec()), []
        try:
            for _ in range(3):
                assert (await look.look())["logical_cores"] == os.cpu_count()
                sessions.append(sorted(each.pid for each in ssh_server.sessions()))
            for process in ssh_server.sessions():
                process.kill()
            assert (await look.look())["memory_mb"] > 0
        finally:
            await look.close()
        return sessions

    first, second, third = asyncio.run(looks())
    assert first == second == third != []


def test_what_is_out_of_reach_is_a_sentence(ssh_server: SshServer) -> None:
    look = LoadLook(ssh_server.spec(host_key=ssh_server.other_host_key))
    with pytest.raises(TargetError, match="host key has changed"):
        asyncio.run(look.look())


def test_a_locked_key_is_not_tried(ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    spec = ssh_server.spec(key=ssh_server.new_key("locked_for_looks", "secret"))
    with pytest.raises(TargetError, match="its key has a passphrase, which only a check is given"):
        asyncio.run(LoadLook(spec).look())


def test_a_queue_tells_its_idle_nodes(login_node: SshServer) -> None:
    async def look() -> dict[str, object]:
        looked = LoadLook(login_node.spec(kind="slurm"))
        try:
            return await looked.look()
        finally:
            await looked.close()

    found = asyncio.run(look())
    assert found["queues"][0]["nodes"] == 2  # type: ignore[index]
    assert found["memory_mb"] > 0  # type: ignore[operator]


def test_machines_of_a_cluster_are_one_together(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {
        "a": AnsweringLink(("loadavg", says(BUSY))),
        "b": AnsweringLink(("loadavg", says(BUSY.replace("0.75", "2")))),
    }

    async def opened(spec: TargetSpec, passphrase: str | None) -> AnsweringLink:
        return links[spec.host or ""]

    monkeypatch.setattr(target_load, "open_link", opened)
    spec = TargetSpec(kind="dask", hosts=(WorkerHost(host="a"), WorkerHost(host="b")))
    found = asyncio.run(LoadLook(spec).look())
    assert (found["load"], found["logical_cores"], found["memory_free_mb"], found["disk_free_mb"]) == (
        [2.75],
        8,
        8000,
        30,
    )


def test_it_is_looked_at_from_a_thread_that_is_not_the_first(slurm: SlurmCluster) -> None:
    found: list[dict[str, object]] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(LoadLook(TargetSpec(kind="slurm")).look())))
    thread.start()
    thread.join()
    assert found[0]["queues"]

"""What only a link over SSH does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from shared_python import shared_python
from ssh_server import SshServer

from calibench.targets.link import LinkLost
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.ssh_link import connect

pytestmark = pytest.mark.targets


def test_it_logs_in_as_an_ordinary_user(ssh_server: SshServer) -> None:
    async def _run() -> None:
        link = await connect(ssh_server.spec())
        try:
            assert link.name == f"{ssh_server.user}@127.0.0.1:{ssh_server.relay.port}"
            answer = await link.run("id -un; pwd; cat; echo bad >&2; exit 3", given=b"told")
            assert answer.out.decode() == f"{ssh_server.user}\n{ssh_server.home}\ntold"
            assert (answer.code, answer.err) == (3, b"bad\n")
        finally:
            await link.close()

    asyncio.run(_run())


@pytest.mark.root
def test_what_the_shell_of_a_user_says_first_is_no_answer(ssh_server: SshServer) -> None:
    async def _run() -> None:
        link = await connect(ssh_server.spec())
        try:
            answer = await link.run("echo answer; echo fault >&2")
            assert (answer.out, answer.err) == (b"answer\n", b"fault\n")
            assert (await link.run("true")).out == b""
        finally:
            await link.close()

    greeting = ssh_server.home / ".bashrc"
    greeting.write_text("echo Welcome; echo Beware >&2\n")
    try:
        asyncio.run(_run())
    finally:
        greeting.unlink()


@pytest.mark.parametrize("sessions", [1, 2])
def test_a_machine_that_allows_few_sessions_has_them_one_after_the_other(
    ssh_server: SshServer, tmp_path: Path, sessions: int
) -> None:
    (tmp_path / "file").write_bytes(b"content")

    async def _run(python: Path) -> None:
        link = await connect(ssh_server.spec())
        machine = RemoteMachine(link, ssh_server.spec(python=str(python)))
        try:
            for number in range(2):
                assert await machine.missing([]) == {}
                await link.put(tmp_path / "file", f"{ssh_server.folder}/{number}", lambda count: None)
                assert (await link.run(f"cat {ssh_server.folder}/{number}")).out == b"content"
                assert await link.read(f"{ssh_server.folder}/{number}") == b"content"
        finally:
            await link.close()

    with ssh_server.sessions_at_once(sessions), shared_python() as python:
        asyncio.run(_run(python))


def test_a_closed_link_says_that_it_is_cut(ssh_server: SshServer) -> None:
    async def _run() -> None:
        link = await connect(ssh_server.spec())
        await link.close()
        with pytest.raises(LinkLost):
            await link.run("true")
        with pytest.raises(LinkLost):
            await link.read("file")

    asyncio.run(_run())


def test_a_command_that_has_ended_before_anything_is_given_to_it_is_no_cut_connection(
    ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def _run() -> None:
        link = await connect(ssh_server.spec())
        create = link._connection.create_process

        async def _create_late(*words: Any, **options: Any) -> Any:
            process = await create(*words, **options)
            await process.wait_closed()
            return process

        monkeypatch.setattr(link._connection, "create_process", _create_late)
        try:
            answer = await link.run("echo done", given=b"nobody reads this")
            assert (answer.code, answer.out) == (0, b"done\n")
        finally:
            await link.close()

    asyncio.run(_run())

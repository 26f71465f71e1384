"""Connections that are cut or held back, disks that are full: each says so, and soon."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from ssh_server import SshServer

from calibench.errors import TargetError
from calibench.targets import ssh_login
from calibench.targets.link import LinkLost
from calibench.targets.ssh_link import SshLink, connect

pytestmark = pytest.mark.targets

BIG = os.urandom(1 << 20) * 8


def ignored(_: int) -> None:
    """Progress that nobody looks at."""


def over(server: SshServer, work: Callable[[SshLink], Awaitable[Any]]) -> Any:
    """Do something with a link. It must end by itself: 120 s are far more than it may take."""

    async def _run() -> Any:
        link = await connect(server.spec())
        try:
            return await asyncio.wait_for(work(link), 120.0)
        finally:
            await link.close()

    return asyncio.run(_run())


@pytest.fixture
def soon_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed after two seconds."""
    monkeypatch.setattr(ssh_login, "ALIVE_S", 0.7)


def test_a_command_whose_connection_is_cut_says_so(ssh_server: SshServer) -> None:
    async def _work(link: SshLink) -> None:
        task = asyncio.ensure_future(link.run(f"touch {ssh_server.folder}/began; sleep 98762"))
        while not (ssh_server.here / "began").exists():
            await asyncio.sleep(0.02)
        ssh_server.relay.cut()
        with pytest.raises(LinkLost, match=f"{link.name}: the connection was cut"):
            await task

    over(ssh_server, _work)


def test_a_session_that_is_killed_there_is_a_cut_connection(ssh_server: SshServer) -> None:
    async def _work(link: SshLink) -> None:
        task = asyncio.ensure_future(link.run(f"touch {ssh_server.folder}/began; sleep 98761"))
        while not (ssh_server.here / "began").exists():
            await asyncio.sleep(0.02)
        for process in ssh_server.sessions():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with pytest.raises(LinkLost):
            await task

    over(ssh_server, _work)


def test_everything_says_so_after_the_connection_was_cut(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"abc")

    async def _work(link: SshLink) -> None:
        await link.read("nothing")
        ssh_server.relay.cut()
        with suppress(LinkLost):
            await link.run("true")
        with pytest.raises(LinkLost):
            await link.run("true")
        with pytest.raises(LinkLost):
            await link.read("nothing")
        with pytest.raises(LinkLost):
            await link.put(tmp_path / "source", f"{ssh_server.folder}/file", ignored)
        with pytest.raises(LinkLost):
            await link.get(f"{ssh_server.folder}/file", tmp_path / "back", ignored)

    over(ssh_server, _work)


def test_an_upload_that_is_cut_goes_on_over_a_new_connection(ssh_server: SshServer, tmp_path: Path) -> None:
    source, there = tmp_path / "source", f"{ssh_server.folder}/file"
    source.write_bytes(BIG)
    moved: list[int] = []

    async def _cut(link: SshLink) -> None:
        ssh_server.relay.cut_after(up=3 << 20)
        with pytest.raises(LinkLost):
            await link.put(source, there, moved.append)

    over(ssh_server, _cut)
    arrived = (ssh_server.here / "file").stat().st_size
    assert 0 < sum(moved) <= arrived < len(BIG)
    assert (ssh_server.here / "file").read_bytes() == BIG[:arrived]
    over(ssh_server, lambda link: link.put(source, there, moved.append, at=arrived))
    assert (ssh_server.here / "file").read_bytes() == BIG


def test_a_download_that_is_cut_goes_on_over_a_new_connection(ssh_server: SshServer, tmp_path: Path) -> None:
    (ssh_server.here / "file").write_bytes(BIG)
    there, back = f"{ssh_server.folder}/file", tmp_path / "back"
    moved: list[int] = []

    async def _cut(link: SshLink) -> None:
        ssh_server.relay.cut_after(down=3 << 20)
        with pytest.raises(LinkLost):
            await link.get(there, back, moved.append)

    over(ssh_server, _cut)
    arrived = back.stat().st_size
    assert 0 < sum(moved) == arrived < len(BIG)
    assert back.read_bytes() == BIG[:arrived]
    over(ssh_server, lambda link: link.get(there, back, moved.append, at=arrived))
    assert back.read_bytes() == BIG


def test_a_copy_that_is_cut_says_so_once(
    ssh_server: SshServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "source").write_bytes(BIG)
    (ssh_server.here / "other").write_bytes(BIG)

    async def _work(link: SshLink) -> None:
        ssh_server.relay.cut_after(up=1 << 20)
        with pytest.raises(LinkLost):
            await link.put(tmp_path / "source", f"{ssh_server.folder}/file", ignored)

    async def _fetch(link: SshLink) -> None:
        ssh_server.relay.cut_after(down=1 << 20)
        with pytest.raises(LinkLost):
            await link.get(f"{ssh_server.folder}/other", tmp_path / "back", ignored)

    over(ssh_server, _work)
    over(ssh_server, _fetch)
    gc.collect()
    assert not caplog.records


def test_a_machine_that_falls_silent_counts_as_cut(ssh_server: SshServer, soon_asked: None) -> None:
    async def _work(link: SshLink) -> None:
        ssh_server.relay.stall()
        with pytest.raises(LinkLost):
            await link.run("true")

    over(ssh_server, _work)


def test_a_machine_that_falls_silent_in_an_upload_counts_as_cut(
    ssh_server: SshServer, soon_asked: None, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(BIG)

    async def _work(link: SshLink) -> None:
        def _moved(_: int) -> None:
            ssh_server.relay.stall()

        with pytest.raises(LinkLost):
            await link.put(tmp_path / "source", f"{ssh_server.folder}/file", _moved)

    over(ssh_server, _work)


def test_a_command_that_is_silent_for_long_is_not_cut(ssh_server: SshServer, soon_asked: None) -> None:
    answer = over(ssh_server, lambda link: link.run("sleep 3; echo awake"))
    assert answer.out == b"awake\n"


def test_an_upload_that_is_given_up_leaves_the_link_usable(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(BIG)

    async def _work(link: SshLink) -> None:
        moves = asyncio.Event()
        task = asyncio.ensure_future(link.put(tmp_path / "source", f"{ssh_server.folder}/file", lambda _: moves.set()))
        await moves.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await link.run("echo here")).out == b"here\n"
        await link.put(tmp_path / "source", f"{ssh_server.folder}/file", ignored)

    over(ssh_server, _work)
    assert (ssh_server.here / "file").read_bytes() == BIG


@pytest.mark.root
def test_a_full_disk_says_how_much_is_free(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(BIG)
    with ssh_server.small_disk(2 << 20) as small:

        async def _work(link: SshLink) -> None:
            with pytest.raises(TargetError, match=rf"{link.name}: no room for {small}/file: \d+ bytes are free"):
                await link.put(tmp_path / "source", f"{small}/file", ignored)
            await link.run(f"rm {small}/file")
            (tmp_path / "source").write_bytes(b"fits")
            await link.put(tmp_path / "source", f"{small}/file", ignored)

        over(ssh_server, _work)


def test_a_used_up_quota_says_what_may_be_wrong(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"abc")

    async def _work(link: SshLink) -> None:
        with pytest.raises(TargetError, match=r"/dev/full cannot be written; the machine says only: Failure\. What"):
            await link.put(tmp_path / "source", "/dev/full", ignored)

    over(ssh_server, _work)


def test_a_file_that_vanishes_while_it_is_fetched_is_fetched_still(ssh_server: SshServer, tmp_path: Path) -> None:
    (ssh_server.here / "file").write_bytes(BIG)

    async def _work(link: SshLink) -> None:
        await link.get(
            f"{ssh_server.folder}/file",
            tmp_path / "back",
            lambda _: (ssh_server.here / "file").unlink(missing_ok=True),
        )

    over(ssh_server, _work)
    assert (tmp_path / "back").read_bytes() == BIG


def test_a_file_that_becomes_shorter_while_it_is_fetched_says_so(ssh_server: SshServer, tmp_path: Path) -> None:
    (ssh_server.here / "file").write_bytes(BIG * 2)

    async def _work(link: SshLink) -> None:
        with pytest.raises(TargetError, match=f"{ssh_server.folder}/file became shorter"):
            await link.get(
                f"{ssh_server.folder}/file", tmp_path / "back", lambda _: os.truncate(ssh_server.here / "file", 10)
            )

    over(ssh_server, _work)


def test_a_machine_without_sftp_says_so(ssh_server: SshServer) -> None:
    async def _work(link: SshLink) -> None:
        with pytest.raises(TargetError, match="offers no SFTP"):
            await link.read("file")

    with ssh_server.without_sftp():
        over(ssh_server, _work)

"""A process group there: it lives on without the link, is found by its handle, and stops with all it started."""

import asyncio
from pathlib import Path

import pytest

from calibench.errors import TargetError
from calibench.targets.direct_start import DirectStart
from calibench.targets.local_link import LocalLink

pytestmark = pytest.mark.targets

STUBBORN = "sh -c 'trap : TERM; echo ready; while :; do sleep 0.05; done'"


async def until_ready(folder: Path) -> None:
    while "ready" not in ((folder / "log.txt").read_text() if (folder / "log.txt").exists() else ""):
        await asyncio.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a name that a shell could take apart."""
    place = tmp_path / "a job's"
    place.mkdir()
    return place


def test_started_twice_in_a_folder_it_is_one_process(folder: Path) -> None:
    async def work() -> None:
        link, starter = LocalLink(), DirectStart()
        handle = await starter.start(link, str(folder), "sh -c 'echo ready; exec sleep 600'")
        assert await starter.start(link, str(folder), "sh -c 'echo second'") == handle
        assert (await starter.look(LocalLink(), handle)).state == "running"
        await starter.stop(link, handle)
        assert (await starter.look(link, handle)).state == "ended"

    asyncio.run(work())
    assert "second" not in (folder / "log.txt").read_text()


def test_one_that_ended_is_started_again_and_adds_to_its_log(folder: Path) -> None:
    async def work() -> None:
        link, starter = LocalLink(), DirectStart()
        for word in ("first", "second"):
            handle = await starter.start(link, str(folder), f"sh -c 'echo {word}'")
            while (await starter.look(link, handle)).state != "ended":
                await asyncio.sleep(0.01)

    asyncio.run(work())
    assert (folder / "log.txt").read_text() == "first\nsecond\n"


def test_one_that_does_not_hear_is_ended_by_force(folder: Path) -> None:
    async def work() -> None:
        link, starter = LocalLink(), DirectStart()
        handle = await starter.start(link, str(folder), STUBBORN)
        await until_ready(folder)
        await starter.stop(link, handle)
        assert (await starter.look(link, handle)).state == "ended"

    asyncio.run(work())


def test_another_process_under_its_number_is_left_alone(folder: Path) -> None:
    async def work() -> None:
        link, starter = LocalLink(), DirectStart()
        handle = await starter.start(link, str(folder), STUBBORN)
        of_before = f"{handle.split()[0]} 1-of-another-boot"
        assert (await starter.look(link, of_before)).state == "ended"
        await starter.stop(link, of_before)
        assert (await starter.look(link, handle)).state == "running"
        await starter.stop(link, handle)

    asyncio.run(work())


@pytest.mark.parametrize("handle", ["", "1 x", "0 x", "; rm -r x", "-5 x"])
def test_what_is_no_handle_is_never_signalled(handle: str) -> None:
    with pytest.raises(TargetError, match="names no process group"):
        asyncio.run(DirectStart().stop(LocalLink(), handle))


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="could not be started"):
        asyncio.run(DirectStart().start(LocalLink(), str(tmp_path / "gone"), "true"))

"""This machine as a target, for a queue that is here and for tests: a shell and plain files."""

import asyncio
import errno
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calibench.errors import TargetError
from calibench.targets.conversation import Conversation
from calibench.targets.link import Answer, Moved
from calibench.targets.link_refusals import no_file, no_room, too_slow

FULL = (errno.ENOSPC, errno.EDQUOT)
ENDING_S = 2.0
"""Seconds that a conversation may take to end by itself."""
BLOCK = 1 << 20
"""Bytes that are copied in one go."""


class LocalLink:
    """A link to the machine of this process.

    Args:
        home: where relative paths and commands start; None: the home of the user.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._home = (home or Path.home()).absolute()
        self._talks: list[Conversation] = []

    @property
    def name(self) -> str:
        return "this machine"

    async def run(self, command: str, *, given: bytes = b"", within_s: float = 60.0) -> Answer:
        """As of Link. What it started itself and left running in its process group ends with it when time is up."""
        process = await self._begin(command, asyncio.subprocess.PIPE)
        try:
            out, err = await asyncio.wait_for(process.communicate(given), within_s)
        except TimeoutError:
            raise too_slow(self.name, command, within_s) from None
        finally:
            await _end(process)
        return Answer(process.returncode or 0, out, err)

    async def converse(self, command: str) -> Conversation:
        talk = Conversation(_LocalPipe(await self._begin(command, asyncio.subprocess.STDOUT)))
        self._talks.append(talk)
        return talk

    async def put(self, source: Path, target: str, moved: Moved, at: int = 0) -> None:
        await self._copy(source, self._path(target), moved, at)

    async def get(self, source: str, target: Path, moved: Moved, at: int = 0) -> None:
        await self._copy(self._path(source), target, moved, at)

    async def read(self, path: str, at: int = 0) -> bytes:
        with self._refusals(self._path(path)):
            try:
                with self._path(path).open("rb") as file:
                    file.seek(at)
                    return file.read()
            except FileNotFoundError:
                return b""

    async def close(self) -> None:
        while self._talks:
            await self._talks.pop().close()

    async def _begin(self, command: str, errors: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=self._home,
            env={**os.environ, "HOME": str(self._home)},
            start_new_session=True,
        )

    def _path(self, path: str) -> Path:
        return self._home / path

    async def _copy(self, source: Path, target: Path, moved: Moved, at: int) -> None:
        with self._refusals(target), source.open("rb") as read, target.open("r+b" if at else "wb") as written:
            if at:
                read.seek(at)
                written.seek(at)
                written.truncate()
            while block := read.read(BLOCK):
                written.write(block)
                written.flush()  # so that a full disk is met here, and what is told is true
                moved(len(block))
                await asyncio.sleep(0)

    @contextmanager
    def _refusals(self, path: Path) -> Iterator[None]:
        """Say what the disk says in one sentence."""
        try:
            yield
        except FileNotFoundError as error:
            raise no_file(self.name, error.filename) from None
        except OSError as error:
            free = _free(path)
            if error.errno in FULL:
                raise no_room(self.name, str(path), free) from None
            raise TargetError(f"{self.name}: {error.filename or path}: {error.strerror}.") from None


class _LocalPipe:
    """To a process of this machine."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.read(BLOCK)

    async def write(self, text: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(text)
            await self._process.stdin.drain()

    async def code(self) -> int:
        return await self._process.wait()

    async def end(self) -> None:
        await _end(self._process)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), ENDING_S)
        except TimeoutError:
            await self.end()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and its group."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _free(path: Path) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free
    return None

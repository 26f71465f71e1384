"""The two ends of a command over SSH, for a conversation with it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncssh

BLOCK = 1 << 16
ENDING_S = 2.0
"""Seconds that a command may take to end by itself."""


class SshPipe:
    """To a command whose first word is its mark, with the number of its process group; what stands before is no answer.

    Args:
        refusals: says what the machine says in one sentence.
        kill: ends a process group by its number.
    """

    def __init__(
        self,
        process: "asyncssh.SSHClientProcess[bytes]",
        mark: str,
        refusals: Callable[[], AbstractContextManager[None]],
        kill: Callable[[int], Awaitable[None]],
    ) -> None:
        self._process, self._mark = process, mark.encode()
        self._refusals, self._kill = refusals, kill
        self._before: bytes | None = b""
        self._group: int | None = None

    async def read(self) -> bytes:
        with self._refusals():
            while said := await self._process.stdout.read(BLOCK):
                if answer := self._after_mark(said):
                    return answer
            return b""

    async def write(self, text: bytes) -> None:
        with self._refusals(), suppress(BrokenPipeError):
            self._process.stdin.write(text)
            await self._process.stdin.drain()

    async def code(self) -> int:
        with self._refusals():
            await self._process.wait_closed()
            if self._process.returncode is None:
                raise ConnectionError
            return self._process.returncode

    async def end(self) -> None:
        if self._process.returncode is None and self._group is not None:
            await self._kill(self._group)
        self._process.close()

    async def close(self) -> None:
        with suppress(TimeoutError, OSError):
            self._process.stdin.write_eof()
            await asyncio.wait_for(self._process.wait_closed(), ENDING_S)
        await self.end()

    def _after_mark(self, said: bytes) -> bytes:
        """What of it stands after the line of the mark."""
        if self._before is None:
            return said
        self._before += said
        _, found, rest = self._before.partition(self._mark + b" ")
        number, ended, answer = rest.partition(b"\n")
        if not found or not ended:
            return b""
        self._before, self._group = None, int(number)
        return answer

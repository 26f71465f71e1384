"""Files through SFTP, many blocks under way at once, in order: what is there when a copy breaks off is whole so far."""

import asyncio
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

from calibench.targets.link import Moved

if TYPE_CHECKING:
    import asyncssh

BLOCK = 255 << 10
"""Bytes in a request; what OpenSSH takes at most."""
UNDER_WAY = 4 << 20
"""Bytes that are asked for and not answered yet; twice what OpenSSH lets through a channel unanswered."""


async def send(files: "asyncssh.SFTPClient", source: Path, target: str, moved: Moved, at: int) -> None:
    """Write a file there from byte `at` on.

    Raises:
        asyncssh.Error: refused there, or the connection was cut.
        OSError: not readable here.
    """
    with source.open("rb") as read:
        read.seek(at)
        size = min(BLOCK, files.limits.max_write_len or BLOCK)
        async with files.open(target, "r+b" if at else "wb", block_size=0) as file:
            if at:
                await file.truncate(at)
            flight: deque[asyncio.Future[int]] = deque()
            try:
                while block := read.read(size):
                    flight.append(asyncio.ensure_future(file.write(block, at)))
                    at += len(block)
                    if len(flight) * size >= UNDER_WAY:
                        moved(await flight.popleft())
                while flight:
                    moved(await flight.popleft())
            finally:
                _give_up(flight)


async def receive(files: "asyncssh.SFTPClient", source: str, target: Path, moved: Moved, at: int) -> None:
    """Fetch a file from byte `at` on, as long as it is at the beginning.

    Raises:
        asyncssh.Error: refused there, or the connection was cut.
        EOFError: it became shorter while it was fetched.
        OSError: not writable here.
    """
    async with files.open(source, "rb", block_size=0) as file:
        size = (await file.stat()).size or 0
        piece = min(BLOCK, files.limits.max_read_len or BLOCK)
        with target.open("r+b" if at else "wb") as written:
            written.seek(at)
            written.truncate()
            flight: deque[asyncio.Future[bytes]] = deque()
            try:
                while at < size or flight:
                    while at < size and len(flight) * piece < UNDER_WAY:
                        flight.append(asyncio.ensure_future(_whole(file, at, min(piece, size - at))))
                        at += min(piece, size - at)
                    block = await flight.popleft()
                    written.write(block)
                    written.flush()
                    moved(len(block))
            finally:
                _give_up(flight)


async def _whole(file: "asyncssh.SFTPClientFile", at: int, size: int) -> bytes:
    """A block; machines may answer with less than was asked for."""
    block = b""
    while len(block) < size:
        piece = cast(bytes, await file.read(size - len(block), at + len(block)))
        if not piece:
            raise EOFError
        block += piece
    return block


def _give_up(flight: "deque[asyncio.Future[int]] | deque[asyncio.Future[bytes]]") -> None:
    """Ask for nothing more; what the rest still says is the same again, and nobody listens."""
    for block in flight:
        block.add_done_callback(lambda done: done.cancelled() or done.exception())
        block.cancel()

"""Bytes on their way to a file: how long they are waited for, and that none is lost between line and disk."""

import asyncio
from collections.abc import AsyncIterator, Callable


async def while_it_comes(chunks: AsyncIterator[bytes], silent_s: float) -> AsyncIterator[bytes]:
    """The same chunks.

    Raises:
        TimeoutError: the next one is not there after that many seconds.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(silent_s) as limit:
        async for chunk in chunks:
            limit.reschedule(None)  # the disk may take its time
            yield chunk
            limit.reschedule(loop.time() + silent_s)


async def to_the_end(append: Callable[[str, bytearray], None], id: str, piece: bytearray) -> None:
    """Write in a thread; when the request is cancelled, only after that: the next one must see where the file ends."""
    work = asyncio.ensure_future(asyncio.to_thread(append, id, piece))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise

"""Links to this machine for tests that ask one thing at a time: all are closed when it is done."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from calibench.targets.local_link import LocalLink

T = TypeVar("T")
LINKS: list[LocalLink] = []


def local(user: Path) -> LocalLink:
    """A link whose home is a folder."""
    LINKS.append(link := LocalLink(user))
    return link


def done(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it; what was asked over the links has ended then."""

    async def _done() -> T:
        try:
            return await work
        finally:
            await asyncio.gather(*(link.close() for link in LINKS))

    return asyncio.run(_done())

"""How the process of a job is started on a target: directly, or through a batch queue."""

from dataclasses import dataclass
from typing import Literal, Protocol

from calibench.targets.link import Link


@dataclass(frozen=True)
class QueueState:
    """Where a started job is. `reason`: why it waits or how it ended, in the words of the queue; may be ''."""

    state: Literal["queued", "running", "ended"]
    reason: str = ""


class Starter(Protocol):
    """Starts, looks at and ends the process of a job, by a handle that is text and survives a new connection."""

    async def start(self, link: Link, folder: str, command: str) -> str:
        """Start a line of POSIX shell in a folder there, its output added to log.txt; it lives on without the link.

        Raises:
            TargetError: refused, with the reason of the queue.
        """

    async def look(self, link: Link, handle: str) -> QueueState:
        """Where it is. What the job wrote itself counts more: a queue may know nothing of a job that has ended."""

    async def stop(self, link: Link, handle: str) -> None:
        """End it and all that it started, also where it waits still; returns when it is gone, or after 10 s."""

"""What can be done on the machine where a job is started: this one, or one behind SSH."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from calibench.errors import TargetError
from calibench.targets.conversation import Conversation

Moved = Callable[[int], None]
"""Told the number of bytes that were moved since the last call."""


class LinkLost(TargetError):  # noqa: N818 - as faces call it
    """The connection was cut. What runs there goes on; connect again."""


class NoAnswer(TargetError):  # noqa: N818 - as faces call it
    """No connection came about, by what may pass: a cable, a machine that is off. `says`: without what to do."""

    def __init__(self, says: str, mend: str = "") -> None:
        super().__init__(f"{says} {mend}".strip())
        self.says = says


@dataclass(frozen=True)
class Answer:
    """What a command said. `code`: its exit code; negative: the signal that ended it."""

    code: int
    out: bytes
    err: bytes


class Link(Protocol):
    """An open way to a machine. Paths there are absolute, or relative to the user's home. Every method raises LinkLost
    when the connection is cut, and TargetError for what will not be better another time."""

    @property
    def name(self) -> str:
        """For messages, such as me@lab."""

    async def run(self, command: str, *, given: bytes = b"", within_s: float = 60.0) -> Answer:
        """Run a line of POSIX shell to its end.

        Args:
            given: to its standard input.
            within_s: seconds; then it is ended, and TargetError is raised.
        """

    async def converse(self, command: str) -> Conversation:
        """Begin a line of POSIX shell that is told lines and answers lines; its errors come among them. It must end
        when its standard input does.
        """

    async def put(self, source: Path, target: str, moved: Moved, at: int = 0) -> None:
        """Write a file there; its folder exists.

        Args:
            at: bytes that are there already; what follows is added.
        """

    async def get(self, source: str, target: Path, moved: Moved, at: int = 0) -> None:
        """Fetch a file; `at` as of `put`, here."""

    async def read(self, path: str, at: int = 0) -> bytes:
        """What stands in a file from byte `at` on; b'' where there is no such file (yet)."""

    async def close(self) -> None:
        """Let it go; what was started there goes on."""

"""A link that answers commands from a list, for what a queue says."""

import re
from pathlib import Path

from calibench.targets.conversation import Conversation
from calibench.targets.link import Answer, Moved


class AnsweringLink:
    """Answers the first pattern that a command holds; `commands`: what it was asked."""

    name = "me@login"

    def __init__(self, *answers: tuple[str, Answer | Exception], files: dict[str, str] | None = None) -> None:
        self._answers, self._files = answers, files or {}
        self.commands: list[str] = []
        self.given: list[bytes] = []

    async def run(self, command: str, *, given: bytes = b"", within_s: float = 60.0) -> Answer:
        self.commands.append(command)
        self.given.append(given)
        for pattern, answer in self._answers:
            if re.search(pattern, command):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        return Answer(0, self._marks() if "told_to_end" in command else b"", b"")

    def _marks(self) -> bytes:
        """As the files of a job are read."""
        rows = [self._files.get(name, "") for name in ("started", "told_to_end", "exit_code")]
        return "".join(f"{row}\n-\n" if row else "-\n" for row in rows).encode()

    async def converse(self, command: str) -> Conversation:
        raise NotImplementedError

    async def read(self, path: str, at: int = 0) -> bytes:
        return b""

    async def put(self, source: Path, target: str, moved: Moved, at: int = 0) -> None:
        raise NotImplementedError

    async def get(self, source: str, target: Path, moved: Moved, at: int = 0) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


def says(out: str = "", err: str = "", code: int = 0) -> Answer:
    return Answer(code, out.encode(), err.encode())

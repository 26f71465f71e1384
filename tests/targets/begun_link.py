"""A link to this machine that knows of its conversations."""

from pathlib import Path

from calibench.targets.conversation import Conversation
from calibench.targets.local_link import LocalLink


class Begun(LocalLink):
    """Counts the processes that were begun; the last of them is `talk`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.begun = 0

    async def converse(self, command: str) -> Conversation:
        self.begun += 1
        self.talk = await super().converse(command)
        return self.talk

"""A command on a machine that goes on: it is told lines and answers lines, for as long as somebody asks."""

from typing import Protocol


class Pipe(Protocol):
    """The two ends of a command. Every method raises LinkLost when the connection is cut."""

    async def read(self) -> bytes:
        """What it says next; b'': it says no more."""

    async def write(self, text: bytes) -> None:
        """To its standard input; one that has ended reads nothing, which is no error."""

    async def code(self) -> int:
        """Its exit code, after it has said all."""

    async def close(self) -> None:
        """Say no more, and wait a little until it has ended by that."""

    async def end(self) -> None:
        """End it with what it started; one that has ended is left alone."""


class Conversation:
    """Lines to and from a command. It ends by itself when the link is closed or cut: then nothing more comes in.

    Attributes:
        is_open: it may be told something.
        is_busy: an answer is waited for; an idle one may be ended by the link, to make room for others.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._heard = pipe, bytearray()
        self.is_open = True
        self.is_busy = False

    async def say(self, text: bytes) -> None:
        """Tell it something.

        Raises:
            LinkLost: the connection was cut.
        """
        await self._pipe.write(text)

    async def hear(self) -> bytes | None:
        """The next line that it says, without its end; None: it has ended.

        Raises:
            LinkLost: the connection was cut.
        """
        searched = 0
        while (end := self._heard.find(b"\n", searched)) < 0:
            searched = len(self._heard)
            said = await self._pipe.read()
            if not said:
                self.is_open = False
                return None
            self._heard += said
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line

    async def code(self) -> int:
        """Its exit code, after its last line."""
        return await self._pipe.code()

    async def close(self) -> None:
        """Let it end."""
        self.is_open = False
        await self._pipe.close()

    async def end(self) -> None:
        """End it, whatever it does."""
        self.is_open = False
        await self._pipe.end()

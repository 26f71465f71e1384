"""What is done about a cut connection: try again after growing pauses, for as long as a person would wait."""

import asyncio
from collections.abc import Callable
from time import monotonic

from calibench.errors import TargetError

FIRST_S, LONGEST_S = 1.0, 8.0
"""Pauses between two tries. A try itself waits up to 10 s, so that a cable that is back is noticed within that time."""
GIVE_UP_S = 600.0
"""Seconds without an answer after which a job fails here, while it goes on there."""

CUT = "the connection was cut"
"""What a link says of a connection that broke while it was used."""


class Patience:
    """How long a connection has been cut, and how often that was said.

    Args:
        note: tells a person what happens.
    """

    def __init__(self, note: Callable[[str], None], clock: Callable[[], float] = monotonic) -> None:
        self._note, self._clock = note, clock
        self._since: float | None = None
        self._pause, self._said, self._name = FIRST_S, "", ""

    def well(self) -> None:
        """The machine has answered."""
        if self._since is not None:
            self._note("The connection is back.")
        self._since, self._pause, self._said, self._name = None, FIRST_S, "", ""

    async def wait(self, name: str, error: TargetError, if_given_up: str) -> None:
        """Wait until it is time to try again.

        Args:
            name: of the machine.
            if_given_up: the end of the sentence that says that nobody tries any more.

        Raises:
            TargetError: it has been cut for too long.
        """
        now = self._clock()
        since = self._since = now if self._since is None else self._since
        if now - since >= GIVE_UP_S:
            raise TargetError(f"{name}: no connection for {(now - since) / 60:.0f} minutes. {if_given_up}") from error
        self._name = self._name or name
        if str(error) != self._said:
            self._said = str(error)
            self._note(f"The connection to {self._name} was lost; trying again.{self._reason()}")
        await asyncio.sleep(min(self._pause, since + GIVE_UP_S - now))
        self._pause = min(2 * self._pause, LONGEST_S)

    def _reason(self) -> str:
        """What the error says beside that the connection to the machine was cut."""
        reason = self._said.removeprefix(f"{self._name}: ")
        return "" if reason.startswith(CUT) else f" {reason[:1].upper()}{reason[1:]}"

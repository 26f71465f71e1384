"""What is done about a cut connection: try again after growing pauses, for as long as a person would wait."""

import asyncio
import re
from collections.abc import Callable
from time import monotonic

from calibench.errors import TargetError
from calibench.targets.link import LinkLost

FIRST_S, LONGEST_S = 1.0, 8.0
"""Pauses between two tries. A try itself waits up to 10 s, so that a cable that is back is noticed within that time."""
GIVE_UP_S = 600.0
"""Seconds without an answer after which a job fails here, while it goes on there."""

STEADY_S = 60.0
"""Seconds that a connection must have held for the next cut to be a new one, which is waited for as long again."""

CUT = "the connection was cut"
"""What a link says of a connection that broke while it was used."""


class TurnedAway(LinkLost):
    """The machine was reached again, and lets nobody in: another matter than a cable."""


class Patience:
    """How long a connection has been cut, and how often that was said.

    Args:
        note: tells a person what happens.
    """

    def __init__(self, note: Callable[[str], None], clock: Callable[[], float] = monotonic) -> None:
        self._note, self._clock = note, clock
        self._since: float | None = None
        self._back: float | None = None
        self._pause, self._said, self._name = FIRST_S, "", ""

    @property
    def is_cut(self) -> bool:
        """Whether nothing is known yet of a connection that was lost."""
        return self._since is not None and self._back is None

    def back(self) -> None:
        """The machine has answered; whether the connection holds is to be seen."""
        if self.is_cut:
            self._note("The connection is back.")
            self._back = self._clock()

    def well(self) -> None:
        """What is done there has come a step further."""
        self.back()
        self._since, self._back, self._pause, self._said = None, None, FIRST_S, ""

    async def wait(self, name: str, error: TargetError, if_given_up: str) -> None:
        """Wait until it is time to try again.

        Args:
            name: of the machine.
            if_given_up: the end of the sentence that says that nobody tries any more.

        Raises:
            TargetError: it has been cut for too long.
        """
        now, self._name = self._clock(), self._name or name
        if self._back is not None and now - self._back >= STEADY_S:
            self.well()
        if self._since is None or self._back is not None:
            self._note(f"The connection to {self._name} was lost; trying again.{_reason(error)}")
            self._said = str(error)
        elif isinstance(error, TurnedAway) and str(error) != self._said:  # all else is the same cable still
            self._note(f"Still trying to reach {self._name}.{_reason(error)}")
            self._said = str(error)
        since = self._since = now if self._since is None else self._since
        self._back = None
        if now - since >= GIVE_UP_S:
            raise TargetError(f"{name}: no connection for {(now - since) / 60:.0f} minutes. {if_given_up}") from error
        await asyncio.sleep(min(self._pause, since + GIVE_UP_S - now))
        self._pause = min(2 * self._pause, LONGEST_S)


def _reason(error: TargetError) -> str:
    """What an error says beside that the connection to a machine was cut."""
    reason = re.sub(r"^\S+: ", "", str(error))
    return "" if reason.startswith(CUT) else f" {reason[:1].upper()}{reason[1:]}"

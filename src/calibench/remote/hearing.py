"""Who is told how far a job on a target is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calibench.progress import Progress, silent

if TYPE_CHECKING:
    from calibench.search.values import Trial


def unheard(*_: Any) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Hearing:
    """Callbacks; each may raise `Cancelled`, which ends the job there, too.

    Attributes:
        progress: of a step: its name, how much is done, of how much. While a job waits in a queue, the queue's reason.
        on_trial: of the accuracy-aware method: each model that was evaluated, and the most still to come.
        on_note: a sentence for a person: a connection was lost, a job waits.
    """

    progress: Progress = silent
    on_trial: "Callable[[Trial, int], None]" = unheard
    on_note: Callable[[str], None] = unheard


NOBODY = Hearing()

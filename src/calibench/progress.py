"""How a long step says how far it is, and how it is asked to stop."""

from typing import Protocol


class Progress(Protocol):
    """Called by every step; it may raise `Cancelled` to stop the run between two samples."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` units of the stage are finished.

        Args:
            stage: one of `STAGES`.
            done: finished units, 0 <= done <= total.
            total: units in all; it may shrink when statistics settle early.

        Raises:
            Cancelled: the caller wants the run to end.
        """


STAGES = (
    *("read", "diagnose", "decode", "statistics", "fit", "evaluate"),
    *("validate", "rank", "search", "benchmark", "write"),
)


def silent(stage: str, done: int, total: int) -> None:
    """The progress of a caller who does not look."""

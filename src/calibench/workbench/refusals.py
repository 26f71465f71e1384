"""What the Workbench refuses, with the way out."""

from calibench.errors import JobError
from calibench.things.kept import Hindrance


class NotPossible(JobError):  # noqa: N818 - the name says it
    """Something that cannot be done now.

    Attributes:
        hindrance: why, and what mends it.
    """

    def __init__(self, hindrance: Hindrance) -> None:
        super().__init__(hindrance.sentence)
        self.hindrance = hindrance


def refuse(hindrance: Hindrance | None) -> None:
    """Stop where there is a hindrance.

    Raises:
        NotPossible: there is one.
    """
    if hindrance is not None:
        raise NotPossible(hindrance)

"""Why the store refused: what is not there, and what somebody else changed meanwhile."""

from calibench.errors import JobError


class NotThere(JobError):  # noqa: N818 - as faces call it
    """A thing with this id does not exist, or not any more."""


class Conflict(JobError):  # noqa: N818
    """A thing is not what the caller took it for: it was changed meanwhile, or something still needs it."""

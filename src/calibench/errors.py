"""What can go wrong, by who must act.

Every message is one sentence or two that say what, where and what to do; faces print it as it is.
"""


class CalibenchError(Exception):
    """The base of all errors that a user can mend; `str(error)` is the whole message."""


class ModelError(CalibenchError):
    """The model file cannot be read, is not FP32, or holds nothing that can be quantized."""


class DatasetError(CalibenchError):
    """The dataset is missing, empty, unreadable or does not fit the model."""


class SettingsError(CalibenchError):
    """A setting has a value that is not possible."""


class TargetError(CalibenchError):
    """The device or machine cannot run what was asked for."""


class JobError(CalibenchError):
    """The run itself failed: no room, no right to write, a result already there."""


KINDS: dict[str, type[CalibenchError]] = {
    kind.__name__: kind for kind in (ModelError, DatasetError, SettingsError, TargetError, JobError)
}
"""By name, for an error that comes from another process."""


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """The run was stopped on request; raised out of the progress callback."""

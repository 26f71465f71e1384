"""What a machine may answer to a command or a file, in one sentence; the same over every link."""

from calibench.errors import TargetError

SHOWN = 80
"""Characters of a command that a message shows."""


def too_slow(name: str, command: str, within_s: float) -> TargetError:
    """A command was ended because its time was up."""
    line = " ".join(command.split())
    shown = line if len(line) <= SHOWN else f"{line[:SHOWN]}..."
    return TargetError(f"{name}: no answer within {within_s:g} s, so it was ended: {shown}")


def no_file(name: str, path: str) -> TargetError:
    """A file that should be there is not, or the folder that it should go to."""
    return TargetError(f"{name}: there is no {path}.")


def no_room(name: str, path: str, free: int | None) -> TargetError:
    """The disk is full, or what the user may use of it is."""
    left = "" if free is None else f": {free} bytes are free"
    return TargetError(
        f"{name}: no room for {path}{left}. Make room there (calibench target clean), or choose another --home."
    )

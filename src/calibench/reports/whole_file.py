"""Write a text file whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from calibench.errors import JobError


def write_whole(path: Path, text: str) -> None:
    """Write UTF-8 beside the place and rename, so that a full disk leaves what was there; line ends as they are.

    Raises:
        JobError: it cannot be written.
    """
    try:
        if path.exists() and (path.is_symlink() or not path.is_file()):
            path.write_text(text, encoding="utf-8", newline="")  # a link stays one, and nothing is renamed to a device
            return
        handle, aside = tempfile.mkstemp(prefix=f".{path.name[:100]}-", suffix=".partial", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(aside).chmod(0o666 & ~_umask())
            Path(aside).replace(path)
        finally:
            with suppress(OSError):
                Path(aside).unlink()
    except OSError as error:
        raise JobError(f"{path}: cannot be written ({error.strerror}). Choose another place.") from None


def _umask() -> int:
    """What new files of this process may not allow; temporary ones allow nobody else anything."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask

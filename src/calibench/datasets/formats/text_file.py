"""Read lists and tables that came with a dataset."""

import re
from pathlib import Path

from calibench.errors import DatasetError

Line = tuple[int, str]
"""Number of the line, from 1, and its text without the line end."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises:
        DatasetError: missing, may not be read, or in another encoding.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}: line {line} is not in UTF-8. Save the file as UTF-8.") from None
    if "\0" in text:
        raise DatasetError(f"{path}: this is no text. Save the file as UTF-8.")
    return text


def read_lines(path: Path) -> list[Line]:
    """The lines that hold something; ends of lines as Windows, Unix and old Macs write them.

    Raises:
        DatasetError: see `read_text`.
    """
    lines = re.split("\r\n|\n|\r", read_text(path))
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def head_of(path: Path, size: int = 4096) -> list[str]:
    """The first lines of a file for a look at its form, bytes that are no UTF-8 replaced; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(size)
    except OSError:
        return []
    lines = re.split("\r\n|\n|\r", data.decode("utf-8-sig", errors="replace"))
    whole = lines[:-1] if len(data) == size and len(lines) > 1 else lines
    return [line for line in whole if line.strip()]

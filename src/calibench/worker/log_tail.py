"""The last lines of a log, however long it is."""

from pathlib import Path

MOST_BYTES = 1 << 20
"""Read from the end at most: lines of a log are short, and a page that shows more than this is of no use."""


def last_lines(path: Path, count: int) -> str:
    """The last lines of a text; '' where there is no file. A bar that drew over itself shows its last state only."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - MOST_BYTES)
            file.seek(start)
            found = file.read(MOST_BYTES)
    except FileNotFoundError:
        return ""
    lines = found.decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n")
    if start:
        lines = lines[1:]  # begins in the middle
    if lines and not lines[-1]:
        lines.pop()
    wanted = lines[-count:] if count > 0 else []
    return "".join(f"{line.rstrip(chr(13)).rpartition(chr(13))[2]}\n" for line in wanted)

"""Say in a few words why a picture cannot be read."""

import errno
import struct
from pathlib import Path

from PIL import Image, UnidentifiedImageError

FAILURES = (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError)
"""What Pillow raises for files that are no pictures, damaged or too large."""

FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
"""JPEG markers behind which height and width stand (ITU-T T.81, table B.1)."""


def check_file(path: Path) -> None:
    """Raise OSError for what is no file but opens: reading a named pipe or a device would wait for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is a pipe or a device")


def reason(error: BaseException, path: Path) -> str:
    """Why reading a file failed: the end of a sentence, in brackets."""
    if isinstance(error, Image.DecompressionBombError):
        size = _stated_size(path)
        pixels = f"its {size[0]} x {size[1]} pixels" if size else "its pixels"
        return f"{pixels} are more than the {2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000} million that are read"
    if isinstance(error, UnidentifiedImageError):
        size = _stated_size(path)
        return f"{size[0]} x {size[1]} pixels" if size and 0 in size else "it is no picture"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def shown(name: object) -> str:
    """A path as it can stand in a line: line ends and bytes that are no text are written as escapes."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(name))


def _stated_size(path: Path) -> tuple[int, int] | None:
    """Height and width as the header of a PNG, GIF, BMP or JPEG says; for files that Pillow does not open."""
    try:
        with path.open("rb") as file:
            head = file.read(65536)
        if head.startswith(b"\x89PNG"):
            width, height = struct.unpack(">II", head[16:24])
        elif head.startswith(b"GIF8"):
            width, height = struct.unpack("<HH", head[6:10])
        elif head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
        elif head.startswith(b"\xff\xd8"):
            return _jpeg_size(head)
        else:
            return None
    except (OSError, struct.error):
        return None
    return abs(height), width


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        if head[at + 1] in FRAMES:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return height, width
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None

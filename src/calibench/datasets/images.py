"""Read a picture file and bring it to the size that a model takes."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from calibench.datasets.inputs import ImageInput
from calibench.errors import DatasetError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
PAD = 0  # 0..255, the border of a letterbox: black, in place before mean and scale
SHORT_SIDE = (
    0.875  # of the short side is kept by a crop when no length is set: 224 out of 256, as ImageNet models are tested
)
FAILURES = (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError)


def decode(path: Path, image: ImageInput) -> NDArray[np.uint8]:
    """Read a picture as the model takes it.

    The first frame of an animation; turned upright by its EXIF orientation; 16 bits to 8 by the high byte; the alpha
    channel dropped, as OpenCV and torchvision do.

    Returns:
        uint8 [1, H, W, C], RGB or gray, 0..255.

    Raises:
        DatasetError: the file is missing, damaged or no picture, or has the wrong size when nothing may be resized.
    """
    try:
        with Image.open(path) as opened:
            picture = _upright_rgb(opened, image.is_gray)
    except FAILURES as error:
        raise DatasetError(f"{path}: this picture cannot be read ({_reason(error)}). Remove or replace it.") from None
    if picture.size != (image.width, image.height):
        picture = _resize(picture, path, image)
    if image.is_gray and image.channels == 3:
        picture = picture.convert("RGB")
    return np.array(picture, dtype=np.uint8).reshape(image.shape)


def damage(path: Path) -> str | None:
    """Why a picture file is surely unreadable, None if it looks whole; reads the header and the last bytes only.

    Only a file whose end looks cut is decoded, so that a folder is checked in about 0.1 ms a file.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height == 0:
                return "no pixels"
            if not _looks_whole(path, opened.format or "", opened):
                opened.load()
    except FAILURES as error:
        return _reason(error)
    return None


def _looks_whole(path: Path, kind: str, opened: Image.Image) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(max(0, size - 1024))
        tail = file.read()
    match kind:
        case "JPEG" | "MPO":
            return b"\xff\xd9" in tail
        case "PNG":
            return b"IEND" in tail
        case "GIF":
            return tail.rstrip(b"\0").endswith(b";")
        case "WEBP":
            return int.from_bytes(head[4:8], "little") + 8 <= size
        case "BMP":
            return int.from_bytes(head[2:6], "little") <= size
    return False  # rare formats are decoded once more


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no picture"
    if isinstance(error, FileNotFoundError | PermissionError):
        return (error.strerror or "no access").lower()
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _upright_rgb(opened: Image.Image, gray: bool) -> Image.Image:
    picture = ImageOps.exif_transpose(opened) or opened
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        picture = Image.fromarray(_eight_bits(np.asarray(picture)))
    if picture.mode in ("P", "PA", "CMYK", "YCbCr") or "a" in picture.mode:
        picture = picture.convert("RGBA" if picture.mode in ("P", "PA", "La", "RGBa") else "RGB")
    return picture.convert("L" if gray else "RGB")


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Gray values of 16 bits, or of floats in 0..1, or of 0..255 already, as uint8."""
    wide = np.asarray(values, dtype=np.float64)
    top = float(wide.max(initial=0.0))
    if values.dtype.kind == "f" and top <= 1.0:
        wide = wide * 255.0
    elif values.dtype == np.uint16 or top > 255.0:
        wide = np.floor(wide / 256.0)
    return np.clip(np.nan_to_num(wide), 0, 255).astype(np.uint8)


def _resize(picture: Image.Image, path: Path, image: ImageInput) -> Image.Image:
    size = (image.width, image.height)
    match image.settings.resize:
        case "stretch":
            return picture.resize(size, Image.Resampling.BILINEAR)
        case "crop":
            return _crop(picture, size, image.settings.resize_short)
        case "letterbox":
            return _letterbox(picture, size)
    raise DatasetError(
        f"{path}: the picture is {picture.height} x {picture.width}, the model takes {image.height} x {image.width}. "
        "Let it be resized: --resize stretch, crop or letterbox."
    )


def _letterbox(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The whole picture in the middle, the rest of the size in the pad colour."""
    factor = min(size[0] / picture.width, size[1] / picture.height)
    width, height = (min(max(round(side * factor), 1), room) for side, room in zip(picture.size, size, strict=True))
    padded = Image.new(picture.mode, size, PAD)
    inner = picture.resize((width, height), Image.Resampling.BILINEAR)
    padded.paste(inner, ((size[0] - width) // 2, (size[1] - height) // 2))
    return padded


def _crop(picture: Image.Image, size: tuple[int, int], short: int | None) -> Image.Image:
    """The short side to `short` (more where the cut needs it), then the centre, as torchvision rounds."""
    target = round(min(size) / SHORT_SIDE) if short is None else short
    factor = max(target / min(picture.size), size[0] / picture.width, size[1] / picture.height)
    width, height = (max(math.floor(side * factor + 1e-6), cut) for side, cut in zip(picture.size, size, strict=True))
    left, top = round((width - size[0]) / 2), round((height - size[1]) / 2)
    whole = picture.resize((width, height), Image.Resampling.BILINEAR)
    return whole.crop((left, top, left + size[0], top + size[1]))

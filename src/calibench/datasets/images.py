"""Read a picture file and bring it to the size that a model takes."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from calibench.datasets.inputs import ImageInput
from calibench.datasets.placing import place_picture
from calibench.datasets.unreadable import FAILURES, check_file, reason, shown
from calibench.errors import DatasetError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap height and width
SPARE = 3  # a large JPEG is decoded at least so much larger than needed: 3 x faster at 12 MP, pixels off by 0.3 of 255
BLOCK = 8  # pixels; a JPEG of whole blocks is scaled down without moving its borders

# Between half of what Pillow refuses and that, it only warns; such pictures are read, so there is nothing to tell.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(path: Path, image: ImageInput) -> NDArray[np.uint8]:
    """Read a picture as the model takes it.

    The first frame of an animation; turned upright by its EXIF orientation; 16 bits to 8 by the high byte; the alpha
    channel dropped, as OpenCV and torchvision do. A JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8.

    Returns:
        uint8 [1, H, W, C], RGB or gray, 0..255.

    Raises:
        DatasetError: the file is missing, damaged or no picture, or has the wrong size when nothing may be resized.
    """
    try:
        with _opened(path) as opened:
            size = _shrunk_from(opened, image)
            picture = _upright_rgb(opened, image.is_gray)
    except FAILURES as error:
        raise _unreadable(path, error) from None
    return _fit(picture, size or (picture.height, picture.width), image, shown(path))


def decode_array(pixels: NDArray[np.uint8], image: ImageInput, where: str = "array") -> NDArray[np.uint8]:
    """The same way for a picture that is an array already: uint8 [H, W, 3], RGB, or [H, W], gray, 0..255.

    Args:
        where: names the picture in an error.

    Returns:
        uint8 [1, H, W, C], RGB or gray, 0..255.

    Raises:
        DatasetError: the array is no picture, is empty, or has the wrong size when nothing may be resized.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise DatasetError(
            f"{where}: {pixels.dtype} {list(pixels.shape)} is no picture. Give uint8 [height, width, 3] or "
            "[height, width]."
        )
    picture = Image.fromarray(np.ascontiguousarray(pixels)).convert("L" if image.is_gray else "RGB")
    return _fit(picture, (picture.height, picture.width), image, where)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The whole picture in its own size, upright, as `decode` reads it: uint8 [H, W, 3], RGB, 0..255.

    Raises:
        DatasetError: the file is missing, damaged or no picture.
    """
    try:
        with _opened(path) as opened:
            return np.array(_upright_rgb(opened, gray=False), dtype=np.uint8)
    except FAILURES as error:
        raise _unreadable(path, error) from None


def read_upright(path: Path) -> NDArray[np.uint8]:
    """A picture at its own size: uint8 [H, W, 3], RGB, 0..255, turned upright.

    Raises:
        DatasetError: the file is missing, damaged or no picture.
    """
    try:
        with _opened(path) as opened:
            return np.array(_upright_rgb(opened, gray=False), dtype=np.uint8)
    except FAILURES as error:
        raise _unreadable(path, error) from None


def _opened(path: Path) -> Image.Image:
    check_file(path)
    return Image.open(path)


def upright_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as `decode` sees it, in pixels: EXIF orientation applied; reads the header only.

    Raises:
        DatasetError: the file is missing, damaged or no picture.
    """
    try:
        with _opened(path) as opened:
            width, height = opened.size
            if opened.format == "TIFF":  # whose size Pillow gives upright already
                return height, width
            late = opened.format == "PNG" and _has_late_notes(path)
            exif = opened.getexif() if late else Image.Image.getexif(opened)  # PNG's own decodes the whole picture
            return (width, height) if exif.get(ExifTags.Base.Orientation) in TURNED else (height, width)
    except FAILURES as error:
        raise _unreadable(path, error) from None


def _has_late_notes(path: Path) -> bool:
    """Whether a PNG has notes behind its pixels, which may hold the orientation (PNG 3rd edition, 5.6)."""
    behind = False
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            kind = head[4:]
            if behind and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            behind = behind or kind == b"IDAT"
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def damage(path: Path) -> str | None:
    """Why a picture file is surely unreadable, None if it looks whole; reads the header and the last bytes only.

    Only a file whose end looks cut is decoded, so that a folder is checked in about 0.1 ms a file.
    """
    try:
        with _opened(path) as opened:
            if opened.width * opened.height == 0:
                return f"{opened.height} x {opened.width} pixels"
            if not _looks_whole(path, opened.format or "", opened):
                opened.load()
    except FAILURES as error:
        return reason(error, path)
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


def _unreadable(path: Path, error: BaseException) -> DatasetError:
    return DatasetError(f"{shown(path)}: this picture cannot be read ({reason(error, path)}). Remove or replace it.")


def _upright_rgb(opened: Image.Image, gray: bool) -> Image.Image:
    ImageOps.exif_transpose(opened, in_place=True)
    picture = opened
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


def _shrunk_from(opened: Image.Image, image: ImageInput) -> tuple[int, int] | None:
    """Let a large JPEG be decoded at a fraction of its size; gives height and width before that, upright."""
    if opened.format != "JPEG" or opened.width % BLOCK or opened.height % BLOCK:
        return None
    is_turned = opened.getexif().get(ExifTags.Base.Orientation) in TURNED
    size = (opened.width, opened.height) if is_turned else (opened.height, opened.width)
    placing = place_picture(size, image)
    width, height = (placing.height, placing.width) if is_turned else (placing.width, placing.height)
    opened.draft(None, (width * SPARE, height * SPARE))
    return size


def _fit(picture: Image.Image, size: tuple[int, int], image: ImageInput, where: str) -> NDArray[np.uint8]:
    """The array of a picture; `size`: its height and width before it was decoded smaller."""
    if image.settings.resize == "none" and size != (image.height, image.width):
        raise DatasetError(
            f"{where}: the picture is {size[0]} x {size[1]}, the model takes {image.height} x {image.width}. "
            "Let it be resized: --resize stretch, crop, letterbox or corner."
        )
    fitted = _placed(picture, size, image)
    if image.is_gray and image.channels == 3:
        fitted = fitted.convert("RGB")
    return np.array(fitted, dtype=np.uint8).reshape(image.shape)


def _placed(picture: Image.Image, size: tuple[int, int], image: ImageInput) -> Image.Image:
    """Resized, then cut or padded where the resize mode says so."""
    placing = place_picture(size, image)
    resized = picture
    if picture.size != (placing.width, placing.height):
        resized = picture.resize((placing.width, placing.height), Image.Resampling.BILINEAR)
    if resized.size == (image.width, image.height):
        return resized
    if image.settings.resize == "crop":
        return resized.crop((-placing.left, -placing.top, image.width - placing.left, image.height - placing.top))
    pad = image.settings.pad
    padded = Image.new(picture.mode, (image.width, image.height), pad if picture.mode == "L" else (pad, pad, pad))
    padded.paste(resized, (placing.left, placing.top))
    return padded

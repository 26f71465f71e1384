"""Pictures as Caffe decodes them: with OpenCV, in its order of channels."""

from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calibench.errors import DatasetError

Picture = NDArray[np.generic]
"""uint8 or float32 [H, W, C], in the order of channels that is stored (OpenCV: blue first)."""

Colour = Literal["as stored", "colour", "gray"]
FLAGS = {"as stored": "UNCHANGED", "colour": "COLOR", "gray": "GRAYSCALE"}
"""What becomes of colours when a file is decoded, and OpenCV's word for it."""


@cache
def open_cv() -> Any:
    """The module cv2.

    Raises:
        DatasetError: it is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise DatasetError(
            "Pictures of a Caffe data layer need OpenCV. Install it: pip install 'calibench[caffe]'."
        ) from None
    return cv2


def decoded(data: bytes, colour: Colour) -> Picture:
    """The picture in the bytes of a JPEG, PNG or other file, uint8 [H, W, C].

    Raises:
        DatasetError: it is no picture, or has more than 8 bits a channel; a part of a sentence.
    """
    cv2 = open_cv()
    flag = getattr(cv2, f"IMREAD_{FLAGS[colour]}")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
    except cv2.error:
        picture = None
    if picture is None:
        raise DatasetError("it is no picture that OpenCV can decode.")
    if picture.dtype != np.uint8:
        raise DatasetError(f"it has {picture.dtype.itemsize * 8} bits a channel, Caffe takes 8. Set force_color.")
    return with_channels(picture)


def again_as_jpeg(picture: Picture, colour: Colour) -> Picture:
    """The picture as it comes back from a JPEG of OpenCV's own quality (95): so SSD cuts out even a whole picture."""
    cv2 = open_cv()
    return decoded(cv2.imencode(".jpg", picture)[1].tobytes(), colour)


def with_channels(picture: Picture) -> Picture:
    """[H, W] as [H, W, 1]: OpenCV drops the axis of a single channel."""
    return picture if picture.ndim == 3 else picture[:, :, np.newaxis]

"""What `transform_param` does to a picture, in Caffe's order: resize, crop, subtract the mean, scale, pad."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.caffe.weights_file import read_mean
from calibench.datasets.caffe.caffe_resize import Resize, placing_of, read_resize, resized, short_side, stretched
from calibench.datasets.caffe.find_path import Place, find
from calibench.datasets.caffe.open_cv import Picture
from calibench.datasets.frame import Frame
from calibench.datasets.placing import Placing
from calibench.errors import DatasetError

FloatArray = NDArray[np.float32]

REAL_ZERO = np.float32(128)
"""What stands for 0 in a blob that holds the integers 0..255 (option -fu): so `pad` fills it in."""


@dataclass(frozen=True, eq=False)
class Transform:
    """The fixed part of a `transform_param`; what Caffe draws at random (mirror, distortion ...) is not done.

    Attributes:
        scale: factor, behind the mean.
        means: one value, one a channel, or none; in units of the picture.
        mean_picture: float32 [C, H, W] of the size of the resized picture; None where `means` count.
        crop: height and width of the part in the middle; None: the whole picture.
        pad: rows and columns of REAL_ZERO that are added on each side at the end.
        resize: SSD's `resize_param`.
        short: length of the shorter side, Intel's `random_resize_param`; 0: as it is.
        short_interpolation: OpenCV's name, for `short`.
    """

    scale: float = 1.0
    means: tuple[float, ...] = ()
    mean_picture: FloatArray | None = None
    crop: tuple[int, int] | None = None
    pad: int = 0
    resize: Resize | None = None
    short: int = 0
    short_interpolation: str = "LINEAR"

    @cached_property
    def fingerprint(self) -> str:
        """Equal for transforms that make the same of the same picture."""
        parts = [getattr(self, each.name) for each in fields(self) if each.name != "mean_picture"]
        mean = b"" if self.mean_picture is None else self.mean_picture.tobytes()
        return hashlib.sha256(repr(parts).encode() + mean).hexdigest()


def read_transform(param: Any, place: Place) -> Transform:
    """The values of a message TransformationParameter.

    Raises:
        DatasetError: mean_file and mean_value are both given; the file is missing; resize_param has no size.
        ModelError: the mean file is damaged.
    """
    if param.mean_file and param.mean_value:
        raise DatasetError(f"{place}: transform_param has mean_file and mean_value. Keep one of them.")
    resize = read_resize(param.resize_param) if param.HasField("resize_param") else None
    if resize is not None and min(resize.height, resize.width) < 1:
        raise DatasetError(f"{place}: resize_param has no height and width. Add them.")
    mean = read_mean(find(param.mean_file, "mean file", place)) if param.mean_file else None
    crop = (param.crop_size, param.crop_size) if param.crop_size else (param.crop_h, param.crop_w)
    short, interpolation = _short_side(param)
    return Transform(
        scale=param.scale,
        means=tuple(param.mean_value),
        mean_picture=mean,
        crop=crop if min(crop) > 0 else None,
        pad=param.pad,
        resize=resize,
        short=short,
        short_interpolation=interpolation,
    )


def transformed(picture: Picture, transform: Transform) -> FloatArray:
    """A picture as it lies in the blob.

    Args:
        picture: uint8 or float32 [H, W, C].

    Returns:
        float32 [1, C, height, width].

    Raises:
        DatasetError: the crop is larger than the picture, or the mean does not fit it.

    Source: DataTransformer of Caffe, SSD and Intel Caffe: (pixel - mean) * scale in float32, the mean at the place of
        the pixel in the whole picture.
    """
    whole = _resized(picture, transform)
    height, width, channels = whole.shape
    top, left, high, wide = _window((height, width), transform)
    values = whole[top : top + high, left : left + wide].transpose(2, 0, 1).astype(np.float32, order="C")
    mean = _mean(transform, (channels, height, width))
    if mean is not None:
        values -= mean[:, top : top + high, left : left + wide] if mean.shape[1:] != (1, 1) else mean
    values *= np.float32(transform.scale)
    if transform.pad:
        values = np.pad(values, ((0, 0), (transform.pad,) * 2, (transform.pad,) * 2), constant_values=REAL_ZERO)
    return values[np.newaxis]


def frame_of_blob(size: tuple[int, int], transform: Transform) -> Frame:
    """Where the pixels of a picture lie in the blob; the border that `pad` adds is no part of the picture.

    It is that of the first convolution (option -fu), whose outputs refer to what lies inside.

    Args:
        size: height, width of the picture, pixels.

    Raises:
        DatasetError: the crop is larger than the picture.
    """
    inner, placing = _placed(size, transform)
    top, left, high, wide = _window(inner, transform)
    return Frame(
        original=size,
        size=(high, wide),
        scale_x=placing.width / size[1],
        scale_y=placing.height / size[0],
        left=float(placing.left - left),
        top=float(placing.top - top),
    )


def _short_side(param: Any) -> tuple[int, str]:
    """Intel's: the shorter side is drawn from min_size to max_size; the smaller is taken, as both are equal in TEST.

    With `random_aspect_ratio_param`, which cuts at random, what Caffe does when no cut fits: the side of the crop.
    """
    for name in ("random_resize_param", "random_aspect_ratio_param"):
        if param.HasField(name):
            own = getattr(param, name)
            length = own.min_size if name == "random_resize_param" else param.crop_size
            return length, read_resize(own.resize_param).interpolation
    return 0, "LINEAR"


def _placed(size: tuple[int, int], transform: Transform) -> tuple[tuple[int, int], Placing]:
    """Height and width of the resized picture before the crop, and where the picture lies in it."""
    if transform.short:
        size = short_side(size, transform.short)
    if transform.resize is None:
        return size, Placing(size[1], size[0], 0, 0)
    return placing_of(size, transform.resize)


def _resized(picture: Picture, transform: Transform) -> Picture:
    if transform.short:
        high, wide = short_side((picture.shape[0], picture.shape[1]), transform.short)
        picture = stretched(picture, high, wide, transform.short_interpolation)
    return picture if transform.resize is None else resized(picture, transform.resize)


def _window(size: tuple[int, int], transform: Transform) -> tuple[int, int, int, int]:
    """Top, left, height and width of the part that is kept: the middle, as Caffe cuts in TEST.

    Raises:
        DatasetError: it is larger than the picture.
    """
    if transform.crop is None:
        return 0, 0, *size
    high, wide = transform.crop
    if high > size[0] or wide > size[1]:
        raise DatasetError(
            f"a picture of {size[1]} x {size[0]} pixels is smaller than the crop of {wide} x {high} in "
            "transform_param. Correct crop_size, or resize the pictures."
        )
    return (size[0] - high) // 2, (size[1] - wide) // 2, high, wide


def _mean(transform: Transform, shape: tuple[int, int, int]) -> FloatArray | None:
    """What is subtracted: float32 [C, H, W] or [C or 1, 1, 1].

    Raises:
        DatasetError: it does not fit a picture of this shape.
    """
    if transform.mean_picture is not None:
        if transform.mean_picture.shape != shape:
            raise DatasetError(
                f"the mean file is {list(transform.mean_picture.shape)}, the picture {list(shape)} (channels, height, "
                "width). Give the mean of these pictures."
            )
        return transform.mean_picture
    if not transform.means:
        return None
    if len(transform.means) not in (1, shape[0]):
        raise DatasetError(f"{len(transform.means)} mean_value for {shape[0]} channels. Give 1 or {shape[0]}.")
    return np.array(transform.means, np.float32)[:, np.newaxis, np.newaxis]

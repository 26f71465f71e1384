"""Image-to-image: super-resolution, denoising, colouring; what comes out is a picture."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.metrics.picture_quality import psnr, ssim
from calibench.evaluation.resampling import inner_box
from calibench.evaluation.tasks.outputs import find_output, need_output
from calibench.evaluation.tasks.task import Context, Shape, Task, TaskKind

BYTES_ABOVE = 4.0  # a largest absolute value above this is of 0..255
SIGNED_BELOW = -0.25  # a lowest value below this is of -1..1

ValueRange = Literal["auto", "0..1", "-1..1", "0..255"]


def _looks_like_picture(shape: Shape) -> bool:
    """[1, C, H, W] or [1, H, W, C] with one or three channels, height and width more than 1."""
    if len(shape) != 4:
        return False
    return any(shape[axis] in (1, 3) and 1 not in _others(shape, axis) for axis in (1, 3))


def _others(shape: Shape, axis: int) -> Shape:
    return tuple(side for at, side in enumerate(shape) if at not in (0, axis))


def _fits(context: Context) -> bool:
    return "picture" in context.annotated and find_output(context, "picture", _looks_like_picture) is not None


def _make(context: Context) -> Task:
    name = need_output(context, "picture", _looks_like_picture, "a picture, such as [1, 3, height, width]")
    settings = context.settings
    is_gray = 3 not in (context.outputs[name][1], context.outputs[name][3])
    channels = "y" if is_gray else settings.channels

    def predict(outputs: NamedOutputs, frame: Frame | None) -> NDArray[np.uint8]:
        return make_picture(outputs[name], frame, settings.value_range)

    metrics = {each.name: each for each in (make(settings.crop_border, channels) for make in (psnr, ssim))}
    notes = [f"picture from output {name}", "a truth of another size than the output is brought to it (bicubic)"]
    if settings.value_range == "auto":
        notes.append(
            f"values are taken as 0..255 in a picture with one beyond {BYTES_ABOVE:g}, as -1..1 with one below "
            f"{SIGNED_BELOW:g}, else as 0..1; task.value_range says it for all"
        )
    if is_gray:
        notes.append("the picture has one channel, so that it is compared on luma")
    return Task("image-to-image", predict, metrics, tuple(notes))


def make_picture(array: Array, frame: Frame | None, value_range: ValueRange = "auto") -> NDArray[np.uint8]:
    """Read one output as a picture.

    "auto" decides from this output alone: 0..255 where an absolute value is above BYTES_ABOVE, -1..1 where a value is
    below SIGNED_BELOW, else 0..1; a bright picture of -1..1 and a black one of 0..255 are taken wrongly. What is beyond
    the range is cut off, a NaN is black, one channel gives grays. The border of a letterbox is cut away.

    Args:
        array: [1, C, H, W] or [1, H, W, C], C 1 or 3, RGB.

    Returns:
        uint8 [H, W, 3], RGB, 0..255.
    """
    is_first = array.shape[1] in (1, 3)
    values = np.asarray(np.moveaxis(array[0], 0, -1) if is_first else array[0], np.float32)
    match _guess_range(values) if value_range == "auto" else value_range:
        case "0..1":
            values = values * 255.0
        case "-1..1":
            values = (values + 1.0) * 127.5
    picture = np.rint(np.clip(np.nan_to_num(values, nan=0.0), 0, 255)).astype(np.uint8)
    return np.repeat(_inner(picture, frame), 3 // picture.shape[2], axis=2)


def _guess_range(values: NDArray[np.float32]) -> ValueRange:
    known = values[np.isfinite(values)]
    if np.abs(known).max(initial=0.0) > BYTES_ABOVE:
        return "0..255"
    return "-1..1" if known.min(initial=0.0) < SIGNED_BELOW else "0..1"


def _inner(picture: NDArray[np.uint8], frame: Frame | None) -> NDArray[np.uint8]:
    if frame is None:
        return picture
    left, top, right, bottom = (round(side) for side in inner_box(frame, picture.shape[0], picture.shape[1]))
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


PICTURES = TaskKind("image-to-image", _fits, _make)

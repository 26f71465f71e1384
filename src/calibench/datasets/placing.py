"""Where a picture goes in the input of a model: one answer for those who decode and those who look back."""

import math
from dataclasses import dataclass

from calibench.datasets.frame import Frame
from calibench.datasets.inputs import ImageInput

SHORT_SIDE = (
    0.875  # of the short side is kept by a crop when no length is set: 224 out of 256, as ImageNet models are tested
)


@dataclass(frozen=True)
class Placing:
    """What is done to a picture: resized to `width` x `height`, then put with its upper left corner at `left`, `top`.

    All in whole pixels of the model's input. Negative corners cut off, positive ones leave room for padding.
    """

    width: int
    height: int
    left: int
    top: int


def place_picture(size: tuple[int, int], image: ImageInput) -> Placing:
    """Where a picture goes.

    A picture that has the size of the model already is left as it is, whatever the resize mode.

    Args:
        size: height, width of the upright picture, pixels.
    """
    height, width = size
    resize = image.settings.resize
    if (height, width) == (image.height, image.width) or resize == "none":
        return Placing(width, height, 0, 0)
    if resize == "stretch":
        return Placing(image.width, image.height, 0, 0)
    if resize == "crop":
        return _cropped(height, width, image)
    factor = min(image.width / width, image.height / height)
    inner_width = min(max(round(width * factor), 1), image.width)
    inner_height = min(max(round(height * factor), 1), image.height)
    if resize == "corner":
        return Placing(inner_width, inner_height, 0, 0)
    return Placing(inner_width, inner_height, (image.width - inner_width) // 2, (image.height - inner_height) // 2)


def frame_of(size: tuple[int, int], image: ImageInput) -> Frame:
    """Where the pixels of a picture go, for every resize mode; decoding goes by the same `place_picture`.

    Coordinates are of edges, not of centres: 0 is the left border of the first pixel.

    Args:
        size: height, width of the upright picture, pixels; see `images.upright_size`.
    """
    height, width = size
    placing = place_picture(size, image)
    return Frame(
        original=(height, width),
        size=(image.height, image.width),
        scale_x=placing.width / width,
        scale_y=placing.height / height,
        left=float(placing.left),
        top=float(placing.top),
    )


def _cropped(height: int, width: int, image: ImageInput) -> Placing:
    """The short side to `resize_short` (more where the cut needs it), then the centre, as torchvision rounds."""
    short = image.settings.resize_short
    target = round(min(image.height, image.width) / SHORT_SIDE) if short is None else short
    factor = max(target / min(height, width), image.width / width, image.height / height)
    new_width = max(math.floor(width * factor + 1e-6), image.width)
    new_height = max(math.floor(height * factor + 1e-6), image.height)
    return Placing(
        new_width, new_height, -round((new_width - image.width) / 2), -round((new_height - image.height) / 2)
    )

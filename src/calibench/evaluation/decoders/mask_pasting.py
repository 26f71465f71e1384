"""Masks: mixed from prototypes, or drawn small for each box, brought to the size of the model's input."""

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.cell_grids import sigmoid

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


def masks_from_prototypes(
    mixed: FloatArray, shapes: FloatArray, boxes: FloatArray, size: tuple[int, int], threshold: float
) -> BoolArray:
    """What lies in the box and is likelier than the threshold.

    Args:
        mixed: [N, M], how much of each prototype.
        shapes: [M, h, w], over the whole input.
        boxes: [N, 4], pixels of the input.
        size: height, width of the input.

    Returns:
        bool [N, height, width].

    Source: Bolya et al. 2019, YOLACT (arXiv:1904.02689), section 3.2: sigmoid of the sum, cut off at the box.
    """
    count, height, width = shapes.shape
    small = sigmoid(mixed @ shapes.reshape(count, -1)).reshape(-1, height, width)
    whole = np.array([0, 0, size[1], size[0]], np.float32)
    masks = np.stack([_stretched(each, whole, size) > threshold for each in small]) if len(small) else _none(size)
    rows, columns = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    inside_y = (rows >= boxes[:, 1:2]) & (rows <= boxes[:, 3:4])
    inside_x = (columns >= boxes[:, 0:1]) & (columns <= boxes[:, 2:3])
    return np.asarray(masks & inside_y[:, :, None] & inside_x[:, None, :], np.bool_)


def paste(small: FloatArray, boxes: FloatArray, size: tuple[int, int], threshold: float) -> BoolArray:
    """Masks drawn for each box, stretched over it: [N, h, w] and [N, 4] -> bool [N, height, width].

    Outside of the box nothing is set. Source: He et al. 2017, Mask R-CNN (arXiv:1703.06870), section 3.1; the middle
    of each pixel is looked up between the middles of the mask's cells.
    """
    if not len(boxes):
        return _none(size)
    return np.stack([_stretched(each, box, size) > threshold for each, box in zip(small, boxes, strict=True)])


def _stretched(small: FloatArray, box: FloatArray, size: tuple[int, int]) -> FloatArray:
    """One mask [h, w] over a box, float32 [height, width]; 0 outside."""
    columns, across = _weights(size[1], float(box[0]), float(box[2]), small.shape[1])
    rows, down = _weights(size[0], float(box[1]), float(box[3]), small.shape[0])
    canvas = np.zeros(size, np.float32)
    canvas[rows, columns] = down @ np.asarray(small, np.float32) @ across.T
    return canvas


def _weights(length: int, low: float, high: float, cells: int) -> tuple[slice, FloatArray]:
    """Which pixels have their middle in low..high, and how much of each cell each of them takes, [pixels, cells].

    Between two middles of cells linear; between the last middle and the border the last cell.
    """
    pixels = np.arange(max(int(np.ceil(low - 0.5)), 0), min(int(np.floor(high - 0.5)) + 1, length))
    if not len(pixels):
        return slice(0, 0), np.zeros((0, cells), np.float32)
    place = np.clip((pixels + 0.5 - low) / max(high - low, 1e-6) * cells - 0.5, 0, cells - 1)
    return slice(int(pixels[0]), int(pixels[-1]) + 1), np.asarray(
        np.clip(1 - np.abs(place[:, None] - np.arange(cells)), 0, 1), np.float32
    )


def _none(size: tuple[int, int]) -> BoolArray:
    return np.zeros((0, *size), np.bool_)

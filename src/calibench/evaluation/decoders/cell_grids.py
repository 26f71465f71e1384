"""Grids of cells over a picture, one for each stride, as detectors without a region stage have them."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (8, 16, 32, 64, 128))
"""Sets of strides in use, the most usual first, pixels of a cell."""


def cells(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """Rows, columns of the grid: a cell that only partly shows the picture counts."""
    return -(-size[0] // stride), -(-size[1] // stride)


def strides_of(count: int, size: tuple[int, int] | None, each: int = 1) -> tuple[int, ...] | None:
    """The strides whose grids have this many cells together; None where none do.

    Args:
        count: rows of an output; size: height, width of the model's input; each: rows a cell.
    """
    if size is None:
        return None
    for strides in STRIDES:
        if count == each * sum(rows * columns for rows, columns in (cells(size, stride) for stride in strides)):
            return strides
    return None


def stride_of(rows: int, columns: int, size: tuple[int, int]) -> int | None:
    """The stride of one grid; None where none of 4..128 gives it."""
    for stride in (4, 8, 16, 32, 64, 128):
        if cells(size, stride) == (rows, columns):
            return stride
    return None


def places(rows: int, columns: int) -> FloatArray:
    """Column and row of every cell, row by row: float32 [rows * columns, 2], x and y."""
    grid = np.indices((rows, columns), np.float32)[::-1]
    return np.asarray(grid.reshape(2, -1).T, np.float32)


def all_places(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Places of all grids one after the other, [N, 2], and the stride of each, [N, 1]."""
    grids = [places(*cells(size, stride)) for stride in strides]
    steps = [np.full((len(grid), 1), stride, np.float32) for grid, stride in zip(grids, strides, strict=True)]
    return np.concatenate(grids), np.concatenate(steps)


def sigmoid(values: NDArray[np.generic]) -> FloatArray:
    """1 / (1 + exp(-x)) without overflow, float32."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(values, np.float32)), np.float32)


def softmax(values: NDArray[np.generic]) -> FloatArray:
    """Over the last axis, float32."""
    raised = np.exp(np.asarray(values, np.float32) - np.max(values, axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def exponential(values: NDArray[np.generic]) -> FloatArray:
    """exp(x), float32; sides of more than 10^8 pixels are no sides, so that a broken network overflows nothing."""
    return np.asarray(np.exp(np.minimum(np.asarray(values, np.float32), 18.0)), np.float32)


def from_middle(middles: FloatArray, sides: FloatArray) -> FloatArray:
    """Middles [N, 2] and width, height [N, 2] -> left, top, right, bottom [N, 4]."""
    return np.asarray(np.concatenate([middles - sides / 2, middles + sides / 2], axis=1), np.float32)

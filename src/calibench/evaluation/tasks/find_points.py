"""Landmarks and poses: where certain points are in the picture."""

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.metrics.normed_error import normed_error
from calibench.evaluation.tasks.outputs import channel_axis, find_output, need_output, values_in
from calibench.evaluation.tasks.task import Context, Shape, Task, TaskKind

Points = NDArray[np.float32]

SHARES_BELOW = 2.0  # coordinates whose largest absolute value is at most this are shares of the input, else pixels
WITH_DEPTH = (1404, 1434)  # values of the face meshes, 468 and 478 points with a depth each


def _is_map(shape: Shape) -> bool:
    """[1, K, h, w] or [1, h, w, K]"""
    return len(shape) == 4 and 1 not in shape[2:] and shape[1] != 1


def _is_list(shape: Shape) -> bool:
    """[1, K, 2], [1, K, 3], or 2 K or 3 K values on one axis"""
    if len(shape) == 3 and shape[2] in (2, 3):
        return True
    values = values_in(shape)
    is_flat = len([side for side in shape[1:] if side != 1]) == 1
    return len(shape) >= 2 and is_flat and values > 2 and (values % 2 == 0 or values % 3 == 0)


def _looks_like_points(shape: Shape) -> bool:
    return _is_list(shape) or _is_map(shape)


def _fits(context: Context) -> bool:
    return "points" in context.annotated and find_output(context, "points", _looks_like_points) is not None


def _make(context: Context) -> Task:
    wanted = "points, such as [1, 2 K], [1, K, 2] or heatmaps [1, K, height, width]"
    name = need_output(context, "points", _looks_like_points, wanted)

    def predict(outputs: NamedOutputs, frame: Frame | None) -> Points:
        return find_points(outputs[name], frame)

    metric = normed_error(context.settings.normalize_by)
    how = "the peaks of heatmaps" if _is_map(context.outputs[name]) else "coordinates"
    return Task("landmarks", predict, {metric.name: metric}, (f"points from output {name}, {how}",))


def find_points(array: Array, frame: Frame | None) -> Points:
    """Read one output as points.

    Coordinates are x, y (and a third that is left out) in pixels of the input, or shares of its width and height where
    none is above SHARES_BELOW.

    Args:
        array: [1, 2 K], [1, K, 2] or [1, K, 3], [1, K, h, w] or [1, h, w, K].
        frame: None: the points stay in the unit of the output.

    Returns:
        float32 [K, 2], x and y in pixels of the upright original.

    Raises:
        SettingsError: the values are no pairs of coordinates.
    """
    if _is_map(array.shape):
        points = _in_maps(array, frame)
    else:
        points = _coordinates(array)
        if frame is not None and np.abs(points[np.isfinite(points)]).max(initial=0.0) <= SHARES_BELOW:
            points = points * np.array([frame.size[1], frame.size[0]], np.float32)
    return points if frame is None else frame.points_to_original(points)


def _coordinates(array: Array) -> Points:
    """float32 [K, 2]: two values a point, three in [1, K, 3], in the known meshes, and where the number is odd."""
    values = array.reshape(-1).astype(np.float32)
    if array.ndim == 3 and array.shape[2] in (2, 3):
        width = array.shape[2]
    else:
        width = 3 if values.size in WITH_DEPTH or values.size % 2 else 2
    if values.size % width:
        raise SettingsError(f"{values.size} values are no points of {width}. Name another output: task.outputs points.")
    return np.ascontiguousarray(values.reshape(-1, width)[:, :2])


def _in_maps(array: Array, frame: Frame | None) -> Points:
    """Peaks of heatmaps, float32 [K, 2] in pixels of the input.

    The highest cell (the first of several), moved by a quarter of a cell towards the higher of its neighbours, in x and
    in y; then cells are scaled to pixels.

    Source: Newell and others 2016, Stacked hourglass networks for human pose estimation.
    """
    is_first = channel_axis(array.shape, None if frame is None else frame.size) == 1
    maps = array[0] if is_first else np.moveaxis(array[0], -1, 0)
    maps = np.where(np.isnan(maps), -np.inf, maps)
    height, width = maps.shape[1:]
    peaks = np.stack([_peak(each) for each in maps])
    size = (height, width) if frame is None else frame.size
    return np.asarray(peaks * [size[1] / width, size[0] / height], np.float32)


def _peak(heat: Array) -> tuple[float, float]:
    """x, y of the highest cell, in cells."""
    y, x = divmod(int(heat.argmax()), heat.shape[1])
    return x + _shift(heat[y], x), y + _shift(heat[:, x], y)


def _shift(line: Array, at: int) -> float:
    """A quarter of a cell towards the higher neighbour; 0 at the border and between equal ones."""
    if not 0 < at < len(line) - 1:
        return 0.0
    return 0.25 * (int(line[at + 1] > line[at - 1]) - int(line[at + 1] < line[at - 1]))


POINTS = TaskKind("landmarks", _fits, _make)

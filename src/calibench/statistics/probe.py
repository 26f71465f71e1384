"""The model that measures: a clone whose first outputs are statistics, reduced inside the graph.

Raw activations never leave the device. All numbers of one sample arrive in two flat outputs, which costs a fraction
of what one output a tensor does. They come first, and in them the numbers of a tensor lie side by side: the runtime
computes in the order in which outputs ask, so that a tensor is reduced while it is still in the cache, and let go.
"""

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.models.graph import dimension, is_never_negative, operations, rank, tensor
from calibench.quantizers.sites import Point
from calibench.statistics.statistics import Layout

KEPT_VALUES = 4096
"""Values of a tensor that are kept from one sample, about: fewer positions where there are many channels."""
FEWEST_POSITIONS, MOST_POSITIONS = 4, 64


def add_probe(model: ov.Model, points: tuple[Point, ...], *, means: bool = True) -> Layout:
    """Give a model two more outputs, in front of its own: extremes [3 * channels] and rows [kept values].

    Args:
        model: a clone of the graph in which the points were placed; changed.
        means: False: nobody asks for the means of channels. They are 0 behind a ReLU then; elsewhere they are measured
            all the same, since they tell of NaN (which a ReLU makes 0).

    Returns:
        Where each tensor's numbers lie in the two outputs.
    """
    index = operations(model)
    extremes: list[Any] = []
    rows: list[Any] = []
    positions: list[int] = []
    for point in points:
        output = _as_f32(tensor(index, point.tensor))
        axes = _other_axes(point, rank(output) or 1)
        extremes += _extremes(output, axes, point.channels, means)
        taken, count = _take(output, point, axes)
        rows.append(taken)
        positions.append(count)
    own = model.get_results()
    for result in own:
        model.remove_result(result)
    model.add_outputs([_flat(extremes), _flat(rows)])
    model.add_results(own)
    return Layout(tuple(p.tensor for p in points), tuple(p.channels for p in points), tuple(positions))


def _flat(values: list[Any]) -> Any:
    return ops.concat([ops.reshape(value, np.array([-1]), False).output(0) for value in values], 0).output(0)


def _extremes(output: Any, axes: list[int], channels: int, means: bool) -> list[Any]:
    """Minimum, maximum and mean of every channel."""
    if not axes:  # a single vector: every value is its own extreme
        return [output] * 3
    return [
        _minimum(output, axes, channels),
        ops.reduce_max(output, axes, False).output(0),
        _mean(output, axes, channels, means),
    ]


def _as_f32(output: Any) -> Any:
    return output if output.get_element_type() == ov.Type.f32 else ops.convert(output, "f32").output(0)


def _minimum(output: Any, axes: list[int], channels: int) -> Any:
    """The lowest value of every channel; not looked for where it cannot be negative."""
    if is_never_negative(output):
        return _zeros(channels)
    return ops.reduce_min(output, axes, False).output(0)


def _mean(output: Any, axes: list[int], channels: int, wanted: bool) -> Any:
    if not wanted and output.get_node().get_type_name() == "Relu":
        return _zeros(channels)
    return ops.reduce_mean(output, axes, False).output(0)


def _zeros(channels: int) -> Any:
    return ops.constant(np.zeros(channels, np.float32)).output(0)


def _other_axes(point: Point, dims: int) -> list[int]:
    """The axes over which a channel's values lie; all axes when the number of channels is not known."""
    return [axis for axis in range(dims) if axis != point.channel_axis or point.channels == 1]


def _take(output: Any, point: Point, axes: list[int]) -> tuple[Any, int]:
    """A regular grid of positions, and their number; the channel axis comes last."""
    dims = rank(output) or 1
    sizes = {axis: dimension(output, axis) for axis in axes}
    spread = [axis for axis in axes if sizes[axis] != 1]
    positions = min(max(KEPT_VALUES // point.channels, FEWEST_POSITIONS), MOST_POSITIONS)
    each = max(1, round(positions ** (1 / max(1, len(spread)))))
    wanted = {axis: each if i else max(1, positions // each ** (len(spread) - 1)) for i, axis in enumerate(spread)}
    taken = {axis: min(count, sizes[axis] or count) for axis, count in wanted.items()}
    known = {axis: sizes[axis] for axis in spread if sizes[axis] is not None}
    if known:
        output = _slice(output, dims, {axis: (size or 1, taken[axis]) for axis, size in known.items()})
    for axis in set(spread) - known.keys():
        output = _gather(output, axis, taken[axis])
    if point.channels > 1 and point.channel_axis != dims - 1:
        order_last = [axis for axis in range(dims) if axis != point.channel_axis] + [point.channel_axis]
        output = ops.transpose(output, np.array(order_last)).output(0)
    return output, int(np.prod(list(taken.values()), dtype=np.int64))


def _slice(output: Any, dims: int, wanted: dict[int, tuple[int, int]]) -> Any:
    """Some positions of every axis in one step; `wanted`: length and number of positions by axis."""
    start, stop, step = np.zeros(dims, np.int64), np.zeros(dims, np.int64), np.ones(dims, np.int64)
    whole = np.ones(dims, np.int64)
    for axis, (size, count) in wanted.items():
        step[axis] = size // count
        start[axis] = (size - step[axis] * (count - 1) - 1) // 2
        stop[axis] = start[axis] + step[axis] * (count - 1) + 1
        whole[axis] = 0
    return ops.strided_slice(output, start, stop, step, whole.tolist(), whole.tolist()).output(0)


def _gather(output: Any, axis: int, wanted: int) -> Any:
    """Positions spread over an axis whose length is known in the run only."""
    size = ops.gather(ops.shape_of(output), np.array([axis]), np.int64(0))
    share = ((np.arange(wanted) + 0.5) / wanted).astype(np.float32)
    places = ops.convert(ops.floor(ops.multiply(ops.convert(size, "f32"), share)), "i64")
    return ops.gather(output, places, np.int64(axis)).output(0)

"""Objects as peaks of a heat map, as CenterFace has them."""

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.cell_grids import exponential, stride_of
from calibench.evaluation.decoders.decoder import Counting, Decoder, shapes_of, size_of
from calibench.evaluation.decoders.suppression import candidates, suppress
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context

FloatArray = NDArray[np.float32]

MAPS = (1, 2, 2, 10)
"""Channels of the outputs in their order: heat; height and width; offset; five landmarks."""


def _maps(context: Context) -> tuple[str, ...] | None:
    shapes = shapes_of(context)
    is_alike = tuple(shape[1] for shape in shapes.values() if len(shape) == 4) == MAPS
    return tuple(shapes) if is_alike and len(shapes) == len(MAPS) else None


def _decode(outputs: NamedOutputs, context: Context) -> Detections:
    """Middle = (cell + offset + 0.5) * stride; sides = stride * exp(size).

    Source: Xu et al. 2019, CenterFace (arXiv:1911.03599), section 3.2, with the order of axes of the published network:
    y before x.
    """
    heat, sides, offsets = (np.asarray(outputs[name], np.float32)[0] for name in (_maps(context) or ())[:3])
    rows, columns = heat.shape[1:]
    stride = stride_of(rows, columns, size_of(context)) or 4
    index_y, index_x = np.indices((rows, columns), np.float32)
    middle_y, middle_x = (index_y + offsets[0] + 0.5) * stride, (index_x + offsets[1] + 0.5) * stride
    half_y, half_x = exponential(sides[0]) * stride / 2, exponential(sides[1]) * stride / 2
    boxes = np.stack([middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y], axis=-1)
    found = candidates(boxes.reshape(-1, 4), heat.reshape(-1, 1), context.settings)
    return suppress(found, context.settings).detections()


CENTERFACE = Decoder(
    "centerface",
    "CenterFace: heat, sides, offsets and landmarks",
    lambda context: _maps(context) is not None,
    _decode,
    lambda context: Counting(1),
)

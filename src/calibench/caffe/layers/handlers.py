"""The types of layers that can be converted. A new one: a handler in a file of this folder, named in its `LAYERS`."""

from calibench.caffe.handler import Handler
from calibench.caffe.layers import (
    activations,
    channelwise,
    convolution,
    detection_rows,
    enlarging,
    joining,
    neighbours,
    normalize,
    pooling,
    prior_boxes,
    proposals,
    reducing,
    regions,
    roi_pooling,
    shaping,
)

HANDLERS: dict[str, Handler] = {
    **activations.LAYERS,
    **channelwise.LAYERS,
    **convolution.LAYERS,
    **detection_rows.LAYERS,
    **enlarging.LAYERS,
    **joining.LAYERS,
    **neighbours.LAYERS,
    **normalize.LAYERS,
    **pooling.LAYERS,
    **prior_boxes.LAYERS,
    **proposals.LAYERS,
    **reducing.LAYERS,
    **regions.LAYERS,
    **roi_pooling.LAYERS,
    **shaping.LAYERS,
}
"""Type of a layer, as in the prototxt -> its handler."""

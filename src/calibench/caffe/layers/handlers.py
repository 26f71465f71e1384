"""The types of layers that can be converted. A new one: a handler in a file of this folder, named in its `LAYERS`."""

from calibench.caffe.handler import Handler
from calibench.caffe.layers import activations, detection_rows, normalize, prior_boxes, proposals, regions, roi_pooling

HANDLERS: dict[str, Handler] = {
    **activations.LAYERS,
    **detection_rows.LAYERS,
    **normalize.LAYERS,
    **prior_boxes.LAYERS,
    **proposals.LAYERS,
    **regions.LAYERS,
    **roi_pooling.LAYERS,
}
"""Type of a layer, as in the prototxt -> its handler."""

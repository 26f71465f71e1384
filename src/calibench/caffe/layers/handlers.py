"""The types of layers that can be converted. A new one: a handler in a file of this folder, named in its `LAYERS`."""

from calibench.caffe.handler import Handler
from calibench.caffe.layers import activations

HANDLERS: dict[str, Handler] = {
    **activations.LAYERS,
}
"""Type of a layer, as in the prototxt -> its handler."""

"""A prototxt of an older layout (`layers { ... }`) written anew in the present one, which alone can hold scales."""

from calibench.caffe.prototxt import Prototxt, parse
from calibench.caffe.schema import message
from calibench.caffe.upgrade import present_layers
from calibench.errors import ModelError


def in_present_layout(prototxt: Prototxt) -> tuple[Prototxt, tuple[str, ...]]:
    """The same net in the present layout, and a note that says what went lost: comments, unknown fields.

    Raises:
        ModelError: both layouts stand in the file, or a layer has a type that the older layouts do not know.
    """
    from google.protobuf import text_format

    made = message("NetParameter")()
    made.CopyFrom(prototxt.message)
    try:
        layers = [layer for layer, _ in present_layers(prototxt.message)]
    except ModelError as error:
        raise ModelError(f"{prototxt.path}: {error}") from None
    made.ClearField("layers")
    made.layer.extend(layers)
    lost = "".join(f", the unknown field {name} of line {line}" for name, line in prototxt.unknown)
    note = f"{prototxt.path.name} was written anew in the present layout, since the older one (layers) holds no scales."
    return parse(text_format.MessageToString(made), prototxt.path), (f"{note} Lost: comments{lost}.",)

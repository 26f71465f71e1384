"""Writes scales into the text of a prototxt: each layer's `quantization_param` in its block, all else as it was."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from calibench.caffe.present_layout import in_present_layout
from calibench.caffe.prototxt import LayerText, Prototxt
from calibench.caffe.scale_text import scale_field
from calibench.caffe.scales import LayerScales
from calibench.caffe.stored_scales import OUTPUTS
from calibench.caffe.text_splices import Splice, add_field, block_of, remove_field, replace_field, set_field, spliced
from calibench.errors import ModelError

FIELD = "quantization_param"


@dataclass(frozen=True)
class QuantizedText:
    """A prototxt with scales.

    Attributes:
        notes: what could not be kept, a sentence each.
    """

    text: str
    notes: tuple[str, ...] = ()


def with_scales(prototxt: Prototxt, scales: Mapping[str, LayerScales]) -> QuantizedText:
    """The text with these scales and no others: a `quantization_param` of a layer that runs in float is taken out.

    Comments, order, unknown fields and line ends stay. A file of the older layout (`layers { ... }`) cannot hold
    scales: it is written anew in the present one, without its comments, which a note says.

    Args:
        scales: by name of a layer; all blocks of that name get them, whatever their phase.

    Raises:
        ModelError: there is no layer of a name.
    """
    missing = scales.keys() - {layer.name for layer in prototxt.layers}
    if missing:
        raise ModelError(f"{prototxt.path}: there are scales for layer {min(missing)}, but the file has no such layer.")
    notes: tuple[str, ...] = ()
    if any(layer.key == "layers" for layer in prototxt.layers):
        prototxt, notes = in_present_layout(prototxt)
    splices = [splice for layer in prototxt.layers for splice in _splices(prototxt.text, layer, scales.get(layer.name))]
    return QuantizedText(spliced(prototxt.text, splices), notes)


def with_bias_terms(prototxt: Prototxt, names: Collection[str]) -> str:
    """The text of the present layout in which these convolutions and inner products add a bias."""
    blocks = [
        block_of(field.values[0])
        for layer in prototxt.layers
        if layer.name in names and layer.type in OUTPUTS
        for field in layer.fields
        if field.name == OUTPUTS[layer.type]
    ]
    return spliced(
        prototxt.text, (s for block in blocks for s in set_field(prototxt.text, block, "bias_term", ["true"]))
    )


def _splices(text: str, layer: LayerText, scales: LayerScales | None) -> Iterator[Splice]:
    old = block_of(layer).named(FIELD)
    if scales is None:
        yield from (remove_field(text, field) for field in old)
    elif old:
        yield replace_field(text, old[0], scale_field(scales))
    else:
        yield add_field(text, block_of(layer), scale_field(scales))

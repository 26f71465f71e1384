"""A `quantization_param { ... }` as text: the fields and their order as Intel's calibrator writes them."""

from collections.abc import Iterator

import numpy as np

from calibench.caffe.scales import OUTPUT_BYTES, LayerScales
from calibench.caffe.text_splices import NewField


def scale_field(scales: LayerScales) -> NewField:
    """The field of a layer."""
    return NewField("quantization_param", fields=tuple(NewField(*pair) for pair in _pairs(scales)))


def _pairs(scales: LayerScales) -> Iterator[tuple[str, str]]:
    yield "bw_layer_in", str(OUTPUT_BYTES)
    yield "bw_layer_out", str(scales.out_bits)
    yield "bw_params", str(OUTPUT_BYTES)
    yield "scale_in", float_text(scales.scale_in)
    yield "scale_out", float_text(scales.scale_out)
    for value in scales.scale_params:
        yield "scale_params", float_text(value)
    if scales.is_signed_in and not scales.force_u8_input:
        yield "is_negative_input", "true"
    if scales.force_u8_input:
        yield "force_u8_input", "true"


def float_text(value: float | np.floating) -> str:
    """The shortest text that reads back to the same float32, such as 107.6556 or 1.5e-08."""
    return str(np.float32(value))

"""The scales of one INT8 layer, as a `quantization_param` holds them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

OUTPUT_BYTES, OUTPUT_FLOAT = 8, 32
"""`bw_layer_out`: the output leaves as 8 bits, or as float."""


@dataclass(frozen=True, eq=False)
class LayerScales:
    """How a layer computes in INT8.

    A scale multiplies a value to make it an integer (255/max unsigned, 127/max signed). All are values of float32, so
    that text and file hold the same.

    Attributes:
        scale_in: of the input.
        is_signed_in: the input is s8 (-128..127), else u8 (0..255); `is_negative_input` in the file.
        scale_params: float32 [output channels] or [1]; 0 where all weights of a channel are 0.
        scale_out: of the output; 1 where it leaves as float.
        out_bits: OUTPUT_BYTES or OUTPUT_FLOAT. The output is the one behind what the kernel computes along: bias, sum
            of a residual addition, ReLU. u8 where that ends in a ReLU without slope, else s8.
        force_u8_input: the input holds the integers 0..255 already, of which 128 stands for 0 (option -fu).
    """

    scale_in: float
    is_signed_in: bool
    scale_params: FloatArray
    scale_out: float = 1.0
    out_bits: int = OUTPUT_FLOAT
    force_u8_input: bool = False

"""A Caffe network as it runs in one phase: layers in order, with their parameters and blobs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

NORMAL = ["caffe", "normal"]
"""Where a converted graph says in its rt_info that it is in its final form."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer, in the present layout whatever layout its file has.

    Attributes:
        type: such as "Convolution".
        bottoms, tops: names of blobs as in the file; an in-place layer reads and writes the same name.
        params: message LayerParameter (see `schema`), such as `params.convolution_param.num_output`.
        blobs: float32, of the shapes in the weights file (legacy blobs: 4 axes); () for a layer without weights.
        line: in the prototxt, from 1.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: Any
    blobs: tuple[FloatArray, ...] = ()
    line: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: a message itself does not travel, its bytes do."""
        params = self.params.SerializeToString()
        return _layer, (self.name, self.type, self.bottoms, self.tops, params, self.blobs, self.line)


@dataclass(frozen=True, eq=False)
class Net:
    """The layers of one phase, in the order of the file.

    Attributes:
        inputs: name -> shape, of the legacy fields `input`, `input_dim`, `input_shape`; layers of type Input, Data ...
            stand among the layers.
        path: of the prototxt.
        weights: of the caffemodel; None where only the structure was read.
    """

    name: str
    layers: tuple[Layer, ...]
    inputs: dict[str, tuple[int, ...]]
    path: Path
    weights: Path | None
    phase: str = "TEST"

    def layer(self, name: str) -> Layer:
        """The layer of a name.

        Raises:
            KeyError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


def _layer(
    name: str,
    type: str,
    bottoms: tuple[str, ...],
    tops: tuple[str, ...],
    params: bytes,
    blobs: tuple[FloatArray, ...],
    line: int,
) -> Layer:
    from calibench.caffe.schema import message

    return Layer(name, type, bottoms, tops, message("LayerParameter").FromString(params), blobs, line)

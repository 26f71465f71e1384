"""A Caffe network as an OpenVINO graph: FP32, or INT8 where its prototxt holds scales."""

from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from calibench.caffe.convert import to_openvino
from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.read_net import find_weights, read_net
from calibench.caffe.stored_scales import stored_scales

NAMED = 5
"""Unknown fields that are named."""


@dataclass(frozen=True)
class CaffeGraph:
    """A network as it was read.

    Attributes:
        graph: FP32, or INT8 where the prototxt holds scales.
        weights: the file that was read.
        notes: what was left aside, a sentence each.
    """

    graph: ov.Model
    weights: Path
    notes: tuple[str, ...]


def read_caffe(prototxt: Path, weights: Path | None = None) -> CaffeGraph:
    """The network in the TEST phase.

    Args:
        weights: None: found beside the prototxt.

    Raises:
        ModelError: a file cannot be read, a layer cannot be converted, or its weights do not fit.
    """
    used = find_weights(prototxt, weights)
    net = read_net(prototxt, used)
    graph = to_openvino(net)
    stored = stored_scales(net)
    notes = (*_unknown_fields(prototxt), *stored.notes)
    return CaffeGraph(apply_scales(graph, stored.layers) if stored.layers else graph, used, notes)


def _unknown_fields(prototxt: Path) -> tuple[str, ...]:
    """A note on fields that were passed over: one may be a slip of the pen."""
    unknown = read_prototxt(prototxt).unknown
    if not unknown:
        return ()
    named = ", ".join(f"{name} (line {line})" for name, line in unknown[:NAMED])
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    return (f"{prototxt.name}: fields that are not known were passed over: {named}{more}.",)

"""A Caffe network as an OpenVINO graph: FP32, or INT8 where its prototxt holds scales."""

from pathlib import Path

import openvino as ov

from calibench.caffe.convert import to_openvino
from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.read_net import find_weights, read_net
from calibench.caffe.stored_scales import scales_in


def read_caffe(prototxt: Path, weights: Path | None = None) -> tuple[ov.Model, Path]:
    """The graph in the TEST phase, and the weights file that was read.

    Args:
        weights: None: found beside the prototxt.

    Raises:
        ModelError: a file cannot be read, a layer cannot be converted, or its weights do not fit.
    """
    used = find_weights(prototxt, weights)
    net = read_net(prototxt, used)
    graph = to_openvino(net)
    scales = scales_in(net)
    return (apply_scales(graph, scales) if scales else graph), used

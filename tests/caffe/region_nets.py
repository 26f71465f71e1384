"""A small network with proposals, as Faster R-CNN and R-FCN have them, with random weights."""

from pathlib import Path

import numpy as np
from benchmarks.zoo.caffe.written import write_caffemodel

ANCHORS, CLASSES = 6, 5
HEIGHT, WIDTH = 96, 128


def write_region_net(folder: Path) -> tuple[Path, Path]:
    """prototxt and caffemodel: two convolutions, 20 proposals, and two heads: ROIPooling and PSROIPooling."""
    prototxt, caffemodel = folder / "regions.prototxt", folder / "regions.caffemodel"
    prototxt.write_text("\n".join(_lines()) + "\n")
    types = {"cls": "InnerProduct"}
    layers = {name: (types.get(name, "Convolution"), blobs) for name, blobs in _weights().items()}
    write_caffemodel(caffemodel, "regions", layers)
    return prototxt, caffemodel


def _weights() -> dict[str, list[np.ndarray]]:
    numbers = np.random.default_rng(0)
    shapes = {
        "conv1": (8, 3, 3, 3),
        "conv2": (8, 8, 3, 3),
        "score": (2 * ANCHORS, 8, 1, 1),
        "offset": (4 * ANCHORS, 8, 1, 1),
        "parts": (CLASSES * 9, 8, 1, 1),
        "cls": (CLASSES, 8 * 9),
    }
    spread = {"offset": 0.02}  # small, so that boxes stay within the picture
    return {
        name: [numbers.normal(0, spread.get(name, 0.2), shape), numbers.normal(0, spread.get(name, 0.1), shape[0])]
        for name, shape in shapes.items()
    }


def _convolution(name: str, bottom: str, outputs: int, kernel: int, rest: str = "") -> str:
    params = f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} {rest} }}"
    return f"layer {{ name: '{name}' type: 'Convolution' bottom: '{bottom}' top: '{name}' {params} }}"


def _lines() -> list[str]:
    sizes = "feat_stride: 16 base_size: 16 min_size: 1 pre_nms_topn: 100 post_nms_topn: 20 nms_thresh: 0.7"
    anchors = "ratio: 0.5 ratio: 1 ratio: 2 scale: 2 scale: 4"
    rest = [
        "name: 'pairs' type: 'Reshape' bottom: 'score' top: 'pairs' "
        "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }",
        "name: 'softmax' type: 'Softmax' bottom: 'pairs' top: 'softmax'",
        "name: 'prob' type: 'Reshape' bottom: 'softmax' top: 'prob' "
        f"reshape_param {{ shape {{ dim: 0 dim: {2 * ANCHORS} dim: -1 dim: 0 }} }}",
        "name: 'rois' type: 'Proposal' bottom: 'prob' bottom: 'offset' bottom: 'im_info' top: 'rois' "
        f"proposal_param {{ {sizes} {anchors} }}",
        "name: 'pool' type: 'ROIPooling' bottom: 'conv2' bottom: 'rois' top: 'pool' "
        "roi_pooling_param { pooled_h: 3 pooled_w: 3 spatial_scale: 0.0625 }",
        f"name: 'cls' type: 'InnerProduct' bottom: 'pool' top: 'cls' inner_product_param {{ num_output: {CLASSES} }}",
        "name: 'cls_prob' type: 'Softmax' bottom: 'cls' top: 'cls_prob'",
        "name: 'group' type: 'PSROIPooling' bottom: 'parts' bottom: 'rois' top: 'group' "
        f"psroi_pooling_param {{ output_dim: {CLASSES} group_size: 3 spatial_scale: 0.0625 }}",
        "name: 'vote' type: 'Pooling' bottom: 'group' top: 'vote' pooling_param { pool: AVE kernel_size: 3 stride: 3 }",
    ]
    return [
        f"input: 'data' input_shape {{ dim: 1 dim: 3 dim: {HEIGHT} dim: {WIDTH} }}",
        "input: 'im_info' input_shape { dim: 1 dim: 3 }",
        _convolution("conv1", "data", 8, 3, "stride: 4"),
        "layer { name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }",
        _convolution("conv2", "conv1", 8, 3, "stride: 4"),
        "layer { name: 'relu2' type: 'ReLU' bottom: 'conv2' top: 'conv2' }",
        _convolution("score", "conv2", 2 * ANCHORS, 1),
        _convolution("offset", "conv2", 4 * ANCHORS, 1),
        _convolution("parts", "conv2", CLASSES * 9, 1),
        *(f"layer {{ {line} }}" for line in rest),
    ]

"""Own small networks built as Intel's published INT8 files are, with the scales that their maxima give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from written_nets import stated_shapes, write_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.fused_chain import fused_end, graph_index
from calibench.caffe.net import FloatArray
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.quantized_text import with_scales
from calibench.caffe.read_net import read_net
from calibench.caffe.scales import LayerScales

ENGINE = "MKLDNN"


def block(kind: str, name: str, bottom: str | Sequence[str], params: str = "", top: str = "") -> str:
    bottoms = "".join(f'bottom: "{each}" ' for each in ([bottom] if isinstance(bottom, str) else bottom))
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms}top: "{top or name}" {params} }}\n'


def conv(name: str, bottom: str, outputs: int, size: int = 3, rest: str = "") -> str:
    """Convolution, BatchNorm and Scale, the latter two in place."""
    shape = f"num_output: {outputs} kernel_size: {size} pad: {size // 2} bias_term: false engine: {ENGINE} {rest}"
    return (
        block("Convolution", name, bottom, f"convolution_param {{ {shape} }}")
        + block("BatchNorm", f"{name}/bn", name, f"batch_norm_param {{ engine: {ENGINE} }}", name)
        + block("Scale", f"{name}/scale", name, "scale_param { bias_term: true }", name)
    )


def relu(name: str, slope: float = 0.0) -> str:
    return block("ReLU", f"{name}/relu", name, f"relu_param {{ engine: {ENGINE} negative_slope: {slope} }}", name)


def plain(name: str, bottom: str, outputs: int) -> str:
    """A convolution with a bias and nothing behind."""
    return block("Convolution", name, bottom, f"convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }}")


def fully(name: str, bottom: str, outputs: int) -> str:
    return block("InnerProduct", name, bottom, f"inner_product_param {{ num_output: {outputs} }}")


def pool(name: str, bottom: str, params: str) -> str:
    return block("Pooling", name, bottom, f"pooling_param {{ {params} engine: {ENGINE} }}")


def dummy(side: int) -> str:
    """The data of Intel's `_perf` files."""
    shapes = f"shape {{ dim: 4 dim: 3 dim: {side} dim: {side} }} shape {{ dim: 4 dim: 1 }}"
    filler = 'data_filler { type: "constant" value: 0.01 }'
    data = f"dummy_data_param {{ {filler} {shapes} }}"
    return f'name: "own"\nlayer {{ name: "data" type: "DummyData" top: "data" top: "label" {data} }}\n'


def residual() -> str:
    """As ResNet-50: a projection, then two shortcuts past a block."""
    text = dummy(32) + conv("conv1", "data", 16, 5, "stride: 2") + relu("conv1")
    text += pool("pool1", "conv1", "pool: MAX kernel_size: 3 stride: 2")
    before = "pool1"
    for number in (1, 2, 3):
        shortcut = before
        if number == 1:
            text += conv("b1_branch1", before, 32, 1)
            shortcut = "b1_branch1"
        text += conv(f"b{number}_2a", before, 16, 1) + relu(f"b{number}_2a")
        text += conv(f"b{number}_2b", f"b{number}_2a", 16) + relu(f"b{number}_2b")
        text += conv(f"b{number}_2c", f"b{number}_2b", 32, 1)
        text += block("Eltwise", f"b{number}", [shortcut, f"b{number}_2c"]) + relu(f"b{number}")
        before = f"b{number}"
    text += pool("pool5", before, "pool: AVE global_pooling: true") + fully("fc", "pool5", 10)
    accuracy = block(
        "Accuracy", "accuracy-top1", ["fc", "label"], "include { phase: TEST } accuracy_param { top_k: 1 }"
    )
    return text + block("SoftmaxWithLoss", "loss", ["fc", "label"], "include { phase: TEST }") + accuracy


def inverted() -> str:
    """As MobileNet v2: linear ends, so that inputs are signed; sums without ReLU; depthwise convolutions."""
    text = dummy(24) + conv("conv1", "data", 16, 3, "stride: 2") + relu("conv1")
    text += conv("b1_linear", "conv1", 16, 1)
    before = "b1_linear"
    for number in (2, 3):
        name = f"b{number}"
        text += conv(f"{name}_expand", before, 32, 1) + relu(f"{name}_expand")
        text += conv(f"{name}_dw", f"{name}_expand", 32, 3, "group: 32") + relu(f"{name}_dw")
        text += conv(f"{name}_linear", f"{name}_dw", 16, 1)
        text += block("Eltwise", name, [before, f"{name}_linear"])
        before = name
    return text + conv("last", before, 32, 1) + relu("last") + pool("pool", "last", "pool: AVE global_pooling: true")


def inception() -> str:
    """As Inception v3: branches that meet in a Concat, one of them an average."""
    text = dummy(24) + conv("conv1", "data", 16) + relu("conv1")
    text += conv("one", "conv1", 16, 1) + relu("one")
    tall = conv("tall", "conv1", 16).replace("kernel_size: 3 pad: 1", "kernel_h: 7 kernel_w: 1 pad_h: 3 pad_w: 0")
    text += tall + relu("tall") + pool("mean", "conv1", "pool: AVE kernel_size: 3 stride: 1 pad: 1")
    text += conv("behind", "mean", 16, 1) + relu("behind")
    text += block("Concat", "mixed", ["one", "tall", "behind"]) + conv("last", "mixed", 32) + relu("last")
    return text + pool("pool", "last", "pool: AVE kernel_size: 8 stride: 8") + fully("fc", "pool", 10)


def squares() -> str:
    """As YOLOv2: leaky ReLUs, a Reorg beside a convolution, scored by EvalDetection."""
    text = dummy(32) + conv("conv1", "data", 16, 3, "stride: 2") + relu("conv1", 0.1)
    text += pool("pool1", "conv1", "pool: MAX kernel_size: 2 stride: 2")
    text += conv("conv2", "pool1", 16) + relu("conv2", 0.1) + conv("conv3", "conv2", 32, 3, "stride: 2")
    text += relu("conv3", 0.1) + block("Reorg", "reorg", "conv2", "reorg_param { stride: 2 }")
    text += block("Concat", "both", ["reorg", "conv3"]) + conv("conv4", "both", 32) + relu("conv4", 0.1)
    text += plain("conv_reg", "conv4", 24)
    return text + block("EvalDetection", "eval_det", ["conv_reg", "label"], "eval_detection_param { side: 4 }")


def boxes() -> str:
    """As SSD: heads of two maps; Permute and Flatten are left to the Concat."""
    text = dummy(32) + conv("conv1", "data", 16, 3, "stride: 2") + relu("conv1")
    text += conv("conv2", "conv1", 16) + relu("conv2") + conv("conv3", "conv2", 32, 3, "stride: 2") + relu("conv3")
    text += block("Normalize", "norm", "conv2", "norm_param { across_spatial: false channel_shared: false }")
    heads = {"loc": 8, "conf": 6}
    text += "".join(plain(f"{map}_{head}", map, count) for map in ("norm", "conv3") for head, count in heads.items())
    for head in heads:
        fused = "concat_param { axis: 1 per_fla_fuse : true }"
        text += block("Concat", f"mbox_{head}", [f"norm_{head}", f"conv3_{head}"], fused)
    shape = "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }"
    text += block("Reshape", "mbox_conf_reshape", "mbox_conf", shape)
    text += block("Softmax", "mbox_conf_softmax", "mbox_conf_reshape", "softmax_param { axis: 2 }")
    return text + block("Flatten", "mbox_conf_flatten", "mbox_conf_softmax", "flatten_param { axis: 1 }")


NETS = {"residual": residual, "inverted": inverted, "inception": inception, "squares": squares, "boxes": boxes}


@dataclass(frozen=True)
class Written:
    """The files of one network, and what it computes in float32."""

    prototxt: Path
    weights: Path
    scales: Mapping[str, LayerScales]
    image: FloatArray
    exact: Mapping[str, FloatArray]


def written(folder: Path, text: str, *, per_channel: bool = True) -> Written:
    """Weights at random; scales of the maxima on one picture, the integers of weights up to 63: safe on every CPU."""
    prototxt, weights = write_net(folder, text, inputs=stated_shapes_of(folder, text))
    graph = to_openvino(read_net(prototxt, weights))
    shape = [1, *(axis.get_length() for axis in list(graph.input(0).get_partial_shape())[1:])]
    image = np.random.default_rng(1).normal(0, 50, shape).astype(np.float32)
    index = graph_index(graph)
    layers = [name for name, op in index.items() if op.get_type_name() in ("Convolution", "GroupConvolution", "MatMul")]
    reads = {name: index[name].input_value(0) for name in layers}
    ends = {name: fused_end(index, name) for name in layers}
    taps = [*reads.values(), *(index[end].output(port) for (end, port), _ in ends.values())]
    values = _values(graph, taps, image)
    seen = dict(zip(layers, zip(values, values[len(layers) :], strict=False), strict=True))
    scales = {
        name: _scales(index[name], *seen[name], is_unsigned=ends[name][1], per_channel=per_channel) for name in layers
    }
    exact = dict(zip((port.any_name for port in graph.outputs), _values(graph, [], image), strict=True))
    quantized = folder / "net_quantized.prototxt"
    quantized.write_text(with_scales(read_prototxt(prototxt), scales).text)
    return Written(quantized, weights, scales, image, exact)


def stated_shapes_of(folder: Path, text: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the data, of DummyData too."""
    (folder / "shapes.prototxt").write_text(text)
    net = read_net(folder / "shapes.prototxt", None)
    (data,) = [layer for layer in net.layers if layer.type == "DummyData"]
    shapes = [(1, *tuple(shape.dim)[1:]) for shape in data.params.dummy_data_param.shape]
    return {**stated_shapes(net), **dict(zip(data.tops, shapes, strict=True))}


def _values(graph: ov.Model, taps: Sequence[Any], image: FloatArray) -> list[FloatArray]:
    tapped = graph.clone() if taps else graph
    index = graph_index(tapped)
    if taps:
        outputs = [index[tap.get_node().get_friendly_name()].output(tap.get_index()) for tap in taps]
        tapped = ov.Model(outputs, tapped.get_parameters(), "taps")
    found = ov.Core().compile_model(tapped, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image)
    return [np.array(found[number]) for number in range(len(tapped.outputs))]


def _scales(op: Any, read: FloatArray, end: FloatArray, *, is_unsigned: bool, per_channel: bool) -> LayerScales:
    weights = np.asarray(op.input_value(1).get_node().data)
    outputs = end.shape[1]
    largest = np.abs(weights.reshape(outputs, -1)).max(1 if per_channel else None)
    is_signed = bool(read.min() < 0)
    is_last = op.get_type_name() == "MatMul"
    return LayerScales(
        scale_in=float(np.float32((127 if is_signed else 255) / np.abs(read).max())),
        is_signed_in=is_signed,
        scale_params=np.asarray(63 / largest, np.float32).reshape(-1),
        scale_out=1.0 if is_last else float(np.float32((255 if is_unsigned else 127) / np.abs(end).max())),
        out_bits=32 if is_last else 8,
    )

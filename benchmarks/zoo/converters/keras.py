"""Keras networks as OpenVINO graphs: `.h5` files, and layers models of TensorFlow.js, which have the same description.

Pictures come in and go out as Keras has them, [N, H, W, C]; inside they are [N, C, H, W]. Only those kinds of layers
are known that networks of the zoo have.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from benchmarks.zoo.converters.tfjs import read_weights
from benchmarks.zoo.network import Array
from calibench.errors import ModelError

Config = Mapping[str, Any]
TO_PLANAR, TO_INTERLEAVED = np.array([0, 3, 1, 2], np.int64), np.array([0, 2, 3, 1], np.int64)
SIDES = np.array([2, 3], np.int64)  # axes of height and width


def read_h5(path: Path, sides: tuple[int, int]) -> ov.Model:
    """The network of a Keras `.h5` file.

    Args:
        path: a file with description and weights.
        sides: height and width of the input, pixels.

    Returns:
        Input `input` float32 [?, H, W, 3], output `output`.

    Raises:
        ModelError: h5py is not installed, or there is a layer of an unknown kind.
    """
    try:
        import h5py
    except ImportError as problem:
        raise ModelError("h5py is not installed; pip install calibench[bench].") from problem
    weights: dict[str, Array] = {}

    def keep(name: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            weights[_short(name.split(":")[0])] = np.array(entry, np.float32)

    with h5py.File(path) as file:
        description = json.loads(file.attrs["model_config"])
        file["model_weights"].visititems(keep)
    return build_keras(description["config"]["layers"], weights, sides)


def read_layers_model(topology: Path, sides: tuple[int, int]) -> ov.Model:
    """The network of a TensorFlow.js layers model; arguments and result as in `read_h5`."""
    description = json.loads(topology.read_text("utf-8"))["modelTopology"]
    layers = description.get("model_config", description)["config"]["layers"]
    return build_keras(layers, {_short(name): values for name, values in read_weights(topology).items()}, sides)


def build_keras(layers: list[Config], weights: Mapping[str, Array], sides: tuple[int, int]) -> ov.Model:
    """The graph of a functional description whose last layer is the output.

    Args:
        layers: as in the description, in an order that has each layer after its inputs.
        weights: `layer/weight` -> values.
        sides: height and width of the input, pixels.
    """
    image = op.parameter(ov.PartialShape([-1, *sides, 3]), np.float32, name="input")
    result = _connect(layers, weights, op.transpose(image, TO_PLANAR).output(0))
    if len(result.get_partial_shape()) == 4:
        result = op.transpose(result, TO_INTERLEAVED).output(0)
    result.get_tensor().set_names({"output"})
    image.output(0).get_tensor().set_names({"input"})
    return ov.Model([op.result(result)], [image], "keras")


def _connect(layers: list[Config], weights: Mapping[str, Array], image: ov.Output) -> ov.Output:
    done: dict[str, ov.Output] = {}
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        inputs = [done[name] for name in _sources(layer)]
        if kind == "InputLayer":
            result = image
        elif kind == "Functional":
            result = _connect(config["layers"], weights, inputs[0])
        elif kind in LAYERS:
            prefix = config["name"] + "/"
            own = {name.removeprefix(prefix): values for name, values in weights.items() if name.startswith(prefix)}
            result = LAYERS[kind](inputs, config, own)
            result.get_node().set_friendly_name(config["name"])
        else:
            raise ModelError(f"Keras layer {config['name']}: kind {kind} is not supported.")
        done[config["name"]] = result
    return result


def _sources(layer: Config) -> list[str]:
    """Names of the layers that feed one; Keras 2 lists them, Keras 3 hides them in arguments."""
    nodes = layer.get("inbound_nodes") or [[]]
    if not isinstance(nodes[0], Mapping):
        return [source[0] for source in nodes[0]]
    arguments = nodes[0]["args"]
    tensors = arguments[0] if arguments and isinstance(arguments[0], list) else arguments
    return [tensor["config"]["keras_history"][0] for tensor in tensors]


def _short(name: str) -> str:
    """`group/layer/kernel` -> `layer/kernel`."""
    return "/".join(name.split("/")[-2:])


def _activated(x: ov.Output, kind: str | None) -> ov.Output:
    if kind in (None, "linear"):
        return x
    if kind == "softmax":
        return op.softmax(x, 1).output(0)
    return {"relu": op.relu, "sigmoid": op.sigmoid, "tanh": op.tanh}[str(kind)](x).output(0)


def _convolution(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    kernel = np.ascontiguousarray(weights["kernel"].transpose(3, 2, 0, 1), np.float32)  # from [H, W, in, out]
    return _finished(op.convolution(inputs[0], op.constant(kernel), *_window(config)).output(0), config, weights)


def _depthwise(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    """Keras 3 calls the kernel as that of any convolution, Keras 2 does not."""
    values = weights["kernel"] if "kernel" in weights else weights["depthwise_kernel"]
    if values.shape[3] != 1:
        raise ModelError(f"Keras layer {config['name']}: a depth multiplier of {values.shape[3]} is not supported.")
    kernel = np.ascontiguousarray(values.transpose(2, 3, 0, 1), np.float32)[:, None]  # from [H, W, channels, 1]
    return _finished(op.group_convolution(inputs[0], op.constant(kernel), *_window(config)).output(0), config, weights)


def _window(config: Config) -> tuple[list[int], list[int], list[int], list[int], str]:
    """Strides, padding before and behind, dilation, and how padding is found instead."""
    padding = "same_upper" if config["padding"] == "same" else "valid"
    return config["strides"], [0, 0], [0, 0], config.get("dilation_rate", [1, 1]), padding


def _finished(x: ov.Output, config: Config, weights: Mapping[str, Array]) -> ov.Output:
    """Bias and activation of a convolution."""
    if config.get("use_bias", True):
        x = op.add(x, op.constant(weights["bias"].astype(np.float32).reshape(1, -1, 1, 1))).output(0)
    return _activated(x, config.get("activation"))


def _batch_norm(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    parts = (weights[name].astype(np.float32) for name in ("gamma", "beta", "moving_mean", "moving_variance"))
    return op.batch_norm_inference(inputs[0], *map(op.constant, parts), config["epsilon"]).output(0)


def _relu(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    limit = config.get("max_value")
    return (op.relu(inputs[0]) if limit is None else op.clamp(inputs[0], 0.0, float(limit))).output(0)


def _activation(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    return _activated(inputs[0], config["activation"])


def _add(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    total = inputs[0]
    for other in inputs[1:]:
        total = op.add(total, other).output(0)
    return total


def _concatenate(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    return op.concat(inputs, 1).output(0)


def _zero_padding(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    (top, bottom), (left, right) = config["padding"]
    begin, end = np.array([0, 0, top, left], np.int64), np.array([0, 0, bottom, right], np.int64)
    return op.pad(inputs[0], begin, end, "constant", op.constant(np.float32(0))).output(0)


def _upsampling(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    if config["interpolation"] != "nearest":
        raise ModelError(f"Keras layer {config['name']}: interpolation {config['interpolation']} is not supported.")
    scales = np.array(config["size"], np.float32)
    options = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return op.interpolate(inputs[0], scales, "nearest", "scales", axes=SIDES, **options).output(0)


def _average(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    return op.reduce_mean(inputs[0], SIDES, False).output(0)


def _dropout(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    return inputs[0]


def _dense(inputs: list[ov.Output], config: Config, weights: Mapping[str, Array]) -> ov.Output:
    product = op.matmul(inputs[0], op.constant(weights["kernel"].astype(np.float32)), False, False)
    shifted = op.add(product, op.constant(weights["bias"].astype(np.float32).reshape(1, -1)))
    return _activated(shifted.output(0), config["activation"])


LAYERS: dict[str, Callable[[list[ov.Output], Config, Mapping[str, Array]], ov.Output]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "BatchNormalization": _batch_norm,
    "ReLU": _relu,
    "Activation": _activation,
    "Add": _add,
    "Concatenate": _concatenate,
    "ZeroPadding2D": _zero_padding,
    "UpSampling2D": _upsampling,
    "GlobalAveragePooling2D": _average,
    "Dropout": _dropout,
    "Dense": _dense,
}

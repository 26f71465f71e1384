"""Layers of Caffe's two older layouts, as layers of the present one.

Source: BVLC Caffe 1.0, upgrade_proto (the rules, as facts).
"""

from collections.abc import Iterable
from typing import Any

from calibench.caffe.schema import choice, fields_of, message
from calibench.caffe.upgrade_oldest import fill_from_oldest, padding_of
from calibench.errors import ModelError

TYPES: dict[str, str] = {
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}
"""Names of types in the V1 layout -> today's."""

DATA_PARAMS = ("data_param", "image_data_param", "window_data_param")
PREPARATION = ("scale", "mean_file", "crop_size", "mirror")
"""Fields that V1 data layers held themselves, and that stand in `transform_param` today."""

SAME = ("name", "bottom", "top", "include", "exclude", "loss_weight")
OWN = ("layer", "type", "blobs", "param", "blob_share_mode", "blobs_lr", "weight_decay", *SAME)
"""Fields of a V1 layer that are not parameters of a type."""


def present_layers(net: Any) -> list[tuple[Any, int]]:
    """The layers of a NetParameter as messages LayerParameter, in order, each with its number in the file from 0.

    Layers of type padding (V0) become the `pad` of their readers, so that their numbers are missing.

    Raises:
        ModelError: both layouts stand in the file, or a layer has a type that the older layouts do not know; the text
            names no file.
    """
    if net.layer and net.layers:
        raise ModelError("holds blocks 'layer' and 'layers': the present and the older layout cannot be mixed.")
    if net.layer:
        return [(layer, number) for number, layer in enumerate(net.layer)]
    return [(_present(layer), number) for layer, number in _without_padding(net.layers)]


def _without_padding(layers: Iterable[Any]) -> list[tuple[Any, int]]:
    """The V1 layers but those around V0 layers of type padding; their readers take padding and input from them."""
    padding: dict[str, tuple[str, int]] = {}  # top -> what it was made of, pixels
    kept: list[tuple[Any, int]] = []
    for number, layer in enumerate(layers):
        pixels = padding_of(layer)
        if pixels is not None:
            padding[layer.top[0]] = (layer.bottom[0], pixels)
        elif any(name in padding for name in layer.bottom) and layer.layer.type in ("conv", "pool"):
            padded = message("V1LayerParameter")()
            padded.CopyFrom(layer)
            padded.bottom[0], padded.layer.pad = padding[layer.bottom[0]]
            kept.append((padded, number))
        else:
            kept.append((layer, number))
    return kept


def _present(old: Any) -> Any:
    made = message("LayerParameter")()
    if old.HasField("layer"):
        fill_from_oldest(old, made)
        _spread_rates(old.layer, made)
        return made
    word = choice(old, "type") if old.HasField("type") else "NONE"
    if word not in TYPES:
        raise ModelError(f"layer '{old.name}' has no type.")
    made.type = TYPES[word]
    _copy(old, made, SAME)
    _copy(old, made, [name for name in fields_of("V1LayerParameter") if name not in OWN])
    _spread_rates(old, made)
    for number, name in enumerate(old.param):
        _param(made, number).name = name
    for number, mode in enumerate(old.blob_share_mode):
        _param(made, number).share_mode = mode
    _move_preparation(made)
    return made


def _spread_rates(old: Any, made: Any) -> None:
    """`blobs_lr` and `weight_decay` of V0 and V1 as `param { lr_mult decay_mult }`."""
    for number, rate in enumerate(old.blobs_lr):
        _param(made, number).lr_mult = rate
    for number, decay in enumerate(old.weight_decay):
        _param(made, number).decay_mult = decay


def _param(layer: Any, number: int) -> Any:
    while len(layer.param) <= number:
        layer.param.add()
    return layer.param[number]


def _copy(old: Any, made: Any, names: Iterable[str]) -> None:
    table = fields_of("V1LayerParameter")
    for name in names:
        field = table[name]
        if field.is_repeated:
            getattr(made, name).extend(getattr(old, name))
        elif not old.HasField(name):
            continue
        elif field.is_message:
            getattr(made, name).CopyFrom(getattr(old, name))
        else:
            setattr(made, name, getattr(old, name))


def _move_preparation(layer: Any) -> None:
    """Scale, mean, crop and mirror of a data layer go to `transform_param`."""
    for data in DATA_PARAMS:
        if not layer.HasField(data):
            continue
        params = getattr(layer, data)
        for name in PREPARATION:
            if params.HasField(name):
                setattr(layer.transform_param, name, getattr(params, name))
                params.ClearField(name)

"""Layers of Caffe's oldest layout (V0: all parameters in one message), as layers of the present one.

Source: BVLC Caffe 1.0, upgrade_proto (the rules, as facts).
"""

from typing import Any

from calibench.errors import ModelError

OLDEST_TYPES: dict[str, str] = {
    "accuracy": "Accuracy",
    "bnll": "BNLL",
    "concat": "Concat",
    "conv": "Convolution",
    "data": "Data",
    "dropout": "Dropout",
    "euclidean_loss": "EuclideanLoss",
    "flatten": "Flatten",
    "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output",
    "im2col": "Im2col",
    "images": "ImageData",
    "infogain_loss": "InfogainLoss",
    "innerproduct": "InnerProduct",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "pool": "Pooling",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "softmax_loss": "SoftmaxWithLoss",
    "split": "Split",
    "tanh": "TanH",
    "window_data": "WindowData",
}
"""Names of types in the V0 layout -> today's."""

PARAMS = {
    "concat": "concat_param",
    "conv": "convolution_param",
    "data": "data_param",
    "dropout": "dropout_param",
    "hdf5_data": "hdf5_data_param",
    "images": "image_data_param",
    "infogain_loss": "infogain_loss_param",
    "innerproduct": "inner_product_param",
    "lrn": "lrn_param",
    "pool": "pooling_param",
    "window_data": "window_data_param",
}
"""V0 type -> the message that its parameters stand in today."""

NEW_NAMES = {
    "biasterm": "bias_term",
    "kernelsize": "kernel_size",
    "batchsize": "batch_size",
    "det_fg_threshold": "fg_threshold",
    "det_bg_threshold": "bg_threshold",
    "det_fg_fraction": "fg_fraction",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
    "shuffle_images": "shuffle",
}
"""V0 fields with another name today."""

PREPARATION = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}
"""V0 fields that stand in `transform_param` today."""

ELSEWHERE = ("name", "type", "blobs", "blobs_lr", "weight_decay")


def padding_of(layer: Any) -> int | None:
    """Pixels that a V0 layer of type padding adds; None for any other layer."""
    is_padding = layer.HasField("layer") and layer.layer.type == "padding" and layer.bottom and layer.top
    return int(layer.layer.pad) if is_padding else None


def fill_from_oldest(old: Any, made: Any) -> None:
    """Fill a LayerParameter from a V1 layer around a V0 layer, all but the rates of learning.

    Raises:
        ModelError: a type, or a field of one, that is not known; the text names no file.
    """
    oldest = old.layer
    if oldest.type not in OLDEST_TYPES:
        known = ", ".join(sorted(OLDEST_TYPES))
        raise ModelError(f"layer '{oldest.name}' has the type '{oldest.type}'; types of this layout are {known}.")
    made.name, made.type = oldest.name, OLDEST_TYPES[oldest.type]
    made.bottom.extend(old.bottom)
    made.top.extend(old.top)
    for field, value in oldest.ListFields():
        if field.name == "hdf5_output_param":
            made.hdf5_output_param.CopyFrom(value)
        elif field.name in PREPARATION:
            setattr(made.transform_param, PREPARATION[field.name], value)
        elif field.name not in ELSEWHERE:
            _move(made, oldest, field.name, value)


def _move(made: Any, oldest: Any, name: str, value: Any) -> None:
    """Put one field where the type has it today."""
    new = NEW_NAMES.get(name, name)
    params = getattr(made, PARAMS[oldest.type]) if oldest.type in PARAMS else None
    field = params.DESCRIPTOR.fields_by_name.get(new) if params is not None else None
    if field is None:
        raise ModelError(f"layer '{oldest.name}' of type '{oldest.type}' has the field '{name}', which is none of its.")
    if hasattr(value, "CopyFrom"):
        getattr(params, new).CopyFrom(value)
    elif field.is_repeated:
        getattr(params, new).append(value)
    else:
        setattr(params, new, value)

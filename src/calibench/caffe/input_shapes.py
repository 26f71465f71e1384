"""The shape of each input of a net: as the file says, else by the first sample and the weights of the first layer."""

from typing import Any

from calibench.caffe.first_sample import first_sample_shape, source_of
from calibench.caffe.flow import Value, readers, sources, where
from calibench.caffe.net import Layer, Net
from calibench.caffe.stripping import Stripped
from calibench.errors import ModelError

COLOUR, GREY = 3, 1
CHANNELS_STAY = ("Power", "Split", "ReLU", "Pooling", "LRN", "MVN", "Dropout", "AbsVal", "Exp", "Log")
"""Layers behind which there are as many channels as in front."""


def input_shapes(rest: Stripped) -> dict[str, tuple[int, ...]]:
    """Blob -> its shape with the batch of the file.

    Raises:
        ModelError: a size is said nowhere.
    """
    found = {}
    for number, (name, layer) in enumerate(rest.inputs.items()):
        shape = rest.net.inputs[name] if layer is None else _shape(rest.net, layer, name, number)
        if not shape or any(size < 1 for size in shape):
            source = f"{rest.net.path}: the input '{name}'" if layer is None else where(rest.net, layer)
            raise ModelError(
                f"{source}: the shape {list(shape)} of '{name}' is not known. Give all its sizes in the file."
            )
        found[name] = tuple(shape)
    return found


def _shape(net: Net, layer: Layer, name: str, number: int) -> tuple[int, ...]:
    params, top = layer.params, layer.tops.index(name)
    match layer.type:
        case "Input":
            return _of_top([tuple(each.dim) for each in params.input_param.shape], top)
        case "DummyData":
            return _of_top(_dummy_shapes(params.dummy_data_param), top)
        case "MemoryData":
            rule = params.memory_data_param
            return (rule.batch_size, rule.channels, rule.height, rule.width)
        case "HDF5Data":
            sample = first_sample_shape(net, layer, name)
            if sample is None:
                raise _unknown(net, layer)
            return (params.hdf5_data_param.batch_size or 1, *sample)
    return _picture_shape(net, layer, name, number)


def _picture_shape(net: Net, layer: Layer, name: str, number: int) -> tuple[int, ...]:
    """Of Data, ImageData, AnnotatedData, WindowData: pictures after `transform_param`."""
    size, channels = _size(layer), _stated_channels(layer)
    is_varied = size is None and layer.params.transform_param.HasField("random_resize_param")
    sample = first_sample_shape(net, layer, name) if size is None and not is_varied else None
    if size is None and sample is not None:
        size = (sample[1], sample[2])
    if size is None:
        raise _unknown(net, layer)
    border = 2 * int(layer.params.transform_param.pad)
    size = (size[0] + border, size[1] + border)
    if channels is None:
        channels = _channels_read(net, (-1, number), size) or (sample[0] if sample else COLOUR)
    return (_batch(layer), channels, *size)


def _unknown(net: Net, layer: Layer) -> ModelError:
    written = source_of(layer)
    source = f"there is no {written} (source)" if written else "it names no source"
    return ModelError(
        f"{where(net, layer)}: {source} to take height and width from, and the layer does not give them. Correct the "
        "source, or start in the folder that it is relative to; or give crop_size, or new_height and new_width."
    )


def _size(layer: Layer) -> tuple[int, int] | None:
    """Height and width that the file gives; None where they are those of the samples."""
    rule, own = layer.params.transform_param, layer.params.image_data_param
    if rule.crop_size:
        return (rule.crop_size, rule.crop_size)
    if rule.crop_h and rule.crop_w:
        return (rule.crop_h, rule.crop_w)
    if rule.HasField("resize_param") and rule.resize_param.height and rule.resize_param.width:
        return (rule.resize_param.height, rule.resize_param.width)
    if layer.type == "ImageData" and own.new_height and own.new_width:
        return (own.new_height, own.new_width)
    return None


def _stated_channels(layer: Layer) -> int | None:
    rule = layer.params.transform_param
    if rule.force_gray or (layer.type == "ImageData" and not layer.params.image_data_param.is_color):
        return GREY
    return COLOUR if rule.force_color or layer.type in ("ImageData", "WindowData") else None


def _batch(layer: Layer) -> int:
    params = layer.params
    rules: dict[str, Any] = {"ImageData": params.image_data_param, "WindowData": params.window_data_param}
    return int(rules.get(layer.type, params.data_param).batch_size) or 1


def _channels_read(net: Net, value: Value, size: tuple[int, int]) -> int | None:
    """Channels that the weights of the first layer behind a value ask for."""
    read = readers(sources(net))
    for index in read.get(value, []):
        found = _asked(net.layers[index], size)
        if found is None and net.layers[index].type in CHANNELS_STAY:
            found = _channels_read(net, (index, 0), size)
        if found is not None:
            return found
    return None


def _asked(layer: Layer, size: tuple[int, int]) -> int | None:
    if not layer.blobs:
        return None
    weights = layer.blobs[0]
    match layer.type:
        case "Convolution":
            return int(weights.shape[1] * layer.params.convolution_param.group)
        case "ConvolutionDepthwise" | "DepthwiseConvolution":
            return int(weights.shape[0])
        case "Deconvolution":
            return int(weights.shape[0])
        case "InnerProduct":
            length = weights.shape[-2 if layer.params.inner_product_param.transpose else -1]
            return int(length // (size[0] * size[1])) or None
        case "BatchNorm" | "BN":
            return int(weights.size)
        case "Scale" if layer.params.scale_param.axis == 1 and layer.params.scale_param.num_axes == 1:
            return int(weights.size)
    return None


def _of_top(shapes: list[tuple[int, ...]], top: int) -> tuple[int, ...]:
    """The shape of one top, where one shape may stand for all."""
    return () if not shapes else shapes[top if len(shapes) > 1 else 0]


def _dummy_shapes(rule: Any) -> list[tuple[int, ...]]:
    if rule.shape:
        return [tuple(each.dim) for each in rule.shape]
    columns = [list(getattr(rule, field)) for field in ("num", "channels", "height", "width")]
    count = max(map(len, columns))
    return list(zip(*(column * count if len(column) == 1 else column for column in columns), strict=False))

"""Put the preparation of pictures into the graph: colour order, mean, scale, layout and element type."""

from collections.abc import Sequence
from typing import Any, Protocol

import openvino as ov
from openvino.preprocess import ColorFormat, PrePostProcessor

from calibench.errors import SettingsError
from calibench.models.ports import port_name
from calibench.settings import InputSettings


class Picture(Protocol):
    """What of an image input matters to the graph."""

    @property
    def name(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def settings(self) -> InputSettings: ...


def attach_images(model: ov.Model, images: Sequence[Picture]) -> ov.Model:
    """A copy of the model whose image inputs take uint8 [N, H, W, C], RGB or gray, 0..255.

    Other inputs, all outputs, and the names of inputs and operations stay. The batch axis stays as it is; free
    spatial axes get the size of the image input. The order is: to float32, colour order, mean, scale, to the
    element type of the model, layout.

    Raises:
        SettingsError: the graph cannot run at the size that was asked for.
    """
    copy = model.clone()
    if not images:
        return copy
    _reshape(copy, images)
    known = {op.get_friendly_name() for op in copy.get_ops()}
    ports = {port_name(port): i for i, port in enumerate(copy.inputs)}
    steps = PrePostProcessor(copy)
    for image in images:
        _prepare(steps.input(ports[image.name]), image, copy.inputs[ports[image.name]].element_type)
    attached = steps.build()
    _name_new(attached, known)
    return attached


def _reshape(model: ov.Model, images: Sequence[Picture]) -> None:
    shapes: dict[Any, ov.PartialShape] = {}
    for port in model.inputs:
        for image in images:
            if image.name == port_name(port) and _has_free_sides(port.partial_shape, image.layout):
                shapes[port] = _shape(port.partial_shape, image)
    if not shapes:
        return
    try:
        model.reshape(shapes)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        sizes = ", ".join(f"{image.name} {image.height} x {image.width}" for image in images)
        raise SettingsError(f"The model cannot run at {sizes} ({reason}). Choose another --size H W.") from None


def _has_free_sides(shape: ov.PartialShape, layout: str) -> bool:
    return bool(shape.rank.is_dynamic) or any(shape[layout.index(axis)].is_dynamic for axis in "CHW")


def _shape(own: ov.PartialShape, image: Picture) -> ov.PartialShape:
    batch = ov.Dimension() if own.rank.is_dynamic else own[image.layout.index("N")]
    sides = {"N": batch, "C": image.channels, "H": image.height, "W": image.width}
    return ov.PartialShape([ov.Dimension(sides[axis]) if axis != "N" else batch for axis in image.layout])


def _prepare(port: Any, image: Picture, element_type: ov.Type) -> None:
    port.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    port.model().set_layout(ov.Layout(image.layout))
    settings, steps = image.settings, port.preprocess()
    if settings.mean or settings.scale or element_type != ov.Type.u8:
        steps.convert_element_type(ov.Type.f32)
    if settings.color == "bgr" and image.channels == 3:
        port.tensor().set_color_format(ColorFormat.RGB)
        steps.convert_color(ColorFormat.BGR)
    if settings.mean:
        steps.mean(list(settings.mean) * (image.channels // len(settings.mean)))
    if settings.scale:
        steps.scale(list(settings.scale) * (image.channels // len(settings.scale)))
    if element_type != ov.Type.f32:
        steps.convert_element_type(element_type)


def _name_new(model: ov.Model, known: set[str]) -> None:
    """Name what was added by its place, so that the same settings write the same bytes in every process."""
    added = [op for op in model.get_ordered_ops() if op.get_friendly_name() not in known]
    for i, op in enumerate(added):
        op.set_friendly_name(f"preprocessing/{i}_{op.get_type_name()}")

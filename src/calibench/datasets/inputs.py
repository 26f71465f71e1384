"""How samples enter a model: which inputs are images, of what size, and what is done to their values."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.attach import attach_images
from calibench.datasets.dataset import Sample
from calibench.errors import DatasetError, ModelError, SettingsError
from calibench.models.ports import port_name
from calibench.settings import InputSettings, Settings

IMAGE_CHANNELS = (1, 3)


@dataclass(frozen=True)
class ImageInput:
    """A model input that takes pictures: uint8 [1, height, width, channels], RGB or gray, 0..255.

    `layout`: four letters, the model's own order of the axes. `mean`, `scale`: one value, one a channel, or none; in
    units of 0..255, in the order of the channels that the model sees (blue first for `bgr`).
    """

    name: str
    layout: str
    height: int
    width: int
    channels: int
    settings: InputSettings

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: [1, H, W, C]."""
        return (1, self.height, self.width, self.channels)

    @property
    def dtype(self) -> str:
        """The element type of one sample."""
        return "uint8"

    @property
    def is_gray(self) -> bool:
        """Whether a picture loses its colours, either for one channel or repeated in three."""
        return self.channels == 1 or self.settings.color == "gray"

    @property
    def decoding(self) -> str:
        """What decides the decoded bytes; the values (mean, scale, colour order) are done in the graph."""
        settings = self.settings
        return f"{self.shape} gray={self.is_gray} {settings.resize} {settings.resize_short} {settings.pad}"


@dataclass(frozen=True)
class TensorInput:
    """A model input that takes arrays as they are.

    `shape`: the model's own, -1 where an axis is free, None where even the number of axes is.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str

    @property
    def decoding(self) -> str:
        """What decides the array that is fed."""
        return f"{self.shape} {self.dtype}"


@dataclass(frozen=True)
class InputPlan:
    """How the samples of a dataset become the inputs of a model, input by input in the model's order."""

    inputs: tuple[ImageInput | TensorInput, ...]

    @property
    def images(self) -> tuple[ImageInput, ...]:
        return tuple(each for each in self.inputs if isinstance(each, ImageInput))

    @property
    def image_input(self) -> str | None:
        """The name of the one input that takes pictures; None if there is none or more than one."""
        return self.images[0].name if len(self.images) == 1 else None

    @property
    def fingerprint(self) -> str:
        """Equal for plans that decode the same file to the same bytes; 16 hex digits."""
        text = ";".join(f"{each.name} {each.decoding}" for each in self.inputs)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def only_image(self) -> ImageInput:
        """The image input of a model that takes one picture and nothing else.

        Raises:
            DatasetError: a folder of pictures cannot feed this model; names the inputs that would stay empty.
        """
        tensors = [each for each in self.inputs if isinstance(each, TensorInput)]
        rest = ", ".join(f"{each.name} {shape_text(each.shape)}" for each in tensors)
        if not self.images:
            raise DatasetError(
                f"The model takes no pictures but {rest}. Give .npz files with one array an input, or name the "
                "layout if an input is a picture: --layout NCHW."
            )
        if len(self.images) > 1:
            names = " and ".join(each.name for each in self.images)
            raise DatasetError(f"The model takes a picture at {names}; a folder gives one. Give .npz files.")
        if rest:
            raise DatasetError(
                f"Pictures can feed {self.images[0].name}, but the model also takes {rest}. "
                f"Give .npz files with an array for each: {', '.join(each.name for each in self.inputs)}."
            )
        return self.images[0]

    def shapes(self, sample: Sample) -> dict[str, tuple[int, ...]]:
        """The shapes that the model itself sees when it is fed this sample, by input name."""
        found = {name: tuple(array.shape) for name, array in sample.items()}
        for image in self.images:
            sides = {"N": 1, "C": image.channels, "H": image.height, "W": image.width}
            found[image.name] = tuple(sides[axis] for axis in image.layout)
        return found

    def attach(self, model: ov.Model) -> ov.Model:
        """A copy of the model that takes samples as this plan makes them; see `attach_images`."""
        return attach_images(model, self.images)


def plan_inputs(model: ov.Model, settings: Settings, images: bool = True) -> InputPlan:
    """Decide for every input whether it is an image and how its values are prepared.

    Args:
        images: False when the dataset holds arrays; then every input is fed as it is.

    Raises:
        SettingsError: a setting does not fit the model, or a size is needed and missing.
        ModelError: an input cannot be fed one sample at a time, or with numbers.
    """
    names = [port_name(port) for port in model.inputs]
    for name in settings.inputs:
        if name and name not in names:
            raise SettingsError(f"inputs.{name}: the model has no such input. Known: {', '.join(names)}.")
    plan: Callable[[Any, InputSettings], ImageInput | TensorInput] = _plan_input if images else _tensor_input
    result = InputPlan(tuple(plan(port, settings.input(port_name(port))) for port in model.inputs))
    sized = any(each.size for each in settings.inputs.values())
    if images and sized and not result.images:
        raise SettingsError(
            f"--size is for pictures, but no input of the model looks like one ({', '.join(names)}). "
            "Name the layout, such as --layout NCHW, or drop --size."
        )
    return result


def _plan_input(port: Any, settings: InputSettings) -> ImageInput | TensorInput:
    layout = _layout(port, settings)
    if layout is None:
        return _tensor_input(port, settings)
    name, dims = port_name(port), dict(zip(layout, _dims(port.partial_shape) or (-1,) * 4, strict=True))
    if dims["N"] not in (1, -1):
        raise ModelError(
            f"Input {name} has a fixed batch of {dims['N']}, but samples enter one by one. "
            "Export the model with a batch of 1 or a free batch."
        )
    channels = dims["C"] if dims["C"] != -1 else (1 if settings.color == "gray" else 3)
    if channels not in IMAGE_CHANNELS:
        raise SettingsError(f"Input {name} has {channels} channels in layout {layout}; a picture has 1 or 3.")
    for key, values in (("mean", settings.mean), ("scale", settings.scale)):
        if len(values) not in (0, 1, channels):
            raise SettingsError(f"{key}: {len(values)} values for {channels} channels of {name}. Give 1 or {channels}.")
    height, width = _size(name, dims["H"], dims["W"], settings)
    return ImageInput(name, layout, height, width, channels, settings)


def _size(name: str, height: int, width: int, settings: InputSettings) -> tuple[int, int]:
    own = " x ".join("?" if side == -1 else str(side) for side in (height, width))
    if settings.size is None:
        if -1 in (height, width):
            raise SettingsError(f"Input {name} has no fixed height and width ({own}). Say them: --size H W.")
        return height, width
    if any(own_side not in (-1, side) for own_side, side in zip((height, width), settings.size, strict=True)):
        asked = " x ".join(str(side) for side in settings.size)
        raise SettingsError(f"--size {asked}: input {name} is {own}, height first. Drop --size or give the model's.")
    return settings.size


def _layout(port: Any, settings: InputSettings) -> str | None:
    """The order of the axes of an image input, None for a tensor: the setting, the model's own, else a guess."""
    dims = _dims(port.partial_shape)
    if settings.layout is not None:
        letters = settings.layout.upper()
        if sorted(letters) != sorted("NCHW") or (dims and len(dims) != 4):
            raise SettingsError(
                f"--layout {settings.layout}: input {port_name(port)} is {shape_text(dims)}; "
                "a picture has four axes, named by the letters N, C, H and W."
            )
        return letters
    if dims is None or len(dims) != 4 or not (port.element_type.is_real() or port.element_type == ov.Type.u8):
        return None
    own = str(port.node.layout).strip("[]").replace(",", "") if hasattr(port.node, "layout") else ""
    if sorted(own) == sorted("NCHW"):
        return own if dims[own.index("C")] in (*IMAGE_CHANNELS, -1) else None
    return "NCHW" if dims[1] in IMAGE_CHANNELS else "NHWC" if dims[3] in IMAGE_CHANNELS else None


def _tensor_input(port: Any, settings: InputSettings) -> TensorInput:
    try:
        dtype = np.dtype(port.element_type.to_dtype())
    except (RuntimeError, ValueError, TypeError):
        dtype = np.dtype(str)
    if dtype.kind not in "biuf":
        raise ModelError(
            f"Input {port_name(port)} takes {port.element_type.get_type_name()}, which no array can feed. "
            "Export the model with a numeric input."
        )
    return TensorInput(port_name(port), _dims(port.partial_shape), dtype.name)


def shape_text(shape: tuple[int, ...] | None) -> str:
    """A shape as a person reads it: [?, 3, 224, 224]."""
    return "of any shape" if shape is None else f"[{', '.join('?' if side == -1 else str(side) for side in shape)}]"


def _dims(shape: ov.PartialShape) -> tuple[int, ...] | None:
    """The length of every axis, -1 where it is free; None when even the number of axes is free."""
    if shape.rank.is_dynamic:
        return None
    return tuple(dim.get_length() if dim.is_static else -1 for dim in shape)

"""The mistakes that people make with input settings and labels: what each would look like, put right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from calibench.settings import InputSettings, TaskSettings

Cause = Literal["colour order", "mean and scale", "labels", "resize"]

IMAGENET_MEAN, IMAGENET_SCALE = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of red, green, blue, in 0..255: torchvision's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225)."""

CONVENTIONS: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = (
    ("0..255 as they are", (), ()),
    ("0..1", (), (255.0,)),
    ("-1..1", (127.5,), (127.5,)),
    ("ImageNet mean and standard deviation", IMAGENET_MEAN, IMAGENET_SCALE),
    ("ImageNet mean alone, as in Caffe", (123.68, 116.78, 103.94), ()),
    ("mean and standard deviation of CLIP", (122.77, 116.75, 104.09), (68.5, 66.63, 70.32)),
)
"""How pictures are usually prepared: what it is called, mean, scale; of red, green, blue."""

GRAY_CONVENTIONS: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = (
    ("mean and standard deviation of MNIST", (33.32,), (78.57,)),
    ("mean and standard deviation of Fashion-MNIST", (72.94,), (90.02,)),
)
"""Further ones of models with one channel."""


@dataclass(frozen=True)
class Change:
    """One thing done otherwise.

    Attributes:
        says: the options that do it, such as "--color bgr".
        inputs, task: the settings that change.
    """

    cause: Cause
    says: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)


def alternatives(inputs: InputSettings, task: TaskSettings, channels: int, has_labels: bool) -> Iterator[Change]:
    """Every change that could mend what is set now.

    Args:
        channels: of the pictures that the model takes.
        has_labels: whether classes are annotated, whose numbers may be off by one.
    """
    yield from _colour_orders(inputs, channels)
    yield from _conventions(inputs, channels)
    if has_labels:
        for offset in (task.label_offset - 1, task.label_offset + 1):
            yield Change("labels", f"task.label_offset: {offset}", task={"label_offset": offset})
    for resize in ("stretch", "crop", "letterbox", "corner"):
        if resize != inputs.resize and inputs.resize != "none":
            yield Change("resize", f"--resize {resize}", {"resize": resize})
    if inputs.resize == "crop" and inputs.resize_short is not None:
        yield Change("resize", "no resize_short", {"resize_short": None})
    yield from _both_at_once(inputs, channels)


def _colour_orders(inputs: InputSettings, channels: int) -> Iterator[Change]:
    """Red and blue exchanged: with mean and scale as they stand, and with them turned round too."""
    if channels != 3 or inputs.color == "gray":
        return
    other = "rgb" if inputs.color == "bgr" else "bgr"
    yield Change("colour order", f"--color {other}", {"color": other})
    turned = {"color": other, "mean": inputs.mean[::-1], "scale": inputs.scale[::-1]}
    if turned["mean"] != inputs.mean or turned["scale"] != inputs.scale:
        says = f"--color {other}{_option('--mean', inputs.mean[::-1])}{_option('--scale', inputs.scale[::-1])}"
        yield Change("colour order", says, turned)


def _both_at_once(inputs: InputSettings, channels: int) -> Iterator[Change]:
    """Every convention with red and blue exchanged: alone, neither of the two may help."""
    if channels != 3 or inputs.color == "gray":
        return
    turned = inputs.model_copy(update={"color": "rgb" if inputs.color == "bgr" else "bgr"})
    for change in _conventions(turned, channels):
        if (change.inputs["mean"], change.inputs["scale"]) not in (
            (inputs.mean, inputs.scale),
            (inputs.mean[::-1], inputs.scale[::-1]),
        ):
            says = f"--color {turned.color} {change.says}"
            yield Change("mean and scale", says, {"color": turned.color, **change.inputs})


def _conventions(inputs: InputSettings, channels: int) -> Iterator[Change]:
    for _, mean, scale in CONVENTIONS + (GRAY_CONVENTIONS if channels == 1 else ()):
        ordered = [_for_channels(values, inputs.color, channels) for values in (mean, scale)]
        if ordered != [inputs.mean, inputs.scale]:
            says = f"{_option('--mean', ordered[0])}{_option('--scale', ordered[1])}".strip() or "no --mean, no --scale"
            yield Change("mean and scale", says, {"mean": ordered[0], "scale": ordered[1]})


def _for_channels(values: tuple[float, ...], color: str, channels: int) -> tuple[float, ...]:
    """One value a channel in the order that the model sees; their mean where it sees one channel."""
    if channels == 1 or color == "gray":
        return (round(sum(values) / len(values), 3),) if values else ()
    return values[::-1] if color == "bgr" else values


def _option(name: str, values: tuple[float, ...]) -> str:
    return f" {name} {','.join(f'{value:g}' for value in values)}" if values else ""

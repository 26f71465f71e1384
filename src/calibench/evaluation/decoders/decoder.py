"""What a decoder is: how objects are read from the raw outputs of a family of models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context, Shape

Background = Literal["none", "first", "last"]

EXPLANATIONS = ("saliency_map", "feature_vector")
"""Outputs that say why, not what; they are left aside."""


@dataclass(frozen=True)
class Counting:
    """How a model counts its classes.

    Attributes:
        count: its classes with the one for background; None where the outputs do not show it.
        background: where among them the background is.
    """

    count: int | None = None
    background: Background = "none"


@dataclass(frozen=True)
class Decoder:
    """How objects are read from the raw outputs of a family of models.

    Attributes:
        name: as in `task.decoder`.
        title: for a person, such as "YOLOv8 to v12".
        fits: whether names, shapes and metadata look like this family.
        decode: outputs of one sample (batch axis of 1) and a context whose `input_size` is known -> objects in pixels
            of the model's input, with the model's own class numbers, the surest first: scores over
            `settings.score_threshold`, at most `settings.max_detections`, overlapping ones suppressed per class where
            the model has not done it.
        counting: how the model counts its classes.
        has_masks: whether it gives masks.
    """

    name: str
    title: str
    fits: Callable[[Context], bool]
    decode: Callable[[NamedOutputs, Context], Detections]
    counting: Callable[[Context], Counting]
    has_masks: Callable[[Context], bool] = lambda context: False


def short(name: str) -> str:
    """The last part of an output's name, in small letters, without the number of a TensorFlow output."""
    return name.split(":")[0].rsplit("/", 1)[-1].lower()


def output_of(context: Context, role: str, *hints: str) -> str | None:
    """The name of the output that holds something.

    Args:
        role: key in `settings.outputs`, which is asked first.
        hints: a name fits that is one of them, else the only one that contains one of them.

    Raises:
        SettingsError: the settings name an output that the model does not have.
    """
    if role in context.settings.outputs:
        name = context.settings.outputs[role]
        if name not in context.outputs:
            raise SettingsError(
                f"task.outputs: {role} is {name}, but the model has no such output. It has {listed(context.outputs)}."
            )
        return name
    exact = [name for name in context.outputs if short(name) in hints]
    if len(exact) == 1:
        return exact[0]
    alike = [name for name in context.outputs if any(hint in short(name) for hint in hints)]
    return alike[0] if len(alike) == 1 else None


def shapes_of(context: Context) -> dict[str, Shape]:
    """The outputs that say what was found."""
    return {name: shape for name, shape in context.outputs.items() if short(name) not in EXPLANATIONS}


def agrees(shape: Shape, *wanted: int | None) -> bool:
    """Whether a shape can be this one; None and free axes agree with everything."""
    return len(shape) == len(wanted) and all(
        want is None or size in (-1, want) for size, want in zip(shape, wanted, strict=True)
    )


def listed(outputs: Mapping[str, Shape]) -> str:
    """Outputs with their shapes, for a person."""
    return ", ".join(f"{name} {list(shape)}" for name, shape in outputs.items()) or "no outputs"


def size_of(context: Context) -> tuple[int, int]:
    """Height, width of the model's input, pixels.

    Raises:
        SettingsError: it is not known.
    """
    if context.input_size is None:
        raise SettingsError("The size of the model's input is free. Set inputs.'': {size: [height, width]}.")
    return context.input_size

"""Find the output that a task reads."""

import math
from collections.abc import Callable

from calibench.datasets.inputs import shape_text
from calibench.errors import SettingsError
from calibench.evaluation.tasks.task import Context, Shape


def check_outputs(context: Context) -> None:
    """Raise SettingsError when the settings name an output that the model does not have, whichever task reads it."""
    for holds, name in context.settings.outputs.items():
        if name not in context.outputs:
            raise SettingsError(
                f"task.outputs: {holds} is to be output {name!r}, which the model does not have. "
                f"Its outputs: {', '.join(context.outputs)}."
            )


def find_output(context: Context, holds: str, suits: Callable[[Shape], bool]) -> str | None:
    """The name of the output that holds something: what the settings say, else the first whose shape suits.

    Raises:
        SettingsError: the settings name an output that the model does not have.
    """
    check_outputs(context)
    given = context.settings.outputs.get(holds)
    return given or next((name for name, shape in context.outputs.items() if suits(shape)), None)


def need_output(context: Context, holds: str, suits: Callable[[Shape], bool], wanted: str) -> str:
    """The same as `find_output` where there must be one.

    Args:
        wanted: what was looked for, for a person: "scores [1, classes, height, width]".

    Raises:
        SettingsError: no output suits; says which there are.
    """
    name = find_output(context, holds, suits)
    if name is None:
        shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in context.outputs.items())
        raise SettingsError(
            f"No output of the model looks like {wanted}; it gives {shapes or 'none'}. "
            f"Say which one holds it under task.outputs ({holds}: its name), or take another task.kind."
        )
    return name


def channel_axis(shape: Shape, input_size: tuple[int, int] | None) -> int:
    """The axis of the channels in an output of four axes over the picture: 1 or 3.

    The other two axes are height and width, so they have the proportions of the input; where both readings have them,
    it is 1, as in most models.

    Args:
        shape: of an array, no free axis.
        input_size: height, width of the model's input; None where it is not known: then the shorter axis.
    """
    if input_size is None:
        return 1 if shape[1] <= shape[3] else 3
    wanted = math.log(input_size[0] / input_size[1])
    first = abs(math.log(shape[2] / shape[3]) - wanted)
    last = abs(math.log(shape[1] / shape[2]) - wanted)
    return 3 if last < first else 1


def values_in(shape: Shape) -> int:
    """How many values an output has for one sample; -1 where an axis behind the first is free."""
    return -1 if -1 in shape[1:] else math.prod(shape[1:])

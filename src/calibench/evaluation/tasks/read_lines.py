"""Text recognition: one line of text from a picture of it, by CTC."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from calibench.datasets.frame import Frame
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.metrics.read_text import character_errors, exact
from calibench.evaluation.tasks.outputs import find_output, need_output
from calibench.evaluation.tasks.task import Context, Shape, Task, TaskKind

Blank = Literal["first", "last"]

BLANK = ""
"""The class that says "no new character": it adds nothing to the text."""
IN_METADATA = ("framework/character", "character", "model_info/labels")


def _looks_like_steps(shape: Shape) -> bool:
    """[1, T, C], [T, 1, C], or four axes with another 1 among them, as [1, C, 1, T]."""
    return (len(shape) == 3 and (1 in shape or -1 in shape)) or (len(shape) == 4 and 1 in shape[1:])


def _fits(context: Context) -> bool:
    return "text" in context.annotated and find_output(context, "text", _looks_like_steps) is not None


def _make(context: Context) -> Task:
    name = need_output(context, "text", _looks_like_steps, "scores of characters, such as [1, steps, characters]")
    shape, blank = context.outputs[name], context.settings.blank
    characters, source = read_characters(context, shape)
    if -1 not in shape:
        name_classes(_class_count(shape, len(characters)), characters, blank)

    def predict(outputs: NamedOutputs, frame: Frame | None) -> str:
        return read_line(outputs[name], characters, blank)

    metrics = {each.name: each for each in (exact(), character_errors())}
    note = f"{len(characters)} characters from {source}, blank {blank}; text from output {name}"
    return Task("text-recognition", predict, metrics, (note,))


def read_characters(context: Context, shape: Shape) -> tuple[tuple[str, ...], str]:
    """The characters of the model in the order of its classes, and where they come from.

    The file of `task.characters`, one a line; else what the model's file holds: "framework/character" (PaddleOCR, one a
    line) or "model_info/labels" (separated by spaces).

    Raises:
        SettingsError: the file cannot be read, or there is neither.
    """
    path = context.settings.characters
    if path is not None:
        return _lines(_text(path)), path.name
    for key in IN_METADATA:
        listed = context.metadata.get(key, "")
        if listed.strip():
            split = tuple(listed.split()) if key == "model_info/labels" else _lines(listed)
            return split, f"the model ({key})"
    classes = "a free number of" if -1 in shape else str(max(shape))
    raise SettingsError(
        f"The model tells {classes} classes apart, but not which characters they are. "
        "Give a file with one character a line, in the order of the classes and without the blank: task.characters."
    )


def name_classes(count: int, characters: Sequence[str], blank: Blank) -> tuple[str, ...]:
    """The text of every class; BLANK for the blank.

    A model with two classes more than characters has a space behind the last (PaddleOCR); one with as many has the
    blank among them.

    Raises:
        SettingsError: the numbers do not fit together.
    """
    extra = count - len(characters)
    if extra not in (0, 1, 2):
        raise SettingsError(
            f"The model tells {count} classes apart, but {len(characters)} characters are known. "
            f"Give a file with {count - 1} lines, one character a line without the blank: task.characters."
        )
    inner = [*characters, " "] if extra == 2 else list(characters)
    if extra == 0:
        inner = inner[1:] if blank == "first" else inner[:-1]
    return (BLANK, *inner) if blank == "first" else (*inner, BLANK)


def read_line(array: Array, characters: Sequence[str], blank: Blank) -> str:
    """Greedy CTC: the best class of every step, repetitions joined, blanks dropped.

    Args:
        array: [1, T, C], [T, 1, C], [1, C, 1, T] or alike: T steps, scores of C classes.
        characters: without the blank.

    Source: Graves and others 2006, Connectionist temporal classification, section 3.2 (best path).
    """
    scores = _steps(array, len(characters))
    classes = name_classes(scores.shape[1], characters, blank)
    best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
    is_new = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(classes[each] for each in best[is_new])


def _steps(array: Array, characters: int) -> Array:
    """[T, C] of one sample."""
    axis = _class_axis(array.shape, characters)
    return np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).astype(np.float32)


def _class_axis(shape: Shape, characters: int) -> int:
    """The axis whose length fits the number of characters: the last where several do, or none."""
    axes = [axis for axis, side in enumerate(shape) if 0 <= side - characters <= 2 and side > 1]
    return axes[-1] if axes else len(shape) - 1


def _class_count(shape: Shape, characters: int) -> int:
    return shape[_class_axis(shape, characters)]


def _lines(text: str) -> tuple[str, ...]:
    """The lines of a text, at line feeds only: other separators of Unicode are characters, and so are spaces."""
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Give a text file with one character a line.") from None


LINES = TaskKind("text-recognition", _fits, _make)

"""Samples without a dataset: random numbers in the shape of the inputs, good for speed, not for accuracy."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.dataset import Sample
from calibench.errors import SettingsError


class Fed(Protocol):
    """What of an input matters here: `shape` has -1 where an axis is free, None where even their number is."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...] | None: ...
    @property
    def dtype(self) -> str: ...


def random_samples(
    inputs: Sequence[Fed], shapes: Mapping[str, tuple[int, ...]], count: int = 4, seed: int = 0
) -> tuple[Sample, ...]:
    """Some samples of random numbers.

    Args:
        shapes: by input name, '' for every input; needed where axes other than the batch are free.

    Raises:
        SettingsError: a shape is needed and missing, does not fit the input, or names no input.
    """
    names = [each.name for each in inputs]
    for name in shapes:
        if name and name not in names:
            raise SettingsError(f"--shape {name}: the model has no such input. Known: {', '.join(names)}.")
    fixed = {each.name: _shape(each, shapes.get(each.name, shapes.get(""))) for each in inputs}
    random = np.random.default_rng(seed)
    return tuple({each.name: _numbers(random, fixed[each.name], each.dtype) for each in inputs} for _ in range(count))


def _shape(port: Fed, asked: tuple[int, ...] | None) -> tuple[int, ...]:
    own = port.shape
    shown = "of any shape" if own is None else str(list(own)).replace("-1", "?")
    if asked is None:
        shape = (1, *own[1:]) if own and own[0] == -1 else own
        if shape is None or -1 in shape:
            example = ",".join("224" if side == -1 else str(side) for side in shape or (1, 3, 224, 224))
            raise SettingsError(
                f"Input {port.name} is {shown}. Say its shape, such as --shape {port.name}={example}, "
                "or give a dataset."
            )
        return shape
    if own is not None and not _fits(own, asked):
        raise SettingsError(
            f"--shape {','.join(map(str, asked))}: input {port.name} is {shown}. Give a shape that fits."
        )
    return asked


def _fits(own: tuple[int, ...], asked: tuple[int, ...]) -> bool:
    return len(own) == len(asked) and all(mine in (-1, side) for mine, side in zip(own, asked, strict=True))


def _numbers(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> NDArray[np.generic]:
    """Floats 0..1, pictures 0..255, integers 0 or 1 (they may be masks, or indices of a table)."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return random.random(shape, dtype=np.float32).astype(kind)
    return random.integers(0, 256 if kind == np.uint8 else 2, shape).astype(kind)

"""What one data layer reads, whatever its type: the samples in their order, with what is annotated."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibench.caffe.net import Layer
from calibench.datasets.dataset import Description, Sample
from calibench.datasets.listing import Problem
from calibench.datasets.truth import Kind
from calibench.errors import DatasetError


@dataclass(frozen=True, eq=False)
class LayerSource:
    """The samples of one data layer.

    Attributes:
        format: such as "caffe-lmdb".
        written: the path as it stands in the prototxt.
        path: where it was found.
        batch_size: of the layer.
        arrays: number of a sample -> float32 [1, ...] by top; the top of the labels is not among them.
        where: number of a sample -> its place in the data, as a message names it.
        describe: number of a sample -> name, annotations, frame.
        identity: number of a sample -> SHA-256 of what is stored and of what is done to it, hex.
        find_file: number of a sample -> the file that it alone lies in; raises DatasetError where there is none. Its
            origin is told of it. None: samples share files, which were found when the layer was opened.
        label: number of a sample -> its class; None where classes are not annotated.
        check: number of a sample -> nothing; raises DatasetError where its annotations name no class, without looking
            at its picture.
        problems: found so far; annotations are read when they are asked for.
        notes: what the person should know, one sentence each.
    """

    format: str
    written: str
    path: Path
    batch_size: int
    count: int
    arrays: Callable[[int], Sample]
    where: Callable[[int], str]
    describe: Callable[[int], Description]
    identity: Callable[[int], str]
    find_file: Callable[[int], Path] | None = None
    label: Callable[[int], int] | None = None
    annotated: frozenset[Kind] = frozenset()
    classes: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = ()
    check: Callable[[int], None] = lambda index: None
    problems: dict[str, Problem] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def find_files(self, samples: Iterable[int]) -> None:
        """Look whether the files of some samples are there; no picture is decoded.

        Raises:
            DatasetError: one is not.
        """
        if self.find_file is not None:
            for index in samples:
                self.find_file(index)


def class_number(value: float, where: str) -> int:
    """A label as the index of a class.

    Raises:
        DatasetError: it is negative or no whole number.
    """
    if value != value or value < 0 or value != int(value):
        text = f"{value:g}"
        raise DatasetError(f"{where}: label {text} is no class. Labels are whole numbers from 0.")
    return int(value)


def content_of(*parts: str | bytes) -> str:
    """SHA-256 over parts, none of which can run over into the next, hex."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


RANDOM = ("mirror", "distort_param", "expand_param", "noise_param", "emit_constraint", "random_aspect_ratio_param")
"""Parts of `transform_param` that Caffe draws for every sample."""


def notes_on_chance(layer: Layer, param: Any) -> tuple[str, ...]:
    """What Caffe would draw at random for this layer, and is not done.

    Args:
        param: of the layer's type, such as data_param.
    """
    transform = layer.params.transform_param
    drawn = [name for name in RANDOM if _is_set(transform, name)]
    short = transform.random_resize_param
    if transform.HasField("random_resize_param") and (short.min_size != short.max_size or not short.min_size):
        drawn.append("random_resize_param")
    drawn += [name for name in ("shuffle", "rand_skip") if getattr(param, name, False)]
    if not drawn:
        return ()
    verb = "is" if len(drawn) == 1 else "are"
    return (
        f"Layer {layer.name}: {', '.join(drawn)} {verb} left out: every sample is taken once, in order, and whole or "
        "its centre.",
    )


def _is_set(message: Any, name: str) -> bool:
    value = getattr(message, name)
    return value if isinstance(value, bool) else bool(message.HasField(name))

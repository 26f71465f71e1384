"""What a format holds: pictures and their annotations, before any picture is decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.truth import NOTHING, Kind, Truth

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Problem:
    """Something in a dataset that was left out, by the rule that it breaks.

    Attributes:
        rule: what all problems of this kind have in common, such as "names a class that is not defined".
        where: file and place, such as "val.json: annotation 3917".
        what: the rest of the sentence, such as "names category 81, but the file defines 80".
    """

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}"


@dataclass(frozen=True)
class Listing:
    """The samples of a dataset in a fixed order, with what is annotated.

    Attributes:
        folder: what the person gave.
        format: as in `--format`.
        names: of every sample, unique: a path relative to `folder`, or a name such as "test_batch/17".
        picture: number of a sample -> the path of its file, or uint8 [H, W, 3] or [H, W], RGB, 0..255.
        truth: number of a sample -> its annotations; large ones (masks, pictures) are read when asked for.
        annotated: what is annotated, for most samples at least.
        classes: the names in the order of their index; empty where there are none.
        class_ids: the number of each class as the format writes it, such as COCO's 1..90; empty where it has none.
        labels: class index of every sample where `annotated` holds "label".
        problems: annotations and files that were left out.
        label_source: where the order of classes comes from, for a person: "the numbers of the folders".
    """

    folder: Path
    format: str
    names: Sequence[str]
    picture: Callable[[int], Path | Pixels]
    truth: Callable[[int], Truth] = lambda number: NOTHING
    annotated: frozenset[Kind] = frozenset()
    classes: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = ()
    labels: Sequence[int] | None = None
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    label_source: str = ""

    def __post_init__(self) -> None:
        if self.labels is not None and len(self.labels) != len(self.names):
            raise ValueError(f"{len(self.labels)} labels for {len(self.names)} samples")
        if self.class_ids and len(self.class_ids) != len(self.classes):
            raise ValueError(f"{len(self.class_ids)} numbers for {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class ReadOptions:
    """What a person may say about a dataset.

    Attributes:
        labels: a file with one class name a line, in the order of the model; it overrules the order of the format.
        split: part of a set that holds several, such as "val"; None: val, then test, then train, then all.
    """

    labels: Path | None = None
    split: str | None = None


def summarise(problems: Sequence[Problem]) -> str | None:
    """One sentence that counts what was left out, rule by rule with the first of each; None when nothing was."""
    if not problems:
        return None
    rules: dict[str, list[Problem]] = {}
    for problem in problems:
        rules.setdefault(problem.rule, []).append(problem)
    parts = [f"{len(found)} x {rule} (first: {found[0]})" for rule, found in rules.items()]
    return f"{len(problems)} faults in the dataset were left out: {'; '.join(parts)}."

"""Texts of a CSV or TSV file as samples."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.dataset import About, Description, Sample
from calibench.datasets.images import EXTENSIONS
from calibench.datasets.inputs import ImageInput, InputPlan, TensorInput, shape_text
from calibench.datasets.labelled_texts import LabelledTexts, read_texts
from calibench.datasets.tensors import TENSOR_EXTENSIONS
from calibench.datasets.tokens import FILE, Tokenizer, Tokens, find_tokenizer, open_tokenizer
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError
from calibench.settings import DataSettings

TABLES = (".csv", ".tsv")
SHOWN = 60  # characters of a text in the name of its sample
NAMES = {
    "ids": ("input_ids", "input_word_ids", "token_ids", "tokens", "ids"),
    "mask": ("attention_mask", "input_mask", "mask", "padding_mask"),
    "types": ("token_type_ids", "segment_ids", "input_type_ids", "token_types"),
    "positions": ("position_ids", "positions"),
}
"""What fills an input, and what models call it."""


@dataclass(frozen=True)
class Texts:
    """Texts as the inputs of a model; made by `open_texts`.

    A model of free length gets every text at its own length, as in deployment, so samples differ in shape and go one
    by one; a model of fixed length gets padded ones.

    `fillings`: what fills each input of the plan, in its order: a key of NAMES.
    """

    table: LabelledTexts
    plan: InputPlan
    tokenizer: Tokenizer
    fillings: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.table.path)

    @property
    def labels(self) -> Sequence[int] | None:
        return self.table.labels

    @property
    def about(self) -> About:
        annotated: frozenset[str] = frozenset() if self.table.labels is None else frozenset(("label",))
        return About("text", annotated, self.table.classes, (), self.table.problems)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.table.texts)

    def identity(self, index: int) -> str:
        """SHA-256 of the texts."""
        return hashlib.sha256("\0".join(self._texts(index)).encode()).hexdigest()

    def describe(self, index: int) -> Description:
        text = " / ".join(self._texts(index))
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        label = None if self.table.labels is None else self.table.labels[index]
        return Description(f"line {self.table.lines[index]}: {' '.join(shown.split())}", Truth(label=label))

    def __getitem__(self, index: int) -> Sample:
        tokens = self.tokenizer.encode(self._texts(index))
        return {
            each.name: _array(tokens, filling).astype(each.dtype)[np.newaxis]
            for each, filling in zip(self.plan.inputs, self.fillings, strict=True)
        }

    def _texts(self, index: int) -> tuple[str, ...]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name}, sample {index}")
        return self.table.texts[index]


def open_texts(path: Path, plan: InputPlan, data: DataSettings, near: Sequence[Path]) -> Texts:
    """Read a table of texts, or the one in a folder, and prepare it for a model.

    Args:
        plan: made with `images=False`.
        near: folders that may hold the tokenizer.json of the model; that beside the table goes first.

    Raises:
        DatasetError: the table cannot be read, the tokenizer is missing or broken, or an input cannot be filled.
    """
    table = table_in(path)
    if table is None:
        raise DatasetError(f"{path}: this holds no table of texts. Give a .csv or .tsv file.")
    fillings = tuple(_filling(each, plan) for each in plan.inputs)
    if "ids" not in fillings:
        raise DatasetError(
            f"The model takes {_inputs(plan)}, none of which takes the numbers of tokens. {_advice(plan)}"
        )
    texts = read_texts(table, data)
    found = find_tokenizer(data.tokenizer, (table.parent, *near))
    if found is None:
        raise DatasetError(
            f"{table}: texts need the tokenizer of the model, and no {FILE} lies beside the dataset or the model. "
            "Put it there, or name it with --tokenizer."
        )
    fixed = _fixed_length(plan)
    opened = Texts(texts, plan, open_tokenizer(found, fixed or data.max_tokens, fixed is not None), fillings)
    opened[0]
    return opened


def is_text_table(path: Path) -> bool:
    """Whether a path is a .csv or .tsv file, or a folder that holds exactly one, and no pictures or arrays."""
    return table_in(path) is not None


def table_in(path: Path) -> Path | None:
    """The table that a path is or holds."""
    if not path.is_dir():
        return path if path.suffix.lower() in TABLES else None
    try:
        inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError:
        return None
    tables = [each for each in inside if each.suffix.lower() in TABLES and each.is_file()]
    return tables[0] if len(tables) == 1 and not _holds_others(path) else None


def _holds_others(folder: Path) -> bool:
    others = (*EXTENSIONS, *TENSOR_EXTENSIONS)
    return any(name.lower().endswith(others) for _, _, names in os.walk(folder) for name in names)


def _filling(planned: ImageInput | TensorInput, plan: InputPlan) -> str:
    name = planned.name.lower().removeprefix("serving_default_").split(":")[0].split("/")[-1]
    found = next((filling for filling, names in NAMES.items() if name in names), None)
    if found is None and len(plan.inputs) == 1:
        found = "ids"
    is_row = planned.shape is None or (len(planned.shape) == 2 and planned.shape[0] in (1, -1))
    if found is None or isinstance(planned, ImageInput) or not is_row:
        raise DatasetError(
            f"Texts cannot fill input {planned.name} {shape_text(planned.shape)} of the model. {_advice(plan)}"
        )
    return found


def _advice(plan: InputPlan) -> str:
    known = ", ".join(names[0] for names in NAMES.values())
    return f"They fill {known}, each [1, tokens]; give .npz files with arrays for {_inputs(plan)}."


def _inputs(plan: InputPlan) -> str:
    return ", ".join(each.name for each in plan.inputs)


def _fixed_length(plan: InputPlan) -> int | None:
    """The number of tokens that the model takes, None where any number is right."""
    lengths = {each.shape[1] for each in plan.inputs if each.shape is not None} - {-1}
    if len(lengths) > 1:
        shapes = ", ".join(f"{each.name} {shape_text(each.shape)}" for each in plan.inputs)
        raise DatasetError(f"The model takes texts of several lengths at once ({shapes}). Export it with one length.")
    return next(iter(lengths), None)


def _array(tokens: Tokens, filling: str) -> NDArray[np.int64]:
    values = {"ids": tokens.ids, "mask": tokens.mask, "types": tokens.types}.get(filling)
    return np.arange(len(tokens.ids)) if values is None else np.array(values, dtype=np.int64)

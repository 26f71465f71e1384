"""Turn texts into numbers with the tokenizer of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench.errors import DatasetError

FILE = "tokenizer.json"
PAD_TOKENS = ("[PAD]", "<pad>", "<|padding|>", "<|endoftext|>")


@dataclass(frozen=True)
class Tokens:
    """One text, or a pair of them, as a model sees it; all of the same length.

    Attributes:
        ids: numbers of the tokens.
        mask: 1 for a token, 0 for padding.
        types: 0 for the first text, 1 for the second.
    """

    ids: Sequence[int]
    mask: Sequence[int]
    types: Sequence[int]


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer that cuts and pads as the model needs it, for several threads; made by `open_tokenizer`."""

    path: Path
    _own: Any

    def encode(self, texts: tuple[str, ...]) -> Tokens:
        """The tokens of one text or of a pair."""
        found = self._own.encode(*texts)
        return Tokens(found.ids, found.attention_mask, found.type_ids)


def open_tokenizer(path: Path, longest: int, fixed: bool) -> Tokenizer:
    """Read a tokenizer.json.

    Args:
        longest: tokens, special ones included; longer texts are cut, of a pair the longer text first.
        fixed: shorter texts are padded to `longest`.

    Raises:
        DatasetError: the file is no tokenizer, or the package that reads it is missing.
    """
    try:
        from tokenizers import Tokenizer as Own
    except ImportError:
        raise DatasetError(
            f"{path}: reading it needs the package tokenizers. Install it: pip install 'calibench[datasets]'."
        ) from None
    try:
        own = Own.from_file(str(path))
    except Exception as error:  # the package raises nothing more precise
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DatasetError(f"{path}: this is no tokenizer ({reason}). Give the {FILE} of the model.") from None
    padding = own.padding or {"pad_id": 0, "pad_token": "[PAD]"} | _pad_token(own)
    own.no_padding()
    own.enable_truncation(longest)
    if fixed:
        kept = {name: padding[name] for name in ("direction", "pad_id", "pad_type_id", "pad_token") if name in padding}
        own.enable_padding(length=longest, **kept)
    return Tokenizer(path, own)


def find_tokenizer(given: Path | None, folders: Sequence[Path]) -> Path | None:
    """The file that was given (or lies in the folder that was given), else the first in `folders`.

    Raises:
        DatasetError: what was given is not there.
    """
    if given is not None:
        path = given / FILE if given.is_dir() else given
        if not path.is_file():
            raise DatasetError(f"{path}: there is no such file. Give the {FILE} of the model.")
        return path
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def _pad_token(own: Any) -> dict[str, Any]:
    """Of a tokenizer that does not say what it pads with: the first usual token that it knows."""
    for token in PAD_TOKENS:
        number = own.token_to_id(token)
        if number is not None:
            return {"pad_id": number, "pad_token": token}
    return {}

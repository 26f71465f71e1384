"""Which weights file belongs to a prototxt, where none is named."""

from pathlib import Path

from calibench.errors import ModelError

SUFFIXES = (".caffemodel", ".caffemodel.h5")

QUANTIZED, FORCED, NEW = "_quantized", "_force_u8", "_new"
"""Endings of what the calibrator writes: prototxts NAME_quantized and NAME_quantized_force_u8, weights NAME_new (-fu)
and NAME_quantized (--repair)."""


def find_weights(prototxt: Path, wanted: Path | None = None) -> Path:
    """The weights file asked for; else the one of the prototxt's name; else the only one in its folder.

    NAME_quantized.prototxt takes the weights NAME_quantized, else NAME. NAME_quantized_force_u8.prototxt was written
    together with new weights, so that it takes only those, and others never take them.

    Raises:
        ModelError: there is none, or there are several.
    """
    if wanted is not None:
        if not wanted.is_file():
            raise ModelError(f"{wanted}: there is no such weights file.")
        return wanted
    there = {_stem(file): file for file in reversed(_weights_in(prototxt.parent))}
    is_forced = prototxt.stem.endswith(FORCED)
    fitting = {
        stem: file for stem, file in there.items() if stem.endswith(NEW) == is_forced and not stem.endswith(QUANTIZED)
    }
    for stem in _stems(prototxt.stem, is_forced):
        if stem in there:
            return there[stem]
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    raise _not_found(prototxt, sorted(file.name for file in there.values()), bool(fitting))


def _stems(name: str, is_forced: bool) -> list[str]:
    """Names of weights that fit a prototxt of that name, the best first."""
    plain = name.removesuffix(FORCED).removesuffix(QUANTIZED)
    return [name, f"{plain}{NEW}"] if is_forced else [name, plain]


def _weights_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES) and file.is_file())


def _stem(file: Path) -> str:
    """Name without the suffix, of which .caffemodel.h5 has two parts."""
    return next(file.name.removesuffix(suffix) for suffix in SUFFIXES if file.name.endswith(suffix))


def _not_found(prototxt: Path, there: list[str], several: bool) -> ModelError:
    if not there:
        return ModelError(f"{prototxt}: no weights file (.caffemodel) stands beside it. Name one with --weights.")
    why = "several weights files could belong to it" if several else "no weights file beside it goes with it"
    return ModelError(f"{prototxt}: {why}; there are {', '.join(there)}. Name one with --weights.")

"""From what a person asked for to the settings of a run: the same as a line of the command line gives."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from calibench.errors import SettingsError
from calibench.settings import Settings, make_settings
from calibench.store.trees import Trees
from calibench.things.asked import AskCalibration
from calibench.things.kept import NAME_LENGTH, KeptDataset, KeptModel
from calibench.workbench.accuracy_settings import SECTIONS
from calibench.workbench.kept_paths import weights_setting

PICKED = "picked"
"""In the ask of a project whose model was picked from a front: project and number of the trial, and the wish."""
NOT_HERE = ("weights", "cache_dir", "keep_cache", "device")
"""Settings that follow from the project, or are the operator's business."""


def run_settings(
    model: KeptModel,
    device: str,
    trees: Trees,
    instead: Mapping[str, Any] | None = None,
    advanced: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings of a baseline, a benchmark or an evaluation.

    Args:
        instead: accuracy settings in place of those of the model.
        advanced: laid over all.

    Raises:
        SettingsError: the accuracy settings of the model are not right any more, or a value cannot be given here.
    """
    _check_here(advanced or {})
    return make_settings(laid_over(_of_model(model, device, trees, instead), advanced or {}))


def calibration_settings(model: KeptModel, device: str, ask: AskCalibration, trees: Trees) -> Settings:
    """Settings of a calibration: those of the model, what was asked for over them, the advanced ones over all.

    Raises:
        SettingsError: a value is impossible, or cannot be given here.
    """
    _check_here(ask.advanced)
    asked: dict[str, Any] = {"method": ask.method, "preset": ask.preset, "subset": share(ask.subset_percent)}
    if ask.method == "accuracy-aware":
        asked["accuracy"] = {"max_drop": ask.max_drop}
    own = _of_model(model, device, trees, ask.accuracy_settings)
    return make_settings(laid_over(laid_over(own, asked), ask.advanced))


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two sets of plain values as one; sections are merged, in everything else `above` wins."""
    both = dict(below)
    for name, value in above.items():
        before = both.get(name)
        both[name] = laid_over(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def share(percent: float) -> str:
    """A subset in the words of Settings: 100 -> '100%', 12.5 -> '12.5%'."""
    return f"{percent:.6f}".rstrip("0").rstrip(".") + "%"


def images(ask: AskCalibration, project: KeptDataset, own: KeptDataset | None) -> int:
    """How many samples the subset means.

    Args:
        project: the dataset of the project; half of it calibrates where there is no other.
        own: the calibration dataset; None: that of the project.
    """
    total = own.samples if own is not None else math.ceil(project.samples / 2)
    return min(total, math.ceil(total * Fraction(str(ask.subset_percent)) / 100))


def int8_name(parent: KeptModel, settings: Settings, taken: set[str]) -> str:
    """A name for the INT8 model that no other one has: from its parent, method and preset."""
    method = f" accuracy-aware {settings.accuracy.max_drop:g}" if settings.method == "accuracy-aware" else ""
    return free_name(parent.name, f" INT8{method} {settings.preset}", taken)


def free_name(begin: str, end: str, taken: set[str]) -> str:
    """`begin` + `end`, with a number where that is taken; `begin` is cut where it grows too long."""
    number = 1
    while True:
        tail = end if number == 1 else f"{end} {number}"
        name = f"{begin[: NAME_LENGTH - len(tail)].rstrip()}{tail}".strip()
        if name not in taken:
            return name
        number += 1


def _check_here(advanced: Mapping[str, Any]) -> None:
    for name in NOT_HERE:
        if name in advanced:
            raise SettingsError(f"{name}: follows from the project and cannot be set here. Leave it out.")


def _of_model(model: KeptModel, device: str, trees: Trees, instead: Mapping[str, Any] | None = None) -> dict[str, Any]:
    given = model.accuracy_settings if instead is None else instead
    values: dict[str, Any] = {name: given[name] for name in SECTIONS if name in given}
    return {**values, **weights_setting(trees, model), "device": device}

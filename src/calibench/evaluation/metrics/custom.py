"""A metric that the person wrote: `package.module:function`."""

import importlib
import inspect
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation, mean_of

Wants = Literal["no", "third", "by name", "instead of label"]

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
FAILURES = (Exception, SystemExit)  # whatever a person's own function raises is theirs to know


def custom(name: str) -> Metric:
    """A metric from `package.module:function`; modules of the current folder are found, too.

    The function is called for every sample as `function(outputs, label)`: outputs a dict of arrays by output name with
    a batch axis of 1, label an int or None. A parameter named `truth`, or a third one that must be given, gets the
    `Truth` of the sample: boxes, masks, text, points, whatever is annotated.

    It returns a number; the score is the mean. By default that is a share in 0..1, more is better, shown in percent.
    Attributes of the function say otherwise: `function.unit = "dB"` (then the score is the mean in that unit) and
    `function.higher_is_better = False`.

    Raises:
        SettingsError: the module cannot be imported or has no such function.
    """
    function = _find(name)
    unit = str(getattr(function, "unit", PERCENT))
    wants = _wants(function)

    def value(seen: Observation) -> float:
        return _checked(name, _call(name, function, seen, wants), is_share=unit == PERCENT)

    return mean_of(name, unit, bool(getattr(function, "higher_is_better", True)), "nothing", value)


def _find(name: str) -> Callable[..., Any]:
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except FAILURES as error:
        reason = str(error) or type(error).__name__
        raise SettingsError(
            f"--metric {name}: {module_name or 'no module'} cannot be imported ({reason}). "
            "Write package.module:function, of the current folder or an installed package."
        ) from None
    finally:
        sys.path.remove(here)
    function = getattr(module, function_name, None)
    if not callable(function):
        known = ", ".join(key for key, each in vars(module).items() if callable(each) and not key.startswith("_"))
        raise SettingsError(
            f"--metric {name}: {module_name} has no function {function_name!r}. Known: {known or 'none'}."
        )
    return function  # type: ignore[no-any-return]


def _wants(function: Callable[..., Any]) -> Wants:
    """How the function takes the truth of a sample; "no" where Python cannot tell, as of functions written in C."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "no"
    parameters = signature.parameters.values()
    if "truth" in signature.parameters:
        is_third = sum(each.kind in POSITIONAL for each in parameters if each.name != "truth") > 1
        return "by name" if is_third else "instead of label"
    return "third" if sum(each.default is each.empty and each.kind in POSITIONAL for each in parameters) > 2 else "no"


def _call(name: str, function: Callable[..., Any], seen: Observation, wants: Wants) -> float:
    # copies, so that a function that changes what it gets changes nothing that is compared later
    outputs, label = {key: array.copy() for key, array in seen.outputs.items()}, seen.truth.label
    try:
        match wants:
            case "no":
                return float(function(outputs, label))
            case "third":
                return float(function(outputs, label, seen.truth))
            case "by name":
                return float(function(outputs, label, truth=seen.truth))
        return float(function(outputs, truth=seen.truth))
    except FAILURES as error:
        raise SettingsError(
            f"--metric {name} failed ({type(error).__name__}: {error}). "
            f"It gets outputs {', '.join(seen.outputs)} and label {label}, and returns one number."
        ) from None


def _checked(name: str, result: float, is_share: bool) -> float:
    if not math.isfinite(result):
        raise SettingsError(f"--metric {name} returned {result}. It must return a finite number for every sample.")
    if is_share and not 0.0 <= result <= 1.0:
        raise SettingsError(
            f"--metric {name} returned {result:g}, but without a unit a metric is a share in 0..1. "
            f"Say its unit, such as {name.partition(':')[2]}.unit = 'dB'."
        )
    return result

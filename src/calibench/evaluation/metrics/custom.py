"""A metric that the person wrote: `package.module:function`."""

import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation, mean_of

FAILURES = (Exception, SystemExit)  # whatever a person's own function raises is theirs to know


def custom(name: str) -> Metric:
    """A metric from `package.module:function`; modules of the current folder are found, too.

    The function is called for every sample as `function(outputs, label)`: outputs a dict of arrays by output name with
    a batch axis of 1, label an int or None. It returns a number; the score is the mean. By default that is a share in
    0..1, more is better, shown in percent. Attributes of the function say otherwise: `function.unit = "dB"` (then the
    score is the mean in that unit) and `function.higher_is_better = False`.

    Raises:
        SettingsError: the module cannot be imported or has no such function.
    """
    function = _find(name)
    unit = str(getattr(function, "unit", PERCENT))

    def value(seen: Observation) -> float:
        return _call(name, function, seen, is_share=unit == PERCENT)

    return Metric(name, unit, bool(getattr(function, "higher_is_better", True)), "nothing", value)


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


def _call(name: str, function: Callable[..., Any], seen: Observation, is_share: bool) -> float:
    try:
        result = float(function(dict(seen.outputs), seen.label))
    except FAILURES as error:
        raise SettingsError(
            f"--metric {name} failed ({type(error).__name__}: {error}). "
            f"It gets outputs {', '.join(seen.outputs)} and label {seen.label}, and returns one number."
        ) from None
    if not math.isfinite(result):
        raise SettingsError(f"--metric {name} returned {result}. It must return a finite number for every sample.")
    if is_share and not 0.0 <= result <= 1.0:
        raise SettingsError(
            f"--metric {name} returned {result:g}, but without a unit a metric is a share in 0..1. "
            f"Say its unit, such as {name.partition(':')[2]}.unit = 'dB'."
        )
    return result

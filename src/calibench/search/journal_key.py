"""What the entries of a journal depend on, and in words how two runs differ in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calibench import __version__
from calibench.machine import FLAGS, cpu_flags
from calibench.settings import Frozen, Settings

FREE = ("threads", "cache_dir", "keep_cache")
"""Settings that change how a run goes, never what an evaluation gives."""

FREE_OF_SEARCH = ("time_budget_s", "max_trials", "front")
"""The same in the section `accuracy`: they say when to stop looking."""

NAMES = {"model": "the model", "openvino": "OpenVINO", "calibench": "Calibench"}


def run_key(model_sha256: str, datasets: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """The key of a run: entries of another run may be used only where all of it is equal.

    Args:
        datasets: 'calibration dataset', 'validation dataset', ... -> digest of its samples, in order.
    """
    import openvino

    chosen = absolute(settings).model_dump(mode="json", exclude=set(FREE))
    chosen["accuracy"] = {name: value for name, value in chosen["accuracy"].items() if name not in FREE_OF_SEARCH}
    return {
        "model": model_sha256,
        "datasets": dict(datasets),
        "settings": chosen,
        "calibench": __version__,
        "openvino": str(openvino.__version__),
        "flags": [flag for flag in FLAGS if flag in cpu_flags()],
    }


def differences(old: Any, new: Any) -> str:
    """How the key of now differs from the one of then, as the end of a sentence; '' where it does not."""
    return " and ".join(_differences(old if isinstance(old, dict) else {}, new))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        then, now = old.get(name), new.get(name)
        if then == now:
            continue
        if name in ("datasets", "settings") and isinstance(then, dict) and isinstance(now, dict):
            yield from _within(name, then, now)
        elif name == "flags" and isinstance(then, list) and isinstance(now, list):
            yield from _flags(then, now)
        elif name == "model":
            yield "the model has changed since"
        else:
            yield f"{NAMES.get(name, name)} is {now} instead of {then}"


def _within(group: str, then: dict[str, Any], now: dict[str, Any], place: str = "") -> Iterator[str]:
    for name in sorted({*then, *now}):
        before, after = then.get(name), now.get(name)
        if before == after:
            continue
        if group == "datasets":
            yield f"the {name} has changed since"
        elif isinstance(before, dict) and isinstance(after, dict):
            yield from _within(group, before, after, f"{place}{name}.")
        else:
            yield f"{place}{name} is {_said(after)} instead of {_said(before)}"


def _flags(then: list[str], now: list[str]) -> Iterator[str]:
    lost, won = sorted(set(then) - set(now)), sorted(set(now) - set(then))
    if lost:
        yield f"this CPU lacks {', '.join(lost)}"
    if won:
        yield f"this CPU has {', '.join(won)} in addition"


def _said(value: Any) -> str:
    return "not set" if value is None else str(value)


def absolute(settings: Settings) -> Settings:
    """The same settings with every path made absolute, so that they mean the same in another folder."""
    found: Settings = _absolute(settings)
    if found.accuracy.holdout and not found.accuracy.holdout.rstrip().endswith("%"):
        accuracy = found.accuracy.model_copy(update={"holdout": str(Path(found.accuracy.holdout).absolute())})
        found = found.model_copy(update={"accuracy": accuracy})
    return found


def _absolute(value: Any) -> Any:
    if isinstance(value, Frozen):
        before = {name: getattr(value, name) for name in type(value).model_fields}
        changed = {name: new for name, old in before.items() if (new := _absolute(old)) is not old}
        return value.model_copy(update=changed) if changed else value  # what nobody set stays unset
    return value.absolute() if isinstance(value, Path) else value

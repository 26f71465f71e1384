"""How samples enter a model and how its answers are read: checked, completed, and kept from reading other files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from calibench.errors import SettingsError
from calibench.settings import InputSettings, Settings, make_settings
from calibench.things.asked import AskCalibration, AskEvaluation
from calibench.things.kept import KeptModel
from calibench.workbench.import_sources import ImportSources

Ask = TypeVar("Ask", AskCalibration, AskEvaluation)

SECTIONS = ("inputs", "task", "metric", "data")
"""What a model keeps of Settings."""
PATHS = (("task", "class_names"), ("task", "characters"), ("data", "labels"), ("data", "tokenizer"))
"""Settings that name a file."""


def checked(values: Mapping[str, Any], sources: ImportSources, before: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, as they are kept.

    Args:
        before: those that the model has; files that they name may be named again.

    Raises:
        SettingsError: names the field that is unknown, impossible, or would read a file or run code of the server.
    """
    for name in values:
        if name not in SECTIONS:
            raise SettingsError(f"{name}: is no accuracy setting. Known: {', '.join(SECTIONS)}.")
    settings = make_settings(dict(values))
    check_reach(settings, sources, make_settings(dict(before)))
    said = settings.model_dump(mode="json", include=set(SECTIONS), exclude_unset=True)
    return {name: value for name, value in said.items() if value not in ({}, None)}


def completed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every accuracy setting, those that were not set with their default; `inputs['']` where no input has its own."""
    settings = make_settings({name: value for name, value in values.items() if name in SECTIONS})
    inputs = settings.inputs or {"": InputSettings()}
    return settings.model_copy(update={"inputs": inputs}).model_dump(mode="json", include=set(SECTIONS))


def told_apart(values: Mapping[str, Any]) -> dict[str, Any]:
    """The accuracy settings among all settings of a run, without those that are as they are by default."""
    settings = make_settings({name: value for name, value in values.items() if name in SECTIONS})
    return settings.model_dump(mode="json", include=set(SECTIONS), exclude_defaults=True)


def checked_ask(ask: Ask, model: KeptModel, sources: ImportSources) -> Ask:
    """The same, where its settings read no file of the server and run no code.

    Raises:
        SettingsError: names the field.
    """
    check_reach(make_settings(ask.advanced), sources)
    if ask.accuracy_settings is None:
        return ask
    values = checked(ask.accuracy_settings, sources, model.accuracy_settings)
    return ask.model_copy(update={"accuracy_settings": values})


def check_reach(settings: Settings, sources: ImportSources, before: Settings = Settings()) -> None:  # noqa: B008
    """Refuse settings that would read files of the server which nobody allowed, or run code.

    Raises:
        SettingsError: names the field.
    """
    if ":" in settings.metric:
        raise SettingsError(
            f"metric: {settings.metric} would run code of the server's machine, which the Workbench does not. "
            "Use `calibench calibrate` for a metric of your own."
        )
    known = _paths(before)
    for name, path in _paths(settings).items():
        if path is not None and path != known[name]:
            _check_path(name, path, sources)


def _paths(settings: Settings) -> dict[str, Path | None]:
    """The files and folders that settings name, by the name of the setting."""
    found: dict[str, Path | None] = {
        f"{section}.{name}": getattr(getattr(settings, section), name) for section, name in PATHS
    }
    holdout = settings.accuracy.holdout
    is_share = holdout is None or holdout.endswith("%")
    return {
        **found,
        "accuracy.timings": settings.accuracy.timings,
        "accuracy.holdout": None if is_share else Path(str(holdout)),
    }


def _check_path(name: str, path: Path, sources: ImportSources) -> None:
    try:
        sources.allowed_path(path)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None

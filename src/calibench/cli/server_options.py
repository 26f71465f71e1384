"""The option `--server`, and what cannot be asked of a server.

This module is imported for `--help`: it must not import numpy, OpenVINO or httpx.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.settings import Settings

SERVER = "Server"
"""A panel of `--help`."""
VARIABLE = "CALIBENCH_SERVER"


def _option(help: str) -> Any:
    return typer.Option(
        "--server", help=help, metavar="URL", envvar=VARIABLE, show_envvar=False, rich_help_panel=SERVER
    )


Server = Annotated[str | None, _option(f"Let this server do it: its link, or {VARIABLE}.")]
CalibrationServer = Annotated[
    str | None,
    _option(
        f"Let this server do it: its link, or {VARIABLE}. What it lacks is sent, the baseline is run where it is "
        "missing, and the result comes to OUT. Input and task options are kept with the model where nobody set any; "
        "without them, what a person set there is used."
    ),
]
WhichServer = Annotated[
    str | None, typer.Option("--server", help=f"Its link, or {VARIABLE}.", metavar="URL", envvar=VARIABLE,
                             show_envvar=False)
]  # fmt: skip

LEAVE_OUT = f"Leave it out, or leave --server and {VARIABLE} out"
BY_PATH = "a server reads no file of this machine. Put what it says into the dataset or the model"
NOT_THERE = {
    "resume": f"a search of a server is taken up there, by its button Retry. {LEAVE_OUT}.",
    "dry_run": f"looks at files of this machine. {LEAVE_OUT}.",
    "cache_dir": f"is a folder of this machine; a server keeps its own. {LEAVE_OUT}.",
    "sheet": f"is drawn from files of this machine. {LEAVE_OUT}.",
    "shape": f"is of random data, and a server measures with a dataset. {LEAVE_OUT}.",
}
"""Parameters of commands that a server cannot follow, and why."""


def refuse_options(params: Mapping[str, Any], also: Mapping[str, str] | None = None) -> None:
    """Refuse options that mean this machine: nothing that was asked for is passed over in silence.

    Args:
        params: of the command, by the name of the parameter.
        also: further ones of this command, with the reason.

    Raises:
        SettingsError: names the option, why, and what to do.
    """
    for name, why in {**NOT_THERE, **(also or {})}.items():
        if params.get(name) not in (None, False, (), []):
            raise SettingsError(f"--{name.replace('_', '-')} with --server: {why}")


def refuse_settings(settings: "Settings") -> None:
    """Refuse settings that name files of this machine, or run code of it.

    Raises:
        SettingsError: names the option or the setting, why, and what to do.
    """
    for name, value, what_to_do in _of_this_machine(settings):
        raise SettingsError(f"{name} {value} with --server: {what_to_do}")


def _of_this_machine(settings: "Settings") -> Iterator[tuple[str, Any, str]]:
    accuracy, data, task = settings.accuracy, settings.data, settings.task
    if data.tokenizer is not None:
        yield (
            "--tokenizer",
            data.tokenizer,
            "put it beside the model or the table as tokenizer.json, and it is sent along.",
        )
    for name, path in (
        ("--labels", data.labels),
        ("task.class_names", task.class_names),
        ("--characters", task.characters),
    ):
        if path is not None:
            yield name, path, f"{BY_PATH}, or set it there, on the page of the model's accuracy settings."
    if accuracy.timings is not None:
        yield "--timings", accuracy.timings, "a server decides by the times that it measures. Leave it out."
    if accuracy.holdout is not None and not accuracy.holdout.endswith("%"):
        yield "--holdout", accuracy.holdout, "give a share of the validation dataset, such as 20%."
    if ":" in settings.metric:
        yield "--metric", settings.metric, f"runs code of this machine. {LEAVE_OUT}."
    if settings.cache_dir is not None or settings.keep_cache:
        yield "cache_dir", settings.cache_dir or "", f"a server keeps its own. {LEAVE_OUT}."

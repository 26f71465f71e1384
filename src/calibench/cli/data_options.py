"""Where the data of the Workbench lies, as an option of several commands."""

import os
from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(help="Data folder. [dim]Default: ~/.local/share/calibench[/dim]", metavar="DIR"),
]


def data_dir_or_default(given: Path | None) -> Path:
    """The folder that was given, else $XDG_DATA_HOME/calibench, else ~/.local/share/calibench."""
    if given is not None:
        return given
    shared = os.environ.get("XDG_DATA_HOME", "")
    return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".local/share") / "calibench"

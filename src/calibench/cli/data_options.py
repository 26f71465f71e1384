"""Where the data of the Workbench lies, as an option of several commands."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(help="Data folder. [dim]Default: ~/.local/share/calibench[/dim]", metavar="DIR"),
]


def data_dir_or_default(given: Path | None) -> Path:
    """The folder that was given, else the usual one."""
    from calibench.store.data_folder import usual_place

    return given or usual_place()

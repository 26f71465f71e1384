"""`calibench run`: the job of a folder, as the Workbench starts it on every target."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import FAILED, INTERRUPTED, WRONG_INPUT, answers


@answers
def run(
    folder: Annotated[Path, typer.Argument(help="Folder with bundle.json.", metavar="FOLDER")],
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Run the job of a folder: the Workbench starts this on every target."""
    from calibench.targets.run_bundle import run_bundle

    end = run_bundle(folder)
    if end.failure is not None:
        typer.echo(f"{end.failure.kind}: {end.failure.message}", err=True)
        raise typer.Exit(FAILED if end.failure.kind in ("JobError", "InternalError") else WRONG_INPUT)
    if end.state == "cancelled":
        raise typer.Exit(INTERRUPTED)

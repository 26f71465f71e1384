"""`calibench pick`: another point of the front of a search."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import TARGET_MISSED, answers, print_json, print_lines, quiet_stdout
from calibench.cli.options import OUTPUT


@answers
def pick(
    out: Annotated[Path, typer.Argument(help="Folder of an accuracy-aware run.", metavar="OUT")],
    max_drop: Annotated[
        float | None, typer.Option(help="Take the fastest model that loses no more.", metavar="DROP")
    ] = None,
    min_fps: Annotated[
        float | None, typer.Option(help="Take the most accurate one that is as fast.", metavar="FPS")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for a complete result.", metavar="DIR")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an existing DIR.", rich_help_panel=OUTPUT)
    ] = False,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Take another model of the front that a search found, without a new search."""
    from calibench.reports import picking

    with quiet_stdout(json_):
        found = picking.pick(out, max_drop, min_fps, target, force)
    if found.is_reached:
        print_lines(found, json_)
        return
    if json_:
        print_json(found.as_json())
    typer.echo(found.why_not, err=True)
    raise typer.Exit(TARGET_MISSED)

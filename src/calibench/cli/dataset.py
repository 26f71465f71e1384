"""`calibench dataset`: what is done to datasets before a calibration."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_lines

CHANGES = "Changes"

dataset = typer.Typer(help="Make datasets.", no_args_is_help=True, add_completion=False)


@dataset.callback()
def _start() -> None:
    """Make datasets."""


@dataset.command("augment", no_args_is_help=True)
@answers
def augment(
    source: Annotated[Path, typer.Argument(help="Folder with a few pictures.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the pictures.", metavar="DIR")],
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures in all. [dim]Default: all that the changes give[/dim]", metavar="N"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.", metavar="N")] = 0,
    flip_horizontal: Annotated[
        bool, typer.Option("--flip-horizontal/--no-flip-horizontal", help="Left to right.", rich_help_panel=CHANGES)
    ] = True,
    flip_vertical: Annotated[
        bool, typer.Option("--flip-vertical/--no-flip-vertical", help="Upside down.", rich_help_panel=CHANGES)
    ] = True,
    erase: Annotated[
        float, typer.Option(help="Percent of the area, 1..20; 0: none.", metavar="PERCENT", rich_help_panel=CHANGES)
    ] = 10.0,
    noise: Annotated[
        float, typer.Option(help="Percent of the pixels, 1..5; 0: none.", metavar="PERCENT", rich_help_panel=CHANGES)
    ] = 5.0,
    copies: Annotated[
        int, typer.Option(help="Of erasing and of noise, each, 1..20.", metavar="N", rich_help_panel=CHANGES)
    ] = 10,
    brightness: Annotated[
        bool,
        typer.Option(
            "--brightness/--no-brightness", help="Brightness and contrast 0.8, 1.0, 1.2.", rich_help_panel=CHANGES
        ),
    ] = True,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace a folder that augment wrote.")] = False,
    threads: options.Threads = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Make a not annotated dataset of many pictures out of a few.

    Every change is made to the original, which is kept too.
    """
    from calibench.cli.bars import shown
    from calibench.datasets.augment import Augmenting
    from calibench.datasets.augment_folder import augment_folder
    from calibench.machine import physical_cores

    wanted = Augmenting(count, seed, flip_horizontal, flip_vertical, erase, noise, copies, brightness)
    with shown() as progress:
        made = augment_folder(source, out, wanted, force=force, threads=threads or physical_cores(), progress=progress)
    print_lines(made, json_)

"""`calibench inspect`: what a model is and what would become of its layers, or what a dataset holds."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import Answer, answers, print_lines, quiet_stdout
from calibench.cli.options import INPUT, OUTPUT, overlaid
from calibench.cli.server_options import LEAVE_OUT, Server, refuse_options
from calibench.errors import SettingsError

ONLY_HERE = dict.fromkeys(
    ("size", "layout", "device", "threads"), f"a server shows models and datasets as it keeps them. {LEAVE_OUT}."
)
"""Options that a server cannot follow when it shows something, and why."""


@answers
def inspect(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="FP32 model, or dataset: a folder, .npz, .csv.", metavar="MODEL_OR_DIR")],
    config: options.Config = None,
    weights: options.Weights = None,
    size: options.Size = None,
    layout: options.Layout = None,
    format: options.Format = None,
    split: options.Split = None,
    labels: options.Labels = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Draw a contact sheet of a dataset, .png or .jpg.", metavar="FILE", rich_help_panel=OUTPUT),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Samples on the sheet.", metavar="N", rich_help_panel=INPUT)] = 40,
    device: options.Device = None,
    threads: options.Threads = None,
    server: Server = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Show what a model is and what would stay float, or what a dataset holds and what is wrong with it."""
    from calibench.models.read import is_model

    settings = overlaid(context.params)
    if server is not None:
        from calibench.cli.look_on_server import inspect_dataset_there, inspect_model_there

        refuse_options(context.params, ONLY_HERE)
        there = inspect_model_there if is_model(path) else inspect_dataset_there
        print_lines(there(path, settings, server), json_)
        return
    from calibench import pipeline
    from calibench.cli.bars import shown

    with quiet_stdout(json_):
        if is_model(path):
            if sheet is not None:
                raise SettingsError(f"--sheet: {path} is a model. Give a dataset to draw samples of.")
            answer: Answer = pipeline.inspect(path, settings)
        else:
            with shown() as progress:
                answer = pipeline.inspect_dataset(path, settings, sheet, count, progress)
    print_lines(answer, json_)

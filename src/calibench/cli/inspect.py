"""`calibench inspect`: what a model is, and what would become of its layers."""

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_lines, quiet_stdout
from calibench.cli.options import overlaid


@answers
def inspect(
    context: typer.Context,
    model: options.Model,
    config: options.Config = None,
    size: options.Size = None,
    layout: options.Layout = None,
    device: options.Device = None,
    threads: options.Threads = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Show inputs, layers and precision; what would be quantized, and why not the rest."""
    from calibench import pipeline

    settings = overlaid(context.params)
    with quiet_stdout(json_):
        inspection = pipeline.inspect(model, settings)
    print_lines(inspection, json_)

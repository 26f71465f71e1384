"""`calibench compare`: an INT8 model beside the FP32 model it was made from, on the same samples."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options, target_options
from calibench.cli.answer import answers, print_json, quiet_stdout
from calibench.cli.options import OUTPUT, RUN, overlaid
from calibench.errors import SettingsError


@answers
def compare(
    context: typer.Context,
    fp32: Annotated[Path, typer.Argument(help="FP32 model, of any known format.")],
    int8: Annotated[Path, typer.Argument(help="INT8 model made from it, by any tool.")],
    dataset: options.Data,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report, if wanted.", metavar="OUT")
    ] = None,
    config: options.Config = None,
    weights: options.Weights = None,
    size: options.Size = None,
    resize: options.Resize = None,
    pad: options.Pad = None,
    color: options.Color = None,
    mean: options.Mean = None,
    scale: options.Scale = None,
    layout: options.Layout = None,
    format: options.Format = None,
    split: options.Split = None,
    labels: options.Labels = None,
    tokenizer: options.Tokenizer = None,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    max_tokens: options.MaxTokens = None,
    task: options.Task = None,
    decoder: options.Decoder = None,
    label_offset: options.LabelOffset = None,
    characters: options.Characters = None,
    no_diagnose: options.NoDiagnose = False,
    inference_precision: options.Precision = None,
    device: options.Device = None,
    batch: options.Batch = None,
    metric: options.Metric = None,
    cache_dir: options.CacheDir = None,
    threads: options.Threads = None,
    no_benchmark: Annotated[
        bool,
        typer.Option("--no-benchmark", metavar="", help="Skip speed, layers and memory.", rich_help_panel=RUN),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an existing OUT.", rich_help_panel=OUTPUT)
    ] = False,
    target: target_options.OnTarget = None,
    data_dir: target_options.TargetData = None,
    server: Annotated[str | None, typer.Option("--server", hidden=True)] = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Set an INT8 model beside its FP32 model: accuracy, speed, size, memory, layers, samples."""
    if server is not None:
        raise SettingsError(
            "compare: sets two files of this machine side by side, and a server compares its projects: open its page "
            "Compare, or call Client.compare in Python. Leave --server out."
        )
    from rich.console import Console

    from calibench import comparison
    from calibench.cli.bars import shown
    from calibench.reports.compare_table import render_comparison
    from calibench.reports.report import as_json

    settings = overlaid(context.params)
    if target is not None:
        target_options.refuse_options(context.params)
        from calibench.cli.on_target import remote

        with quiet_stdout(json_), remote(target, data_dir) as there:
            report = there.compare(fp32, int8, dataset, settings, out, benchmark=not no_benchmark, force=force)
    else:
        with quiet_stdout(json_), shown() as progress:
            report = comparison.compare_models(
                fp32, int8, dataset, settings, out, benchmark=not no_benchmark, force=force, progress=progress
            ).report
    if json_:
        print_json(as_json(report))
        return
    Console().print(render_comparison(report))
    if out is not None:
        names = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
        typer.echo(f"Written to {out}: {', '.join(names)}")

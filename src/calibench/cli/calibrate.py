"""`calibench calibrate`: an FP32 model and a dataset become an INT8 model and a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_json, print_lines, quiet_stdout
from calibench.cli.options import INPUT, OUTPUT, QUANTIZERS, RUN, overlaid, write_settings
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.reports.report import Report


@answers
def calibrate(
    context: typer.Context,
    model: options.Model,
    dataset: options.Data,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the result.", metavar="OUT")] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Annotated samples that decide accuracy.", metavar="DIR")
    ] = None,
    config: options.Config = None,
    save_config: Annotated[
        Path | None, typer.Option(help="Write the settings of this run as YAML.", metavar="FILE")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="performance: symmetric; mixed: asymmetric activations where it helps.",
            metavar="NAME",
            rich_help_panel=QUANTIZERS,
        ),
    ] = None,
    subset: Annotated[
        str | None,
        typer.Option(help="Share (25%) or count (300) of the dataset.", metavar="N", rich_help_panel=QUANTIZERS),
    ] = None,
    subset_by: Annotated[
        str | None,
        typer.Option(help="How it is chosen: random, class or features.", metavar="HOW", rich_help_panel=QUANTIZERS),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the choice of the subset.", metavar="N", rich_help_panel=QUANTIZERS)
    ] = None,
    exact_subset: Annotated[
        bool | None,
        typer.Option(
            "--exact-subset", metavar="", help="Measure all of it, even when ranges settle.", rich_help_panel=QUANTIZERS
        ),
    ] = None,
    range_rule: Annotated[
        str | None,
        typer.Option(help="auto, typical, extremes, mse or percentile.", metavar="NAME", rich_help_panel=QUANTIZERS),
    ] = None,
    bias_correction: Annotated[
        str | None, typer.Option(help="auto, on or off.", metavar="WHEN", rich_help_panel=QUANTIZERS)
    ] = None,
    smoothing: Annotated[
        str | None, typer.Option(help="auto, on or off.", metavar="WHEN", rich_help_panel=QUANTIZERS)
    ] = None,
    per_channel_activations: Annotated[
        str | None,
        typer.Option(help="At depthwise convolutions: auto, on or off.", metavar="WHEN", rich_help_panel=QUANTIZERS),
    ] = None,
    overflow_guard: Annotated[
        str | None,
        typer.Option(help="Weights of 7 bits: auto, on or off.", metavar="WHEN", rich_help_panel=QUANTIZERS),
    ] = None,
    ignore_name: Annotated[
        list[str] | None,
        typer.Option(help="Layer to leave float; repeatable.", metavar="NAME", rich_help_panel=QUANTIZERS),
    ] = None,
    ignore_type: Annotated[
        list[str] | None,
        typer.Option(help="Type to leave float; repeatable.", metavar="TYPE", rich_help_panel=QUANTIZERS),
    ] = None,
    ignore_pattern: Annotated[
        list[str] | None,
        typer.Option(help="Regular expression of names; repeatable.", metavar="REGEX", rich_help_panel=QUANTIZERS),
    ] = None,
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
    embed_preprocessing: Annotated[
        bool | None,
        typer.Option("--embed-preprocessing", metavar="", help="Keep it in the INT8 model.", rich_help_panel=INPUT),
    ] = None,
    inference_precision: options.Precision = None,
    device: options.Device = None,
    batch: options.Batch = None,
    metric: options.Metric = None,
    cache_dir: options.CacheDir = None,
    threads: options.Threads = None,
    no_benchmark: Annotated[
        bool, typer.Option("--no-benchmark", metavar="", help="Skip speed.", rich_help_panel=RUN)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an existing OUT.", rich_help_panel=OUTPUT)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Say what would be done, and stop.", rich_help_panel=OUTPUT)
    ] = False,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Make an INT8 model out of an FP32 model and a folder of samples."""
    from calibench import pipeline
    from calibench.cli.bars import shown

    settings = overlaid(context.params)
    if save_config and save_config.exists() and save_config.suffix not in (".yaml", ".yml"):
        raise SettingsError(f"--save-config {save_config}: exists and is no YAML file. Give another name.")
    if save_config:
        write_settings(settings, save_config)
    if dry_run:
        with quiet_stdout(json_):
            plan = pipeline.plan(model, dataset, settings, validation)
        print_lines(plan, json_)
        return
    if out is None:
        raise SettingsError("calibrate: there is no place for the result. Give -o OUT, or look first with --dry-run.")
    with quiet_stdout(json_), shown() as progress:
        result = pipeline.calibrate(
            model,
            dataset,
            settings,
            out,
            validation=validation,
            benchmark=not no_benchmark,
            force=force,
            progress=progress,
        )
    print_result(result.report, result.folder, json_)


def print_result(report: "Report", folder: Path | None, json_: bool) -> None:
    """The report on stdout: as JSON, or as tables and where the files are."""
    from rich.console import Console

    from calibench.reports.report import as_json
    from calibench.reports.table import print_report

    if json_:
        print_json(as_json(report))
        return
    print_report(report, Console())
    if folder:
        typer.echo(f"Written to {folder}: model.xml, model.bin, report.html, report.json, deploy.py")

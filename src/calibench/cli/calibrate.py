"""`calibench calibrate`: an FP32 model and a dataset become an INT8 model and a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibench.cli import accuracy_options as accuracy
from calibench.cli import options, server_options, target_options
from calibench.cli.answer import TARGET_MISSED, answers, print_json, print_lines, quiet_stdout
from calibench.cli.options import INPUT, OUTPUT, QUANTIZERS, RUN, overlaid, write_settings
from calibench.cli.resume import asked_before, interrupted_sentence, refuse_others
from calibench.errors import Cancelled, SettingsError

if TYPE_CHECKING:
    from calibench.reports.report import Report
    from calibench.reports.run_file import Asked


@answers
def calibrate(
    context: typer.Context,
    model: options.MaybeModel = None,
    dataset: options.DataToCalibrate = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the result.", metavar="OUT")] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Annotated samples that decide accuracy.", metavar="DIR")
    ] = None,
    config: options.Config = None,
    save_config: Annotated[
        Path | None, typer.Option(help="Write the settings of this run as YAML.", metavar="FILE")
    ] = None,
    method: accuracy.Method = None,
    max_drop: accuracy.MaxDrop = None,
    drop_type: accuracy.DropType = None,
    limit: accuracy.Limit = None,
    max_class_drop: accuracy.MaxClassDrop = None,
    holdout: accuracy.Holdout = None,
    label_free: accuracy.LabelFree = False,
    time_budget: accuracy.TimeBudget = None,
    max_trials: accuracy.MaxTrials = None,
    no_repair: accuracy.NoRepair = False,
    front: accuracy.Front = None,
    timings: accuracy.TimingsFile = None,
    resume: accuracy.Resume = None,
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
        typer.Option(help="Smaller weights: auto, on or off.", metavar="WHEN", rich_help_panel=QUANTIZERS),
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
    workers: options.Workers = None,
    no_benchmark: Annotated[
        bool, typer.Option("--no-benchmark", metavar="", help="Skip speed.", rich_help_panel=RUN)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an existing OUT.", rich_help_panel=OUTPUT)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Say what would be done, and stop.", rich_help_panel=OUTPUT)
    ] = False,
    server: server_options.CalibrationServer = None,
    target: target_options.OnTarget = None,
    data_dir: target_options.TargetData = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Make an INT8 model out of an FP32 model and a folder of samples."""
    if server is not None:
        server_options.refuse_options(context.params)
    if target is not None:
        target_options.refuse_options(context.params)
    if resume is not None:
        from calibench.remote.carried_folder import is_begun

        if is_begun(resume):
            from calibench.cli.on_target import resume_there

            refuse_others(context)
            with quiet_stdout(json_):
                report = resume_there(resume, data_dir)
            _answer(report, resume, json_)
            return
        what = asked_before(context, resume)
        _calibrate(what, resume, json_, resume=True, workers=workers)
        return
    settings = overlaid(context.params)
    if model is None or dataset is None:
        missing = "model. Give MODEL" if model is None else "dataset. Give --dataset DIR"
        raise SettingsError(f"calibrate: there is no {missing}, or go on with a stopped run: --resume OUT.")
    if save_config and save_config.exists() and save_config.suffix not in (".yaml", ".yml"):
        raise SettingsError(f"--save-config {save_config}: exists and is no YAML file. Give another name.")
    if save_config:
        write_settings(settings, save_config)
    if dry_run:
        from calibench import pipeline

        with quiet_stdout(json_):
            plan = pipeline.plan(model, dataset, settings, validation)
        print_lines(plan, json_)
        return
    if out is None:
        raise SettingsError("calibrate: there is no place for the result. Give -o OUT, or look first with --dry-run.")
    from calibench.reports.run_file import Asked

    what = Asked(model=model, dataset=dataset, validation=validation, settings=settings, benchmark=not no_benchmark)
    if server is not None:
        from calibench.cli.on_server import calibrate_there

        _answer(calibrate_there(what, out, server, force, workers or 0), out, json_)
        return
    if target is not None:
        from calibench.cli.on_target import calibrate_there as calibrate_on_target

        with quiet_stdout(json_):
            report = calibrate_on_target(what, out, target, data_dir, force)
        _answer(report, out, json_)
        return
    _calibrate(what, out, json_, force=force, workers=workers)


def _calibrate(
    what: "Asked", out: Path, json_: bool, *, force: bool = False, resume: bool = False, workers: int | None = None
) -> None:
    """One call to the pipeline, and the answer."""
    from calibench import pipeline
    from calibench.cli.bars import limit_of, shown_with_trials

    assert what.dataset is not None
    try:
        with quiet_stdout(json_), shown_with_trials(limit_of(what.settings)) as (progress, on_trial):
            result = pipeline.calibrate(
                what.model,
                what.dataset,
                what.settings,
                out,
                validation=what.validation,
                benchmark=what.benchmark,
                force=force,
                resume=resume,
                progress=progress,
                on_trial=on_trial,
                workers=workers or 0,
            )
    except (KeyboardInterrupt, Cancelled):
        raise Cancelled(interrupted_sentence(out, resume)) from None
    _answer(result.report, result.folder, json_)


def _answer(report: "Report", folder: Path | None, json_: bool) -> None:
    """The result on stdout, and the exit code where the limit was not kept."""
    print_result(report, folder, json_)
    search = report.search
    if search is not None and not search.is_reached:
        typer.echo(f"The limit was not kept: {search.why_not}", err=True)
        raise typer.Exit(TARGET_MISSED)


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
        more = [name for name in ("timings.json", "front", "search") if report.search and (folder / name).exists()]
        names = ("model.xml", "model.bin", "report.html", "report.json", "deploy.py", *more)
        typer.echo(f"Written to {folder}: {', '.join(names)}")

"""`calibench caffe`, also installed as `calibrator`: the command line of Intel Caffe's accuracy calibrator."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.cli import options
from calibench.cli.answer import (
    TARGET_MISSED,
    answers,
    print_json,
    print_lines,
    quiet_stdout,
    show_bugs_in_one_line,
    stop_on_sigterm,
)
from calibench.cli.options import OUTPUT, QUANTIZERS, RUN, overlaid
from calibench.errors import Cancelled, SettingsError

if TYPE_CHECKING:
    from calibench.caffe_tool.job import CaffeJob

OLD = "Of the original"
"""Panel of the options that mean nothing any more."""
STATISTICS = {"DIRECT": "direct", "KL": "kl", "MAXP": "maxp", "MA": "ma"}
CHANNELS = {"single": False, "multiple": True}

MEANT = {
    "root": "-r: no build of Caffe is needed; it is not looked at.",
    "sampling_single": "-ss: no blob is kept, so that there is nothing to keep less of.",
    "performance_model": "-p: no dummy prototxt is needed: calibench benchmark runs the quantized one on random data.",
    "unsigned_range": "-u: signed outputs use 127 steps, as the runtime computes.",
    "concat_use_fp32": "-t: the layers in front of a Concat share one scale, so that it runs in 8 bits.",
    "unify_concat_scales": "-f: the layers in front of a Concat share one scale always.",
    "conv_algo": "-wi: the runtime chooses the algorithm of a convolution itself.",
    "unuse_force_fp32": "-uff: outputs that nobody reads in 8 bits leave as float always.",
    "unuse_cac": "-ucac: pooling is computed in the scale of its input always.",
}
"""What to say of an option of the original that changes nothing here."""


def _old(*names: str) -> Any:
    return typer.Option(*names, metavar="", help="Accepted; see the reference.", rich_help_panel=OLD)


@answers
def caffe(
    context: typer.Context,
    root: Annotated[str | None, typer.Option("-r", "--root", help="Accepted, not needed.", metavar="DIR")] = None,
    weights: Annotated[
        Path | None, typer.Option("-w", "--weights", help="FP32 caffemodel.", metavar="CAFFEMODEL")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("-m", "--model", help="Prototxt with data and accuracy layers.", metavar="PROTOTXT")
    ] = None,
    iterations: Annotated[
        str | None,
        typer.Option("-i", "--iterations", help="Test iterations: samples / batch size.", metavar="N"),
    ] = None,
    blob_name: Annotated[
        str | None, typer.Option("-n", "--blob_name", help="Blob whose value is the score.", metavar="BLOB")
    ] = None,
    accuracy_loss: Annotated[
        str, typer.Option("-l", "--accuracy_loss", help="Tolerated loss, 0.01 is one point.", metavar="SHARE")
    ] = "0.01",
    detection: Annotated[
        str, typer.Option("-d", "--detection", help="1: detection, 0: classification.", metavar="0|1")
    ] = "0",
    first_conv_force_u8: Annotated[
        bool,
        typer.Option("-fu", "--first_conv_force_u8", metavar="", help="Bytes into the first layer; new caffemodel."),
    ] = False,
    weights_channel: Annotated[
        str,
        typer.Option(
            "-c",
            "--weights_channel",
            help="multiple: a scale for each output channel; single: one a layer.",
            metavar="HOW",
            rich_help_panel=QUANTIZERS,
        ),
    ] = "multiple",
    calibration_algos: Annotated[
        str,
        typer.Option(
            "-a", "--calibration_algos", help="DIRECT, KL, MAXP or MA.", metavar="NAME", rich_help_panel=QUANTIZERS
        ),
    ] = "DIRECT",
    enable_1st_conv: Annotated[
        bool,
        typer.Option(
            "-1st",
            "--enable_1st_conv",
            metavar="",
            help="Quantize the first convolution.",
            rich_help_panel=QUANTIZERS,
        ),
    ] = False,
    enable_fc: Annotated[
        bool,
        typer.Option("-fc", "--enable_fc", metavar="", help="Quantize InnerProduct.", rich_help_panel=QUANTIZERS),
    ] = False,
    sampling_iterations: Annotated[
        str,
        typer.Option(
            "-s",
            "--sampling_iterations",
            help="Iterations of calibration samples.",
            metavar="N",
            rich_help_panel=QUANTIZERS,
        ),
    ] = "10",
    quantize_model: Annotated[
        bool,
        typer.Option(
            "-q", "--quantize_model", metavar="", help="Only quantize, measure nothing.", rich_help_panel=QUANTIZERS
        ),
    ] = False,
    clx: Annotated[
        bool,
        typer.Option("-clx", "--clx", metavar="", help="It will run on a CPU with VNNI.", rich_help_panel=QUANTIZERS),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", metavar="", help="Mend biases first; new caffemodel.", rich_help_panel=QUANTIZERS),
    ] = False,
    ignore_name: Annotated[
        list[str] | None,
        typer.Option(help="Layer to leave float; repeatable.", metavar="NAME", rich_help_panel=QUANTIZERS),
    ] = None,
    sampling_single: Annotated[bool, _old("-ss", "--sampling_single")] = False,
    performance_model: Annotated[bool, _old("-p", "--performance_model")] = False,
    unsigned_range: Annotated[bool, _old("-u", "--unsigned_range")] = False,
    concat_use_fp32: Annotated[bool, _old("-t", "--concat_use_fp32")] = False,
    unify_concat_scales: Annotated[bool, _old("-f", "--unify_concat_scales")] = False,
    conv_algo: Annotated[bool, _old("-wi", "--conv_algo")] = False,
    unuse_force_fp32: Annotated[bool, _old("-uff", "--unuse_force_fp32")] = False,
    unuse_cac: Annotated[bool, _old("-ucac", "--unuse_cac")] = False,
    dataset: Annotated[
        Path | None,
        typer.Option(help="For a prototxt without data layer.", metavar="DIR", rich_help_panel=options.DATA),
    ] = None,
    resize: options.Resize = None,
    color: options.Color = None,
    mean: options.Mean = None,
    scale: options.Scale = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the report and the IR.", metavar="OUT", rich_help_panel=OUTPUT),
    ] = None,
    inference_precision: options.Precision = None,
    threads: options.Threads = None,
    no_benchmark: Annotated[
        bool, typer.Option("--no-benchmark", metavar="", help="Skip speed.", rich_help_panel=RUN)
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", metavar="", help="Go on with a stopped run.", rich_help_panel=RUN)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace what is there.", rich_help_panel=OUTPUT)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Say what would be done, and stop.", rich_help_panel=OUTPUT)
    ] = False,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Calibrate a Caffe network: a prototxt with INT8 scales, within the tolerated loss."""
    from calibench.caffe_tool import calibrator

    job = _job(context.params)
    for name, note in MEANT.items():
        if context.params[name]:
            typer.echo(f"Note: {note}", err=True)
    if dry_run:
        with quiet_stdout(json_):
            plan = calibrator.plan_caffe(job, force=force)
        print_lines(plan, json_)
        return
    _calibrate(job, context.params)


def _calibrate(job: "CaffeJob", params: dict[str, Any]) -> None:
    """One call, the answer, and the exit code where the tolerance was not kept."""
    from calibench.caffe_tool import calibrator
    from calibench.cli.bars import shown_with_trials
    from calibench.cli.calibrate import print_result
    from calibench.reports.searched import is_kept

    json_ = params["json_"]
    try:
        with quiet_stdout(json_), shown_with_trials(f"{100 * job.accuracy_loss:g}") as (progress, on_trial):
            result = calibrator.calibrate_caffe(
                job,
                force=params["force"],
                resume=params["resume"],
                benchmark=not params["no_benchmark"],
                progress=progress,
                on_trial=on_trial,
            )
    except (KeyboardInterrupt, Cancelled):
        raise Cancelled(_interrupted(job)) from None
    if json_:
        print_json(result.as_json())
    else:
        print_result(result.report, result.folder, json_)
        for line in (*(f"Note: {note}" for note in result.notes), *result.written.lines):
            typer.echo(line)
    search = result.report.search
    if search is not None and not is_kept(search):
        typer.echo(f"The tolerance was not kept: {search.why_not}", err=True)
        raise typer.Exit(TARGET_MISSED)


def _job(params: dict[str, Any]) -> "CaffeJob":
    """What the options ask for, each checked.

    Raises:
        SettingsError: one is missing or makes no sense.
    """
    from calibench.caffe_tool.job import CaffeJob
    from calibench.settings import CaffeSettings

    for name, option, what in (
        ("model", "-m/--model", "the prototxt of the network"),
        ("weights", "-w/--weights", "the FP32 caffemodel"),
        ("iterations", "-i/--iterations", "how many test iterations decide the accuracy, samples / batch size"),
    ):
        is_needed = name != "iterations" or not (params["quantize_model"] or params["dataset"])
        if params[name] is None and is_needed:
            raise SettingsError(f"{option} is missing: {what}.")
    own = ("ignore_name", "resize", "color", "mean", "scale", "inference_precision", "threads")
    settings = overlaid({name: params[name] for name in own})
    caffe = CaffeSettings(
        statistic=_choice("-a", params["calibration_algos"].upper(), STATISTICS),
        first_convolution=params["enable_1st_conv"],
        inner_product=params["enable_fc"],
    )
    channels = _choice("-c", params["weights_channel"], CHANNELS)
    threads = settings.threads or _omp_threads()
    return CaffeJob(
        model=params["model"],
        weights=params["weights"],
        iterations=_count("-i", params["iterations"] or "1"),
        blob=params["blob_name"],
        accuracy_loss=_share("-l", params["accuracy_loss"]),
        is_detection=_choice("-d", params["detection"], {"0": False, "1": True}),
        force_u8=params["first_conv_force_u8"],
        sampling=_count("-s", params["sampling_iterations"]),
        quantize_only=params["quantize_model"],
        has_vnni=params["clx"],
        dataset=params["dataset"],
        out=params["out"],
        repair=params["repair"],
        settings=settings.model_copy(update={"caffe": caffe, "per_channel_weights": channels, "threads": threads}),
    )


def _choice(option: str, value: str, known: dict[str, Any]) -> Any:
    if value not in known:
        raise SettingsError(f"{option} {value}: is not known. Known: {', '.join(known)}.")
    return known[value]


def _count(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise SettingsError(f"{option} {text}: expected a whole number of iterations, from 1 to 999999999.")
    return int(text)


def _share(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise SettingsError(
            f"{option} {text}: expected a share of 0 or more and less than 1, such as 0.01 for one percentage point."
        )
    return value


def _omp_threads() -> int | None:
    """Inference threads of OMP_NUM_THREADS, whose first number counts (4,2 is for nested regions).

    Raises:
        SettingsError: it is no number of threads.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").strip()
    if not text:
        return None
    first = re.match(r"\s*(\d+)\s*(,|$)", text, re.ASCII)
    if first is None or int(first[1]) < 1:
        raise SettingsError(f"OMP_NUM_THREADS={text}: is no number of threads. Set another, or unset it.")
    return int(first[1])


def _interrupted(job: "CaffeJob") -> str:
    """What to say of a run that was stopped; '' where it left nothing."""
    from calibench.caffe_tool.written_files import names_of
    from calibench.cli.resume import interrupted_sentence

    sentence = interrupted_sentence(names_of(job).folder)
    return re.sub(r"--resume .*", "the same command, with --resume and without --force.", sentence)


def main() -> None:
    """Run `calibrator`: the command alone, as it was called before."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.command("calibrator", no_args_is_help=True)(caffe)
    show_bugs_in_one_line(debug="--debug" in sys.argv)
    stop_on_sigterm()
    typer.main.get_command(app)()

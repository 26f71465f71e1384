"""`calibench caffe`, also installed as `calibrator`: the command line of Intel Caffe's accuracy calibrator."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.cli import options, target_options
from calibench.cli.answer import (
    TARGET_MISSED,
    answers,
    print_json,
    print_lines,
    quiet_stdout,
    show_bugs_in_one_line,
    stop_on_sigterm,
)
from calibench.cli.caffe_asked import caffe_job
from calibench.cli.options import OUTPUT, QUANTIZERS, RUN
from calibench.errors import Cancelled

if TYPE_CHECKING:
    from calibench.caffe_tool.calibrator import CaffeResult
    from calibench.caffe_tool.job import CaffeJob

OLD = "Of the original"
"""Panel of the options that mean nothing any more."""
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
    target: target_options.OnTarget = None,
    data_dir: target_options.TargetData = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Calibrate a Caffe network: a prototxt with INT8 scales, within the tolerated loss."""
    job = caffe_job(context.params)
    for name, note in MEANT.items():
        if context.params[name]:
            typer.echo(f"Note: {note}", err=True)
    if dry_run:
        _say_plan(job, context.params)
    elif target is not None or (resume and _is_on_its_way(job)):
        _answer(_calibrated_there(job, context.params), json_)
    else:
        _answer(_calibrated(job, context.params), json_)


def _say_plan(job: "CaffeJob", params: dict[str, Any]) -> None:
    """What would be done, on a target too: it is found out here, where the files are."""
    from calibench.caffe_tool import calibrator

    if params["target"] is not None:
        from calibench.remote.remote_target import RemoteTarget

        RemoteTarget(params["target"], data_dir=params["data_dir"])  # refuses a name that is not known
    with quiet_stdout(params["json_"]):
        plan = calibrator.plan_caffe(job, force=params["force"])
    print_lines(plan, params["json_"])


def _calibrated(job: "CaffeJob", params: dict[str, Any]) -> "CaffeResult":
    """One call, on this machine."""
    from calibench.caffe_tool import calibrator
    from calibench.cli.bars import shown_with_trials

    try:
        with quiet_stdout(params["json_"]), shown_with_trials(_limit(job)) as (progress, on_trial):
            return calibrator.calibrate_caffe(
                job,
                force=params["force"],
                resume=params["resume"],
                benchmark=not params["no_benchmark"],
                progress=progress,
                on_trial=on_trial,
            )
    except (KeyboardInterrupt, Cancelled):
        raise Cancelled(_interrupted(job)) from None


def _is_on_its_way(job: "CaffeJob") -> bool:
    """Whether a target calibrates this network already."""
    from calibench.remote.remote_caffe import is_caffe_begun

    return is_caffe_begun(job)


def _calibrated_there(job: "CaffeJob", params: dict[str, Any]) -> "CaffeResult":
    """One call, on a target: a new job, or one that was begun there."""
    from calibench.cli.on_target import heard, remote
    from calibench.remote.remote_caffe import resume_caffe_remote
    from calibench.remote.remote_target import RemoteTarget

    name, data_dir = params["target"], params["data_dir"]
    with quiet_stdout(params["json_"]):
        if params["resume"]:
            target = RemoteTarget(name, data_dir=data_dir).target if name else None
            with heard(_limit(job)) as hear:
                return resume_caffe_remote(job, target, data_dir=data_dir, hear=hear)
        with remote(name, data_dir, limit=_limit(job)) as there:
            return there.calibrate_caffe(job, benchmark=not params["no_benchmark"], force=params["force"])


def _limit(job: "CaffeJob") -> str:
    """What may be lost, in points, for the lines of trials."""
    return f"{100 * job.accuracy_loss:g}"


def _answer(result: "CaffeResult", json_: bool) -> None:
    """The answer, and the exit code where the tolerance was not kept."""
    from calibench.cli.calibrate import print_result
    from calibench.reports.searched import is_kept

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

"""`calibench benchmark`: how fast models run, side by side, and where the time goes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from calibench.cli import options, target_options
from calibench.cli.answer import answers, print_json, quiet_stdout
from calibench.cli.options import INPUT, RUN, overlaid, shapes, whole_numbers
from calibench.cli.server_options import Server, refuse_options
from calibench.errors import SettingsError


@answers
def benchmark(
    context: typer.Context,
    models: Annotated[list[Path], typer.Argument(help="Models with the same inputs, FP32 or INT8.")],
    baseline: Annotated[
        Path | None,
        typer.Option(help="FP32 model that an INT8 one runs beside, in turns.", metavar="FP32"),
    ] = None,
    dataset: options.MaybeData = None,
    config: options.Config = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="Of random data: 1,3,224,224 or NAME=1,128; repeatable.", metavar="SHAPE", rich_help_panel=INPUT
        ),
    ] = None,
    weights: options.Weights = None,
    size: options.Size = None,
    resize: options.Resize = None,
    color: options.Color = None,
    mean: options.Mean = None,
    scale: options.Scale = None,
    layout: options.Layout = None,
    seconds: Annotated[
        float | None, typer.Option(help="Of one measurement. [dim]Default: 1[/dim]", metavar="S", rich_help_panel=RUN)
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="Of all measurements. [dim]Default: 5[/dim]", metavar="N", rich_help_panel=RUN)
    ] = None,
    batches: Annotated[str | None, typer.Option(help="Such as 1,8.", metavar="LIST", rich_help_panel=RUN)] = None,
    streams: Annotated[
        str | None,
        typer.Option(help="Such as 1,2; default: the runtime's choice.", metavar="LIST", rich_help_panel=RUN),
    ] = None,
    inference_precision: options.Precision = None,
    device: options.Device = None,
    threads: options.Threads = None,
    server: Server = None,
    target: target_options.OnTargets = None,
    data_dir: target_options.TargetData = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Measure throughput, latency and layers of models in turns: each round runs all of them."""
    from rich.console import Console

    from calibench.cli.bars import shown
    from calibench.inference.benchmark import make_benchmark_settings

    settings = overlaid(context.params)
    values: dict[str, Any] = {
        "seconds": seconds,
        "rounds": rounds,
        "batches": whole_numbers("--batches", batches) if batches else None,
        "streams": whole_numbers("--streams", streams) if streams else None,
        "shapes": shapes(shape) if shape else None,
    }
    bench = make_benchmark_settings({name: value for name, value in values.items() if value is not None})
    targets = target or []
    if len(targets) > 1 or ((targets or server) and (baseline or (targets and server))):
        from calibench.cli import machines_compared as machines

        (refuse_options if server is not None else target_options.refuse_options)(context.params)
        what = machines.compared(models, baseline, dataset, settings, bench)
        with quiet_stdout(json_):
            if server is not None:
                if data_dir is not None:
                    raise SettingsError("--data-dir with --server: a server has its own. Leave one of them out.")
                rows = machines.compare_on_server(what, targets, server)
            else:
                rows = machines.compare_on_targets(what, targets, data_dir)
        machines.answer(what, rows, json_)
        return
    if server is not None or targets:
        from calibench.cli.look_on_server import benchmark_there, speed_table
        from calibench.cli.on_target import benchmark_there as benchmark_on_target

        if targets:
            target_options.refuse_options(context.params)
            with quiet_stdout(json_):
                found = benchmark_on_target(models, dataset, settings, bench, (targets[0], data_dir))
        else:
            assert server is not None
            refuse_options(context.params)
            found = benchmark_there(models, dataset, settings, bench, server)
        if json_:
            print_json(found)
        else:
            Console().print(speed_table(found))
        return
    if baseline is not None:
        models = [baseline, *models]
    from calibench.inference.side_by_side import benchmark as measure_files
    from calibench.reports.speed_table import render_speeds

    with quiet_stdout(json_), shown() as progress:
        result = measure_files(models, dataset, settings, bench, progress)
    if json_:
        print_json(result.as_json())
    else:
        Console().print(render_speeds(result))

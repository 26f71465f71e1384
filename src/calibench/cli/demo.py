"""`calibench demo`: a real model and real pictures out of public packages, calibrated from end to end."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import answers, quiet_stdout
from calibench.cli.calibrate import print_result


@answers
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is put.", metavar="DIR")] = Path("demo"),
    scenes: Annotated[int, typer.Option(min=1, help="Pictures in each of the two datasets.", metavar="N")] = 300,
    threads: options.Threads = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Fetch EfficientNet-Lite0, make scenes, calibrate, and compare INT8 with FP32."""
    from calibench import pipeline
    from calibench.cli.bars import shown
    from calibench.demo.files import SAMPLE_SETTINGS, prepare
    from calibench.settings import make_settings

    settings = make_settings({**SAMPLE_SETTINGS, "threads": threads})
    with quiet_stdout(json_):
        files = prepare(folder, scenes, lambda line: typer.echo(line, err=True))
        with shown() as progress:
            result = pipeline.calibrate(
                files.model,
                files.calibration,
                settings,
                folder / "int8",
                validation=files.validation,
                force=True,
                progress=progress,
            )
    print_result(result.report, result.folder, json_)

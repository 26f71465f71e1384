"""The program `calibench`: its commands and the way in."""

import sys
from typing import Annotated

import typer

from calibench import __version__
from calibench.cli.answer import WRONG_INPUT, show_bugs_in_one_line, stop_on_sigterm
from calibench.cli.benchmark import benchmark
from calibench.cli.caffe import caffe
from calibench.cli.calibrate import calibrate
from calibench.cli.compare import compare
from calibench.cli.data import data
from calibench.cli.dataset import dataset
from calibench.cli.demo import demo
from calibench.cli.doctor import doctor
from calibench.cli.evaluate import evaluate
from calibench.cli.inspect import inspect
from calibench.cli.pick import pick
from calibench.cli.report import report
from calibench.cli.run import run
from calibench.cli.serve import serve
from calibench.cli.server_lists import jobs, projects
from calibench.cli.target import target

COMMANDS = (
    *(calibrate, pick, caffe, evaluate, compare, benchmark, inspect, report, demo, doctor, run, serve),
    *(projects, jobs),
)

app = typer.Typer(
    help="FP32 models to INT8 for OpenVINO, with a known accuracy drop and the reasons.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in COMMANDS:
    app.command(
        command.__name__, no_args_is_help=command.__name__ not in ("demo", "doctor", "serve", "projects", "jobs")
    )(command)
app.add_typer(dataset, name="dataset")
app.add_typer(data, name="data")
app.add_typer(target, name="target")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"calibench {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, metavar="", help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """FP32 models to INT8 for OpenVINO, with a known accuracy drop and the reasons."""


def main() -> None:
    """Run the program; exit codes: 0 done, 1 the run failed, 2 wrong input, 3 target missed, 130 interrupted."""
    show_bugs_in_one_line(debug="--debug" in sys.argv)
    stop_on_sigterm()
    if "" in sys.argv[1:]:  # as a path it would be the current folder, with all that lies below
        typer.echo("SettingsError: An argument is empty. Is a variable of the shell not set?", err=True)
        sys.exit(WRONG_INPUT)
    typer.main.get_command(app)()  # not app(), which puts its own excepthook over ours

"""`calibench jobs` and `calibench projects`: what runs on a server, and what came of it."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_json
from calibench.cli.server_options import VARIABLE, WhichServer
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.client.client import Client
    from calibench.things.kept import Headline, Job, Project

SHOWN = 20
"""Jobs that are listed without --all."""
NUMBERS = ("FP32", "INT8", "drop", "speed-up")
WIDE = 1000
"""Characters of a line where nobody looks: each thing keeps its line for the program that reads it."""


@answers
def jobs(
    server: WhichServer = None,
    cancel: Annotated[int | None, typer.Option(min=1, help="Stop this job.", metavar="ID")] = None,
    retry: Annotated[int | None, typer.Option(min=1, help="Do the same again.", metavar="ID")] = None,
    log: Annotated[int | None, typer.Option(min=1, help="Show what this job printed.", metavar="ID")] = None,
    all_: Annotated[
        bool, typer.Option("--all", metavar="", help=f"Not only the {SHOWN} newest, and what runs and waits.")
    ] = False,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """List the jobs of a server, or act on one of them."""
    if sum(each is not None for each in (cancel, retry, log)) > 1:
        raise SettingsError("jobs: give one of --cancel, --retry and --log.")
    with _client(server) as client:
        if log is not None:
            text = client.jobs.log(log, 100_000)
            if json_:
                print_json({"id": log, "log": text})
            else:
                typer.echo(text, nl=not text.endswith("\n"))
            return
        if cancel is not None:
            found = [client.jobs.cancel(cancel)]
        elif retry is not None:
            found = [client.jobs.retry(retry)]
        else:
            found = list(client.jobs.all())
            going = [job for job in found[SHOWN:] if job.state in ("queued", "running", "cancelling")]
            found = found if all_ else [*found[:SHOWN], *going]
    print_things(found, [_job_row(job) for job in found], ("job", "state", "", "what"), json_)


@answers
def projects(
    server: WhichServer = None,
    search: Annotated[str, typer.Option(help="Part of the name.", metavar="TEXT")] = "",
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """List the projects of a server with their accuracy and speed."""
    with _client(server) as client:
        found = list(client.projects.all(search))
    heads = ("project", "state", "FP32", "INT8", "drop", "speed-up", "name")
    print_things(found, [_project_row(project) for project in found], heads, json_)


def _client(url: str | None) -> "Client":
    from calibench.client.client import Client

    if url is None:
        raise SettingsError(f"There is no server to ask. Give --server URL, or set {VARIABLE}.")
    return Client(url)


def _job_row(job: "Job") -> tuple[str, ...]:
    if job.state == "running":
        far = f"{100 * job.progress:.0f} %{f' {job.stage}' if job.stage else ''}"
    else:
        far = job.failure.message if job.failure else ""
    return str(job.id), job.state, far, job.title


def _project_row(project: "Project") -> tuple[str, ...]:
    head: Headline = project.headline
    drop = "" if head.drop_points is None else f"{head.drop_points:.2f}"
    speedup = "" if head.speedup is None else f"{head.speedup:.2f}x"
    scores = ("" if score is None else f"{score:.2f} {head.unit}" for score in (head.baseline, head.int8))
    return str(project.id), project.state, *scores, drop, speedup, project.name


def print_things(things: list[Any], rows: list[tuple[str, ...]], heads: tuple[str, ...], as_json: bool) -> None:
    """Things as a table for a person, or as JSON for a program."""
    if as_json:
        print_json([thing.model_dump(mode="json") for thing in things])
        return
    if not rows:
        typer.echo("There are none.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, justify="right" if head in NUMBERS else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)

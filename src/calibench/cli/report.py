"""`calibench report`: the page and the tables, drawn anew from report.json."""

from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_json, quiet_stdout
from calibench.errors import SettingsError

Out = Annotated[Path, typer.Argument(help="Folder of a result, or its report.json.")]
Html = Annotated[
    Path | None, typer.Option(help="Where to write the page. [dim]Default: beside report.json[/dim]", metavar="FILE")
]
Csv = Annotated[Path | None, typer.Option(help="Write the scores of the classes, too.", metavar="FILE")]


def _check_place(option: str, path: Path | None, *suffixes: str) -> None:
    """Raise SettingsError rather than write over a file of another kind, such as report.json itself."""
    if path is not None and path.is_file() and path.suffix.lower() not in suffixes:
        raise SettingsError(f"{option} {path}: exists and is no {suffixes[0]} file. Give another name.")


@answers
def report(
    out: Out,
    html: Html = None,
    csv: Csv = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Draw report.html anew from report.json."""
    from calibench.reports.html import write_html
    from calibench.reports.per_class import write_classes_csv
    from calibench.reports.report import read_report

    source = out / "report.json" if out.is_dir() else out
    written = {"html": html or source.with_name("report.html")}
    _check_place("--html", html, ".html", ".htm")
    _check_place("--csv", csv, ".csv")
    with quiet_stdout(json_):
        found = read_report(source)
        write_html(found, written["html"])
        if csv:
            written["csv"] = csv
            write_classes_csv(found, csv)
    if json_:
        print_json({name: str(path) for name, path in written.items()})
        return
    for path in written.values():
        typer.echo(f"Wrote {path}.")

"""`calibench serve`: the Workbench in the browser."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_json
from calibench.cli.data_options import DataDir, data_dir_or_default
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.server import Serving

SECURITY = "Security"


@answers
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.", metavar="NAME")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.", metavar="N")] = 8642,
    data_dir: DataDir = None,
    database: Annotated[str | None, typer.Option(help="PostgreSQL in place of the SQLite file.", metavar="URL")] = None,
    open_: Annotated[bool, typer.Option("--open", metavar="", help="Open the pages in the browser.")] = False,
    allow_folder: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder from which models and datasets may be imported; repeat it.",
            metavar="DIR",
            rich_help_panel=SECURITY,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further name of this server; repeat it.", metavar="NAME", rich_help_panel=SECURITY),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate, PEM.", metavar="FILE", rich_help_panel=SECURITY)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Its key, PEM.", metavar="FILE", rich_help_panel=SECURITY)
    ] = None,
    print_link: Annotated[
        bool,
        typer.Option(
            "--print-link", metavar="", help="Print the link of this server, and exit.", rich_help_panel=SECURITY
        ),
    ] = False,
    new_token: Annotated[
        bool,
        typer.Option(
            "--new-token",
            metavar="",
            help="Make a new token: old links and sessions end, those of a running server too.",
            rich_help_panel=SECURITY,
        ),
    ] = False,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Open the Workbench: projects, calibration and comparison in the browser, and REST."""
    _need("fastapi", "uvicorn", "nicegui", "sqlalchemy", "alembic", "dbos", "fastapi_offline")
    from calibench import server
    from calibench.api.token_file import TokenFile
    from calibench.store.data_folder import DataFolder
    from calibench.workbench.door import make_workbench

    folder = DataFolder(data_dir_or_default(data_dir))
    serving = server.Serving(host, port, tuple(allow_host or ()), tls_cert, tls_key)
    server.check_tls(serving)
    if new_token:
        folder.make()
        TokenFile(folder.token).renew()
    if print_link:
        _say_link(_known_link(serving, folder.token), folder.path, json_)
        return
    _warn(serving)
    workbench = make_workbench(folder.path, database, _folders(allow_folder or ()))
    server.serve(workbench, serving, lambda link: _say_link(link, folder.path, json_), _say_end, open_)


def _need(*packages: str) -> None:
    """Stop when an optional package is absent.

    Raises:
        SettingsError: names it, and what to install.
    """
    absent = [package for package in packages if find_spec(package) is None]
    if absent:
        name = absent[0].replace("_", "-")
        raise SettingsError(f"calibench serve needs {name}. Install it: pip install 'calibench[serve]'.")


def _known_link(serving: "Serving", token: Path) -> str:
    from calibench.api.token_file import TokenFile

    if not token.is_file():
        raise SettingsError(f"{token}: there is no token yet. It is made at the first start, or by --new-token.")
    return serving.link(TokenFile(token).token)


def _folders(allowed: Sequence[Path]) -> tuple[Path, ...]:
    for path in allowed:
        if not path.is_dir():
            raise SettingsError(f"--allow-folder {path}: there is no such folder. Give one that is there.")
    return tuple(path.resolve() for path in allowed)


def _warn(serving: "Serving") -> None:
    """Say on stderr what others on the network can do."""
    if serving.names.are_local:
        return
    if serving.certificate is None:
        typer.echo(
            f"Warning: {serving.host} can be reached from other machines and nothing is encrypted: who listens on the "
            "network sees the token. Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind an SSH tunnel.",
            err=True,
        )


def _say_link(link: str, data: Path, as_json: bool) -> None:
    if as_json:
        print_json({"link": link, "data_dir": str(data)})
    else:
        typer.echo(f"Calibench: {link}\nData: {data}")


def _say_end(sentence: str) -> None:
    typer.echo(sentence, err=True)

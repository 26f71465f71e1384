"""`calibench data`: backup, restore, upgrade and check of what the Workbench keeps."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from calibench.cli import options
from calibench.cli.answer import FAILED, answers, print_lines
from calibench.cli.data_options import DataDir, data_dir_or_default
from calibench.errors import SettingsError

Database = Annotated[
    str | None, typer.Option(help="PostgreSQL in place of the SQLite file, as for serve.", metavar="URL")
]

data = typer.Typer(
    help="Back up, restore, upgrade and check the data folder.", no_args_is_help=True, add_completion=False
)


@data.callback()
def _start() -> None:
    """Back up, restore, upgrade and check the data folder of `calibench serve`."""


@data.command("backup", no_args_is_help=True)
@answers
def backup(
    file: Annotated[Path, typer.Argument(help="New file, such as calibench.tar.", metavar="FILE")],
    data_dir: DataDir = None,
    database: Database = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Write all that is kept into one file; the server may go on meanwhile.

    The access token, running jobs and unfinished uploads are not in it.
    """
    _need_packages()
    from calibench.cli.bars import shown
    from calibench.store.backup import back_up
    from calibench.store.data_folder import DataFolder

    with shown() as progress:
        made = back_up(DataFolder(data_dir_or_default(data_dir)), file, progress, database)
    print_lines(made, json_)


@data.command("restore", no_args_is_help=True)
@answers
def restore(
    file: Annotated[Path, typer.Argument(help="File that `calibench data backup` wrote.", metavar="FILE")],
    data_dir: DataDir = None,
    database: Database = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Make a data folder out of a backup, whole or not at all; the folder must be new or empty.

    A backup of SQLite can be restored into PostgreSQL, and the other way round.
    """
    _need_packages()
    from calibench.cli.bars import shown
    from calibench.store.data_folder import DataFolder
    from calibench.store.restoring import restore

    with shown() as progress:
        made = restore(file, DataFolder(data_dir_or_default(data_dir)), progress, database)
    print_lines(made, json_)


@data.command("upgrade")
@answers
def upgrade(
    data_dir: DataDir = None,
    database: Database = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Bring the data of an older Calibench to this version; stop the server before.

    The tables are copied first, into the data folder.
    """
    _need_packages()
    from calibench.store.data_folder import DataFolder
    from calibench.store.upgrading import upgrade_tables

    print_lines(upgrade_tables(DataFolder(data_dir_or_default(data_dir)), database), json_)


@data.command("check")
@answers
def check(
    data_dir: DataDir = None,
    database: Database = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Read every kept file, and say what is lost or damaged and what uses it; nothing is changed.

    Ends with 1 when something is.
    """
    _need_packages()
    from calibench.cli.bars import shown
    from calibench.store.checking import check_data
    from calibench.store.data_folder import DataFolder

    with shown() as progress:
        found = check_data(DataFolder(data_dir_or_default(data_dir)), progress, database)
    print_lines(found, json_)
    if found.problems:
        raise typer.Exit(FAILED)


def _need_packages() -> None:
    """Stop when an optional package is absent.

    Raises:
        SettingsError: names it, and what to install.
    """
    for package in ("sqlalchemy", "alembic"):
        if find_spec(package) is None:
            raise SettingsError(f"calibench data needs {package}. Install it: pip install 'calibench[serve]'.")

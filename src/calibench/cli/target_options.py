"""The option `--target`, and what a target cannot do.

This module is imported for `--help`: it must not import numpy, OpenVINO or asyncssh.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from calibench.cli.server_options import SERVER
from calibench.errors import SettingsError

OnTarget = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Let this machine or queue do it: a name of `calibench target list`. The result comes here.",
        metavar="NAME",
        rich_help_panel=SERVER,
    ),
]
OnTargets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="Let this machine or queue do it: a name of `calibench target list`. Repeated, or with --baseline or "
        "--server: a table of the machines.",
        metavar="NAME",
        rich_help_panel=SERVER,
    ),
]
TargetData = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Data folder that knows the target. [dim]Default: ~/.local/share/calibench[/dim]",
        metavar="DIR",
        rich_help_panel=SERVER,
    ),
]

NOT_THERE = {
    "server": "one of them does the work. Give --target NAME or --server URL.",
    "dry_run": "looks at files of this machine. Leave one of them out.",
    "workers": "are processes of this machine; a target shares the work by itself, if at all. Leave it out.",
    "cache_dir": "is a folder of this machine; a target keeps its own. Leave it out.",
    "sheet": "is drawn from files of this machine. Leave it out.",
    "shape": "is of random data, and a target measures with a dataset. Leave it out, and give --dataset DIR.",
}
"""Parameters of commands that do not go with a target, and why."""


def refuse_options(params: Mapping[str, Any]) -> None:
    """Refuse options that mean this machine: nothing that was asked for is passed over in silence.

    Raises:
        SettingsError: names the option, why, and what to do.
    """
    for name, why in NOT_THERE.items():
        if params.get(name) not in (None, False, (), []):
            raise SettingsError(f"--{name.replace('_', '-')} with --target: {why}")

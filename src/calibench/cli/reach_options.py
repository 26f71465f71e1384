"""How a target is reached and what it is told: the options that `target add` and `target change` share.

This module is imported for `--help`: it must not import numpy, OpenVINO or asyncssh.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from calibench.cli.accuracy_options import seconds
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.things.asked import AskHost

Asked = TypeVar("Asked", bound="AskHost")

QUEUE, CLUSTER = "Queue", "Cluster"

ADDRESSES = (
    "ssh://user@host[:port], slurm, pbs, slurm ssh://user@login, dask ssh://a ssh://b, "
    "dask slurm (or with its login node), or dask tls://host:port."
)
Key = Annotated[Path | None, typer.Option(help="Private key. [dim]Default: ssh-agent and ~/.ssh[/dim]", metavar="FILE")]
HostKeys = Annotated[
    list[str] | None,
    typer.Option(help="Public key of the host, in place of the question; one for each host.", metavar="KEY"),
]
Python = Annotated[
    str | None, typer.Option(help="Python there, 3.11 or newer. [dim]Default: python3[/dim]", metavar="PROGRAM")
]
Wheels = Annotated[Path | None, typer.Option(help="Wheels to install there, where it has no network.", metavar="DIR")]
Home = Annotated[
    str | None, typer.Option(help="Folder to work in. [dim]Default: .cache/calibench[/dim]", metavar="DIR")
]
Queue = Annotated[
    str | None, typer.Option(help="Partition of Slurm, queue of PBS.", metavar="NAME", rich_help_panel=QUEUE)
]
NodeType = Annotated[
    str | None, typer.Option(help="Feature that a node must have.", metavar="NAME", rich_help_panel=QUEUE)
]
Walltime = Annotated[
    str | None, typer.Option(help="Longest time of a job, such as 2h.", metavar="TIME", rich_help_panel=QUEUE)
]
Cores = Annotated[int | None, typer.Option(min=1, help="Of one node.", metavar="N", rich_help_panel=QUEUE)]
Memory = Annotated[int | None, typer.Option(min=1, help="Of one node, in MB.", metavar="MB", rich_help_panel=QUEUE)]
Account = Annotated[
    str | None, typer.Option(help="That the time is charged to.", metavar="NAME", rich_help_panel=QUEUE)
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Workers to start: on each SSH machine, [dim]default: one a core[/dim]; or by the queue in all, "
        "[dim]default: 2[/dim].",
        metavar="N",
        rich_help_panel=CLUSTER,
    ),
]
Listen = Annotated[
    str | None,
    typer.Option(
        help="Address of this machine that workers reach. [dim]Default: found out[/dim]",
        metavar="ADDRESS",
        rich_help_panel=CLUSTER,
    ),
]
TlsCa = Annotated[
    Path | None, typer.Option(help="Certificate that both sides trust.", metavar="FILE", rich_help_panel=CLUSTER)
]
TlsCert = Annotated[Path | None, typer.Option(help="Own certificate.", metavar="FILE", rich_help_panel=CLUSTER)]
TlsKey = Annotated[Path | None, typer.Option(help="Its key.", metavar="FILE", rich_help_panel=CLUSTER)]

RESETTABLE = (
    *("key", "python", "wheels", "home", "queue", "node-type"),
    *("walltime", "cores", "memory", "account", "workers", "listen"),
)
Reset = Annotated[
    list[str] | None,
    typer.Option(
        help="An option that is to be as if it had never been given, such as node-type; repeatable.", metavar="OPTION"
    ),
]

AS_THEY_ARE = ("python", "home", "workers", "listen")
FILES = ("key", "wheels", "tls_ca", "tls_cert", "tls_key")
OF_QUEUE = {"queue": "queue", "node_type": "node_type", "cores": "cores", "memory": "memory_mb", "account": "account"}
"""Options and the fields of QueueSettings that they set."""


def asked(kind: type[Asked], values: Mapping[str, Any], params: Mapping[str, Any]) -> Asked:
    """What is asked of the targets, with what the options of a command say.

    Args:
        values: fields beside `spec`.
        params: of the command, by the name of the parameter.

    Raises:
        SettingsError: something of it cannot be.
    """
    from pydantic import ValidationError

    from calibench.settings import explain

    spec, queue = _reset(params)
    spec |= {name: params[name] for name in AS_THEY_ARE if params[name] is not None}
    spec |= {name: _file(name, params[name], params["server"]) for name in FILES if params[name] is not None}
    queue |= {field: params[name] for name, field in OF_QUEUE.items() if params[name] is not None}
    if params["walltime"] is not None:
        queue["walltime_s"] = int(seconds("--walltime", params["walltime"]))
    try:
        return kind.model_validate({**values, "spec": {**spec, **({"queue": queue} if queue else {})}})
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def _reset(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The defaults of what is to be reset: fields of TargetSpec, fields of its queue.

    Raises:
        SettingsError: an option is unknown, or is given as well.
    """
    from calibench.things.target_spec import QueueSettings, TargetSpec

    spec: dict[str, Any] = {}
    queue: dict[str, Any] = {}
    for option in params.get("reset") or ():
        name = option.removeprefix("--").replace("-", "_")
        if name.replace("_", "-") not in RESETTABLE:
            raise SettingsError(f"--reset {option}: is not known. Known: {', '.join(RESETTABLE)}.")
        if params[name] is not None:
            raise SettingsError(f"--reset {option}: is given as well. Leave one of them out.")
        field = "walltime_s" if name == "walltime" else OF_QUEUE.get(name)
        if field is None:
            spec[name] = TargetSpec.model_fields[name].default
        else:
            queue[field] = QueueSettings.model_fields[field].default
    return spec, queue


def _file(name: str, path: Path, server: str | None) -> Path:
    """Where a file is: of this machine, or of the machine of a server.

    Raises:
        SettingsError: there is none here, or it is not certain which one is meant.
    """
    option = f"--{name.replace('_', '-')}"
    if server is None:
        found = path.expanduser().absolute()
        if not found.exists():
            raise SettingsError(f"{option} {path}: there is no such file. Is the path right?")
        return found
    if not path.is_absolute():
        raise SettingsError(f"{option} {path} with --server: is a file of the server's machine. Give its whole path.")
    return path

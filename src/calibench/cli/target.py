"""`calibench target`: machines and queues that work for this one: add, list, check, clean, remove."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.cli import options
from calibench.cli.accuracy_options import seconds
from calibench.cli.answer import FAILED, answers, print_json
from calibench.cli.data_options import DataDir
from calibench.cli.server_options import WhichServer
from calibench.errors import Cancelled, SettingsError

if TYPE_CHECKING:
    from calibench.cli.known_there import Targets
    from calibench.things.asked import AskTarget
    from calibench.things.kept import Target

QUEUE, CLUSTER = "Queue", "Cluster"

Name = Annotated[str, typer.Argument(help="As `calibench target list` shows it.", metavar="NAME")]

target = typer.Typer(help="Machines and queues that work for this one.", no_args_is_help=True, add_completion=False)


@target.callback()
def _start() -> None:
    """Add, list, check, clean and remove the targets of the data folder, or of a server."""


@target.command("add", no_args_is_help=True)
@answers
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice.", metavar="NAME")],
    address: Annotated[
        list[str],
        typer.Argument(
            help="ssh://user@host[:port], slurm, pbs, slurm ssh://user@login, dask ssh://a ssh://b, dask slurm, "
            "or dask tls://host:port.",
            metavar="ADDRESS...",
        ),
    ],
    key: Annotated[
        Path | None, typer.Option(help="Private key. [dim]Default: ssh-agent and ~/.ssh[/dim]", metavar="FILE")
    ] = None,
    host_key: Annotated[
        list[str] | None,
        typer.Option(help="Public key of the host, in place of the question; one for each host.", metavar="KEY"),
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Python there, 3.11 or newer. [dim]Default: python3[/dim]", metavar="PROGRAM")
    ] = None,
    wheels: Annotated[
        Path | None, typer.Option(help="Wheels to install there, where it has no network.", metavar="DIR")
    ] = None,
    home: Annotated[
        str | None, typer.Option(help="Folder to work in. [dim]Default: .cache/calibench[/dim]", metavar="DIR")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(help="Partition of Slurm, queue of PBS.", metavar="NAME", rich_help_panel=QUEUE)
    ] = None,
    node_type: Annotated[
        str | None, typer.Option(help="Feature that a node must have.", metavar="NAME", rich_help_panel=QUEUE)
    ] = None,
    walltime: Annotated[
        str | None, typer.Option(help="Longest time of a job, such as 2h.", metavar="TIME", rich_help_panel=QUEUE)
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Of one node.", metavar="N", rich_help_panel=QUEUE)] = None,
    memory: Annotated[
        int | None, typer.Option(min=1, help="Of one node, in MB.", metavar="MB", rich_help_panel=QUEUE)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="That the time is charged to.", metavar="NAME", rich_help_panel=QUEUE)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Workers to start: on each SSH machine, [dim]default: one a core[/dim]; or by the queue in all, "
            "[dim]default: 2[/dim].",
            metavar="N",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            help="Address of this machine that workers reach. [dim]Default: found out[/dim]",
            metavar="ADDRESS",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None, typer.Option(help="Certificate that both sides trust.", metavar="FILE", rich_help_panel=CLUSTER)
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Own certificate.", metavar="FILE", rich_help_panel=CLUSTER)
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.", metavar="FILE", rich_help_panel=CLUSTER)] = None,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Add a machine or a queue.

    The first time that a host is met, its key is shown, and a person confirms it.
    """
    from calibench.cli.known_there import known_targets

    fields: dict[str, Any] = {
        "python": python, "home": home, "workers": workers, "listen": listen,
        **{name: path and path.expanduser().absolute() for name, path in (
            ("key", key), ("wheels", wheels), ("tls_ca", tls_ca), ("tls_cert", tls_cert), ("tls_key", tls_key),
        )},
    }  # fmt: skip
    of_queue = {
        "queue": queue, "node_type": node_type, "cores": cores, "memory_mb": memory, "account": account,
        "walltime_s": None if walltime is None else int(seconds("--walltime", walltime)),
    }  # fmt: skip
    asked = _asked(name, address, fields, of_queue)
    with known_targets(data_dir, server) as known:
        made = known.add(_with_host_keys(asked, tuple(host_key or ()), known))
    if json_:
        print_json(made.model_dump(mode="json"))
        return
    typer.echo(f"{made.name} ({made.spec.address}) was added. Look at it: calibench target check {made.name}")


@target.command("list")
@answers
def list_(
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """List the targets, with what their last check found."""
    from calibench.cli.known_there import known_targets
    from calibench.cli.server_lists import print_things

    with known_targets(data_dir, server) as known:
        found = list(known.all())
    print_things(found, [_row(each) for each in found], ("name", "address", "state", "INT8", "checked"), json_)


@target.command("check", no_args_is_help=True)
@answers
def check(
    name: Name,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Look whether a target answers, what it is, and what is wrong with it; exit code 1 where something is."""
    from calibench.cli.answer import quiet_stdout
    from calibench.cli.known_there import known_targets
    from calibench.cli.target_words import check_lines

    with known_targets(data_dir, server) as known, quiet_stdout(json_):
        found = known.check(known.named(name))
    if json_:
        print_json(found.model_dump(mode="json"))
    else:
        for line in check_lines(found):
            typer.echo(line)
    if found.faults:
        raise typer.Exit(FAILED)


@target.command("clean", no_args_is_help=True)
@answers
def clean(
    name: Name,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Remove what Calibench keeps there: environments, files, what is left of jobs."""
    from calibench.cli.known_there import known_targets

    with known_targets(data_dir, server) as known:
        freed = known.clean(known.named(name))
    if json_:
        print_json({"freed_bytes": freed})
    else:
        typer.echo(f"{name}: {freed / 1e6:.1f} MB are free again. The next job brings what it needs.")


@target.command("remove", no_args_is_help=True)
@answers
def remove(
    name: Name,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Forget a target; nothing is done there, so clean it first."""
    from calibench.cli.known_there import known_targets

    with known_targets(data_dir, server) as known:
        found = known.named(name)
        known.remove(found)
    if json_:
        print_json({"removed": found.name})
    else:
        typer.echo(f"{found.name} was removed.")


def _asked(name: str, address: list[str], fields: dict[str, Any], of_queue: dict[str, Any]) -> "AskTarget":
    from pydantic import ValidationError

    from calibench.settings import explain
    from calibench.things.asked import AskTarget

    said = {field: value for field, value in fields.items() if value is not None}
    of_queue = {field: value for field, value in of_queue.items() if value is not None}
    try:
        return AskTarget.model_validate(
            {"name": name, "address": " ".join(address), "spec": {**said, **({"queue": of_queue} if of_queue else {})}}
        )
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def _with_host_keys(asked: "AskTarget", given: tuple[str, ...], known: "Targets") -> "AskTarget":
    """With the key of each host: given, known to known_hosts, or confirmed by a person.

    Raises:
        SettingsError: nobody can be asked, or there are more keys than hosts.
        Cancelled: one is not confirmed.
    """
    from calibench.targets.target_address import parse_target

    spec = parse_target(asked.address.split())
    hosts = spec.hosts or ((None,) if spec.host is not None else ())
    if len(given) > len(hosts) or 0 < len(given) < len(hosts):
        raise SettingsError(
            f"--host-key: {len(given)} given, and {len(hosts)} hosts. Give one for each, in their order."
        )
    if not spec.hosts:
        key = given[0] if given else _confirmed(asked, known)
        return asked if key is None else _changed(asked, host_key=key)
    made = []
    for number, host in enumerate(spec.hosts):
        alone = asked.model_copy(update={"address": host.address})
        key = given[number] if given else _confirmed(_changed(alone, workers=None, listen=None), known)
        made.append(host.model_copy(update={"host_key": key}))
    return _changed(asked, hosts=tuple(made))


def _changed(asked: "AskTarget", **values: Any) -> "AskTarget":
    return asked.model_copy(update={"spec": asked.spec.model_copy(update=values)})


def _confirmed(asked: "AskTarget", known: "Targets") -> str | None:
    """The key of a host that a person confirms; None: there is no host, or known_hosts knows it.

    Raises:
        SettingsError: nobody can be asked.
        Cancelled: it is not confirmed.
    """
    if "ssh://" not in asked.address:
        return None
    key = known.host_key(asked)
    if key.is_known:
        return None
    shown = f"{asked.address}: nobody has confirmed its host key yet. It shows {key.kind} {key.fingerprint}."
    if not _is_terminal():
        raise SettingsError(f"{shown} Compare that with what its administrator says, then give --host-key '{key.key}'.")
    typer.echo(shown, err=True)
    if not typer.confirm("Is this what its administrator says?", err=True):
        raise Cancelled("The host key was not confirmed; nothing was added.")
    return key.key


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _row(target: "Target") -> tuple[str, ...]:
    flags = set((target.machine or {}).get("flags", ()))
    int8 = "AMX" if "amx_int8" in flags else "VNNI" if flags & {"avx512_vnni", "avx_vnni"} else ""
    when = target.checked.astimezone().strftime("%Y-%m-%d %H:%M") if target.checked else ""
    return target.name, target.spec.address, target.state, int8, when

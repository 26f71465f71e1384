"""`calibench target`: machines and queues that work for this one: add, change, list, check, clean, remove."""

from typing import TYPE_CHECKING, Annotated

import typer

from calibench.cli import options
from calibench.cli import reach_options as reach
from calibench.cli.answer import FAILED, answers, print_json
from calibench.cli.data_options import DataDir
from calibench.cli.server_options import WhichServer
from calibench.errors import Cancelled, SettingsError
from calibench.things.machine_row import int8_features

if TYPE_CHECKING:
    from calibench.things.kept import Target

Name = Annotated[str, typer.Argument(help="As `calibench target list` shows it.", metavar="NAME")]

target = typer.Typer(help="Machines and queues that work for this one.", no_args_is_help=True, add_completion=False)


@target.callback()
def _start() -> None:
    """Add, change, list, check, clean and remove the targets of the data folder, or of a server."""


@target.command("add", no_args_is_help=True)
@answers
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name of your choice.", metavar="NAME")],
    address: Annotated[list[str], typer.Argument(help=reach.ADDRESSES, metavar="ADDRESS...")],
    key: reach.Key = None,
    host_key: reach.HostKeys = None,
    python: reach.Python = None,
    wheels: reach.Wheels = None,
    home: reach.Home = None,
    queue: reach.Queue = None,
    node_type: reach.NodeType = None,
    walltime: reach.Walltime = None,
    cores: reach.Cores = None,
    memory: reach.Memory = None,
    account: reach.Account = None,
    workers: reach.Workers = None,
    listen: reach.Listen = None,
    tls_ca: reach.TlsCa = None,
    tls_cert: reach.TlsCert = None,
    tls_key: reach.TlsKey = None,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Add a machine or a queue.

    The first time that a host is met, its key is shown, and a person confirms it.
    """
    from calibench.cli.host_key_question import with_host_keys
    from calibench.cli.known_there import known_targets
    from calibench.things.asked import AskTarget

    asked = reach.asked(AskTarget, {"name": name, "address": " ".join(address)}, context.params)
    with known_targets(data_dir, server) as known:
        made = known.add(with_host_keys(asked, tuple(host_key or ()), known))
    if json_:
        print_json(made.model_dump(mode="json"))
        return
    _say_kept(made, "added")


def _say_kept(made: "Target", done: str) -> None:
    from calibench.targets.queue_faults import short_walltime

    typer.echo(f"{made.name} ({made.spec.address}) was {done}. Look at it: calibench target check {made.name}")
    if short := short_walltime(made.spec.queue):
        typer.echo(f"Note: {short}")


@target.command("change", no_args_is_help=True)
@answers
def change(
    context: typer.Context,
    name: Name,
    address: Annotated[
        list[str] | None, typer.Argument(help=f"Another one: {reach.ADDRESSES}", metavar="ADDRESS...")
    ] = None,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name.", metavar="NAME")] = None,
    reset: reach.Reset = None,
    key: reach.Key = None,
    host_key: reach.HostKeys = None,
    python: reach.Python = None,
    wheels: reach.Wheels = None,
    home: reach.Home = None,
    queue: reach.Queue = None,
    node_type: reach.NodeType = None,
    walltime: reach.Walltime = None,
    cores: reach.Cores = None,
    memory: reach.Memory = None,
    account: reach.Account = None,
    workers: reach.Workers = None,
    listen: reach.Listen = None,
    tls_ca: reach.TlsCa = None,
    tls_cert: reach.TlsCert = None,
    tls_key: reach.TlsKey = None,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Give a target another name, or reach it in another way; what is not given stays.

    Another host shows its key, and a person confirms it.
    """
    from calibench.cli.host_key_question import with_host_keys
    from calibench.cli.known_there import known_targets
    from calibench.things.asked import ChangeTarget

    values = {"name": new_name, "address": " ".join(address or ())}
    asked = reach.asked(ChangeTarget, values, context.params)
    if asked == ChangeTarget() and not (host_key or reset):
        raise SettingsError("target change: nothing to change was given. Give an address, --name or another option.")
    with known_targets(data_dir, server) as known:
        found = known.named(name)
        made = known.change(found, with_host_keys(asked, tuple(host_key or ()), known, found.spec))
    if json_:
        print_json(made.model_dump(mode="json"))
        return
    _say_kept(made, "changed")


@target.command("list")
@answers
def list_(
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """List the targets, with what their last check found; those of a server with their load."""
    from calibench.cli.known_there import known_targets
    from calibench.cli.load_column import load_words
    from calibench.cli.server_lists import print_things

    with known_targets(data_dir, server) as known:
        found = list(known.all())
        loads = known.loads(found)
    rows, heads = [_row(each) for each in found], ("name", "address", "state", "INT8", "checked")
    if not loads:
        print_things(found, rows, heads, json_)
        return
    loaded = list(zip(found, rows, loads, strict=True))
    if json_:
        print_json([{**each.model_dump(mode="json"), "load": load.model_dump(mode="json")} for each, _, load in loaded])
        return
    print_things(found, [(*row, load_words(load)) for _, row, load in loaded], (*heads, "load"), json_)


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    server: WhichServer = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Remove what Calibench keeps there: environments, files, what is left of jobs. On a terminal, it asks first."""
    from calibench.cli.host_key_question import is_terminal
    from calibench.cli.known_there import known_targets
    from calibench.cli.target_words import cache_line, cleaned_line

    with known_targets(data_dir, server) as known:
        found = known.named(name)
        is_asking = not (yes or json_ or dry_run) and is_terminal()
        cache = known.cache(found) if is_asking or dry_run else None
        if cache is not None and dry_run:
            if json_:
                print_json(cache.model_dump(mode="json"))
            else:
                typer.echo(f"{found.name}: {cache_line(cache)}")
            return
        if cache is not None:
            typer.echo(f"{found.name}: {cache_line(cache)}", err=True)
            if not cache.total_bytes:
                return
            if not typer.confirm("Remove all of it?", err=True):
                raise Cancelled("Nothing was removed.")
        cleaned = known.clean(found)
    if json_:
        print_json(cleaned.model_dump(mode="json"))
    else:
        typer.echo(f"{found.name}: {cleaned_line(cleaned)}")


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


def _row(target: "Target") -> tuple[str, ...]:
    int8 = int8_features((target.machine or {}).get("flags"))
    when = target.checked.astimezone().strftime("%Y-%m-%d %H:%M") if target.checked else ""
    return target.name, target.spec.address, target.state, int8, when

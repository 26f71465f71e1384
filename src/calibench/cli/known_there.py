"""The targets that commands know: those of a data folder, whether a server runs on it or not, or those of a server."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from calibench.cli.reach_options import FILES
from calibench.errors import SettingsError, TargetError
from calibench.things.asked import AskHost, AskTarget, ChangeTarget
from calibench.things.kept import Cleaned, HostKey, Target, TargetCache, TargetLoad

if TYPE_CHECKING:
    from calibench.client.client import Client
    from calibench.things.target_spec import TargetSpec
    from calibench.workbench.target_book import TargetBook

TRIES = 3
"""How often a passphrase may be typed, as ssh has it."""


class Targets(Protocol):
    """Where targets are kept."""

    def all(self) -> tuple[Target, ...]: ...

    def named(self, name: str) -> Target: ...

    def loads(self, targets: list[Target]) -> list[TargetLoad]:
        """How busy they are; [] where no server looks at them."""

    def add(self, asked: AskTarget) -> Target: ...

    def change(self, target: Target, asked: ChangeTarget) -> Target: ...

    def host_key(self, asked: AskHost) -> HostKey: ...

    def check(self, target: Target) -> Target: ...

    def cache(self, target: Target) -> TargetCache: ...

    def clean(self, target: Target) -> Cleaned: ...

    def remove(self, target: Target) -> None: ...


@contextmanager
def known_targets(data_dir: Path | None, server: str | None = None) -> Iterator[Targets]:
    """The targets of a server, or of a data folder.

    Raises:
        SettingsError: a package is missing, or both were given.
        TargetError: the server cannot be reached.
        JobError: the data folder cannot be used.
    """
    if server is not None:
        if data_dir is not None:
            raise SettingsError("--data-dir with --server: a server has its own. Leave one of them out.")
        from calibench.cli.on_server import opened

        with opened(server) as client:
            yield OfServer(client)
        return
    from calibench.workbench.target_folder import opened_targets

    with opened_targets(data_dir) as book:
        yield OfFolder(book)


class OfFolder:
    """Targets of a data folder; this process reaches them itself."""

    def __init__(self, book: "TargetBook") -> None:
        self._book = book

    def all(self) -> tuple[Target, ...]:
        return self._book.all()

    def named(self, name: str) -> Target:
        return self._book.named(name)

    def loads(self, targets: list[Target]) -> list[TargetLoad]:
        return []

    def add(self, asked: AskTarget) -> Target:
        return self._book.add(asked)

    def change(self, target: Target, asked: ChangeTarget) -> Target:
        return self._book.change(target.id, asked)

    def host_key(self, asked: AskHost) -> HostKey:
        from calibench.targets.target_check import offered_key
        from calibench.workbench.target_book import spec_of

        return asyncio.run(offered_key(spec_of(asked)))

    def check(self, target: Target) -> Target:
        from calibench.targets.target_check import check_target

        if target.spec.is_here:
            from calibench.machine import describe_machine

            return self._book.keep_check(target.id, describe_machine().model_dump(mode="json"))
        passphrase = passphrase_for(target.spec)
        return self._book.keep_check(target.id, asyncio.run(check_target(target.spec, passphrase)))

    def cache(self, target: Target) -> TargetCache:
        from calibench.targets.target_cache import cache_of

        self._book.refuse_clean(target)
        return asyncio.run(cache_of(target.spec, passphrase_for(target.spec)))

    def clean(self, target: Target) -> Cleaned:
        from calibench.targets.target_check import clean_target

        self._book.refuse_clean(target)
        return asyncio.run(clean_target(target.spec, passphrase_for(target.spec)))

    def remove(self, target: Target) -> None:
        self._book.remove(target.id)


class OfServer:
    """Targets of a server, which reaches them itself."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def all(self) -> tuple[Target, ...]:
        return self._client.targets.all()

    def named(self, name: str) -> Target:
        return self._client.targets.named(name)

    def loads(self, targets: list[Target]) -> list[TargetLoad]:
        from calibench.cli.load_column import loads_of

        return loads_of(self._client, targets)

    def add(self, asked: AskTarget) -> Target:
        with _said_of_files():
            return self._client.targets.add(asked.name, asked.address, asked.spec)

    def change(self, target: Target, asked: ChangeTarget) -> Target:
        with _said_of_files():
            return self._client.targets.change(target.id, asked.model_copy(update={"version": target.version}))

    def host_key(self, asked: AskHost) -> HostKey:
        with _said_of_files():
            return self._client.targets.host_key_at(asked)

    def check(self, target: Target) -> Target:
        self._client.wait(self._client.targets.check(target.id).id)
        return self._client.targets.get(target.id)

    def cache(self, target: Target) -> TargetCache:
        return self._client.targets.cache(target.id)

    def clean(self, target: Target) -> Cleaned:
        return self._client.targets.clean(target.id)

    def remove(self, target: Target) -> None:
        self._client.targets.remove(target.id)


@contextmanager
def _said_of_files() -> Iterator[None]:
    """Where a server refuses a file, say whose file that is."""
    try:
        yield
    except SettingsError as error:
        field, _, why = str(error).partition(": ")
        name = field.removeprefix("spec.")
        if name not in FILES:
            raise
        option = f"--{name.replace('_', '-')}"
        raise SettingsError(f"{option} names a file of the server's machine, not of this one. {why}") from None


def passphrase_for(spec: "TargetSpec") -> str | None:
    """The passphrase of the key of a target: of the environment, or asked for on a terminal; for this process only.

    Raises:
        TargetError: none that a person typed opens the key.
    """
    from calibench.targets.target_check import PASSPHRASE, needs_passphrase

    if PASSPHRASE not in os.environ and sys.stdin.isatty() and asyncio.run(needs_passphrase(spec)):
        os.environ[PASSPHRASE] = _typed(spec)
    return os.environ.get(PASSPHRASE)


def _typed(spec: "TargetSpec") -> str:
    from calibench.targets.target_check import opens_key

    for _ in range(TRIES):
        typed: str = typer.prompt(f"Passphrase of {spec.key}", hide_input=True, err=True)
        if asyncio.run(opens_key(spec, typed)):
            return typed
        typer.echo("It does not open the key.", err=True)
    raise TargetError(f"{spec.key}: no passphrase that was typed opens it. Is it the right key?")

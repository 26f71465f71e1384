"""`calibench target` where a person sits: the passphrase of a key, the key of a host, what a cleaning removes."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import pytest
from shared_python import shared_python
from ssh_server import SshServer
from terminal import Terminal

from calibench.cli.known_there import known_targets

pytestmark = pytest.mark.targets

WORDS = "open sesame"


@pytest.fixture
def at(tmp_path: Path) -> Callable[..., Terminal]:
    """`calibench target ...` at a terminal, by somebody without keys and known hosts."""
    (tmp_path / "home").mkdir()

    def start(*words: object, **environment: str) -> Terminal:
        return Terminal("target", *words, "--data-dir", tmp_path / "data", **{**home(tmp_path), **environment})

    return start


def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "SSH_AUTH_SOCK": ""}


def names(tmp_path: Path) -> list[str]:
    """The targets that are kept."""
    with known_targets(tmp_path / "data") as known:
        return [target.name for target in known.all()]


@pytest.fixture
def locked(ssh_server: SshServer) -> Path:
    """A key with a passphrase that is let in."""
    key = ssh_server.place / "terminal_key"
    if not key.exists():
        ssh_server.new_key(key.name, WORDS)
    ssh_server.allow(key)
    return key


@pytest.fixture
def agent(locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An ssh-agent that holds the key."""
    folder = tmp_path_factory.mktemp("a")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(folder / "s")], stdout=subprocess.DEVNULL)
    try:
        while not (folder / "s").exists():
            sleep(0.02)
        ask = folder / "ask"
        ask.write_text(f"#!/bin/sh\necho '{WORDS}'\n")
        ask.chmod(0o700)
        more = {"SSH_AUTH_SOCK": str(folder / "s"), "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", str(locked)], env=more, check=True, capture_output=True)
        yield folder / "s"
    finally:
        process.terminate()
        process.wait()


def test_a_host_key_is_shown_and_only_yes_keeps_the_target(
    at: Callable[..., Terminal], ssh_server: SshServer, tmp_path: Path
) -> None:
    spec = ssh_server.spec()
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{ssh_server.place}/host_key.pub"], capture_output=True, check=True
    )
    fingerprint = shown.stdout.split()[1].decode()
    for answer, code, kept in (("n", 130, ["This machine"]), ("y", 0, ["This machine", "lab"])):
        terminal = at("add", "lab", spec.address, "--key", spec.key, "--home", spec.home)
        terminal.wait_for("Is this what its administrator says?")
        assert f"nobody has confirmed its host key yet. It shows ssh-ed25519 {fingerprint}." in terminal.said
        terminal.type(answer)
        assert terminal.end() == code, terminal.said
        assert names(tmp_path) == kept


def test_a_passphrase_is_asked_for_and_never_shown(
    at: Callable[..., Terminal], ssh_server: SshServer, locked: Path, agent: Path
) -> None:
    spec = ssh_server.spec(key=locked)
    with shared_python() as python:
        options = ("--key", locked, "--host-key", spec.host_key, "--home", spec.home, "--python", python)
        added = at("add", "lab", spec.address, *options)
        assert added.end() == 0, added.said
        terminal = at("check", "lab")
        for times, typed in enumerate(("barley", WORDS), 1):
            terminal.wait_for(f"Passphrase of {locked}", times)
            terminal.wait_until_hidden()
            terminal.type(typed)
        assert terminal.end() == 0, terminal.said
        assert terminal.said.count("It does not open the key.") == 1 and "It is ready." in terminal.said
        assert WORDS not in terminal.said and "barley" not in terminal.said
        given_up = at("check", "lab")
        for times in (1, 2, 3):
            given_up.wait_for(f"Passphrase of {locked}", times)
            given_up.wait_until_hidden()
            given_up.type("barley")
        assert given_up.end() == 2 and given_up.said.count("no passphrase that was typed opens it") == 1
        assert "Traceback" not in given_up.said
        held = at("check", "lab", SSH_AUTH_SOCK=str(agent))
        assert held.end() == 0, held.said
        assert "Passphrase" not in held.said and "It is ready." in held.said


def test_a_cleaning_asks_with_what_it_removes(at: Callable[..., Terminal], ssh_server: SshServer) -> None:
    spec = ssh_server.spec()
    with shared_python() as python:
        options = ("--key", spec.key, "--host-key", spec.host_key, "--home", spec.home, "--python", python)
        assert at("add", "lab", spec.address, *options).end() == 0
        left = ssh_server.home / spec.home / "environments/old"
        left.mkdir(parents=True)
        (left / "lib").write_bytes(b"x" * 3_000_000)
        ssh_server._give(ssh_server.here)
        for answer, code, words in (("n", 130, "Nothing was removed."), ("y", 0, "lab: 3.0 MB are free again")):
            terminal = at("clean", "lab")
            terminal.wait_for("Remove all of it?")
            assert "environments 3.0 MB" in terminal.said and left.exists()
            terminal.type(answer)
            assert (terminal.end(), words in terminal.said) == (code, True), terminal.said
    assert not left.exists()

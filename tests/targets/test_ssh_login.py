"""Logging in over SSH: which machine answers, who asks, and what is said when either is not right."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from ssh_server import SshServer

from calibench.errors import TargetError
from calibench.targets import ssh_login
from calibench.targets.local_link import LocalLink
from calibench.targets.opened_link import open_link
from calibench.targets.ssh_host_keys import fingerprint_of
from calibench.targets.ssh_link import connect, host_key_of
from calibench.targets.ssh_login import look_up, not_reached
from calibench.targets.target_check import offered_key
from calibench.things.target_spec import TargetSpec

pytestmark = pytest.mark.targets


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the user here without keys, known hosts, configuration and ssh-agent."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def agent(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An ssh-agent that holds nothing yet."""
    place = tmp_path_factory.mktemp("a") / "s"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    while not place.exists():
        sleep(0.02)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    yield
    process.terminate()
    process.wait()


def who(spec: TargetSpec, passphrase: str | None = None) -> str:
    """The user that a target lets in."""

    async def _run() -> str:
        link = await connect(spec, passphrase)
        try:
            return (await link.run("id -un")).out.decode().strip()
        finally:
            await link.close()

    return asyncio.run(_run())


def refusal(spec: TargetSpec, passphrase: str | None = None) -> str:
    """What is said of a target that is not reached; one or few sentences of one line."""
    with pytest.raises(TargetError) as raised:
        who(spec, passphrase)
    said = str(raised.value)
    assert said.endswith((".", "?"))
    assert "\n" not in said
    return said


def add_to_agent(key: Path, passphrase: str, home: Path) -> None:
    """Let ssh-agent hold a key."""
    ask = home / "ask"
    ask.write_text(f"#!/bin/sh\necho {passphrase}\n")
    ask.chmod(0o700)
    asked = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(key)], check=True, env=asked, stdin=subprocess.DEVNULL)


def test_the_key_that_a_machine_offers_is_shown_before_it_is_trusted(ssh_server: SshServer) -> None:
    assert asyncio.run(host_key_of(ssh_server.spec(host_key=None))) == ssh_server.host_key


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(ssh_server: SshServer) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-lf", "-"], input=ssh_server.host_key, check=True, capture_output=True, text=True
    ).stdout.split()[1]
    assert fingerprint_of(ssh_server.host_key) == shown
    assert fingerprint_of(f"[127.0.0.1]:2222 {ssh_server.host_key} comment") == shown


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA!", "hello world"])
def test_what_is_no_host_key_is_refused(ssh_server: SshServer, text: str) -> None:
    assert "Not a host key" in refusal(ssh_server.spec(host_key=text))


def test_an_unknown_machine_is_never_trusted_in_silence(ssh_server: SshServer) -> None:
    said = refusal(ssh_server.spec(host_key=None))
    where = f"{ssh_server.user}@127.0.0.1:{ssh_server.relay.port}"
    assert said.startswith(f"{where}: its host key is not known here. It offers ssh-ed25519 SHA256:")
    assert fingerprint_of(ssh_server.host_key) in said
    assert "calibench target add" in said
    assert not Path("~/.ssh/known_hosts").expanduser().exists()


def test_a_configuration_that_would_trust_everything_does_not(ssh_server: SshServer, home: Path) -> None:
    for told in ("UserKnownHostsFile none", "UserKnownHostsFile /dev/null\nStrictHostKeyChecking no"):
        (home / ".ssh/config").write_text(f"Host *\n{told}\n")
        assert "its host key is not known here" in refusal(ssh_server.spec(host_key=None))


def test_a_machine_that_known_hosts_knows_is_trusted(ssh_server: SshServer, home: Path) -> None:
    known = f"[127.0.0.1]:{ssh_server.relay.port} {ssh_server.host_key}\n"
    (home / ".ssh/known_hosts").write_text(known)
    assert who(ssh_server.spec(host_key=None)) == ssh_server.user
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(home / ".ssh/known_hosts")], check=True, capture_output=True)
    assert who(ssh_server.spec(host_key=None)) == ssh_server.user


def test_a_known_hosts_file_that_cannot_be_read_says_which(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/known_hosts").write_text("@nonsense a b\n")
    assert f"{home}/.ssh/known_hosts: known hosts cannot be read" in refusal(ssh_server.spec(host_key=None))


def test_a_changed_host_key_warns_with_both_fingerprints(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh_server.relay.port} {ssh_server.host_key}\n")
    with ssh_server.changed_host_key():
        for spec in (ssh_server.spec(), ssh_server.spec(host_key=None)):
            said = refusal(spec)
            assert said.startswith(f"WARNING: {ssh_server.user}@127.0.0.1:{ssh_server.relay.port}: its host key has")
            assert fingerprint_of(ssh_server.host_key) in said
            assert fingerprint_of(ssh_server.other_host_key) in said
        assert who(ssh_server.spec(host_key=ssh_server.other_host_key)) == ssh_server.user


def test_a_machine_that_has_no_key_of_the_known_kind_any_more_has_changed(ssh_server: SshServer) -> None:
    ecdsa = Path(f"{ssh_server.new_key('of_another_kind', kind='ecdsa')}.pub").read_text()
    said = refusal(ssh_server.spec(host_key=ecdsa))
    assert said.startswith("WARNING: ")
    assert fingerprint_of(ecdsa) in said
    assert fingerprint_of(ssh_server.host_key) in said


def test_a_key_that_is_not_let_in_is_named(ssh_server: SshServer) -> None:
    wrong = ssh_server.new_key("wrong_key")
    said = refusal(ssh_server.spec(key=wrong))
    assert said.startswith(f"{ssh_server.user}@127.0.0.1:{ssh_server.relay.port}: refused the key {wrong}. ")


def test_who_has_no_key_at_all_is_told_what_was_tried(ssh_server: SshServer) -> None:
    said = refusal(ssh_server.spec(key=None))
    assert "no key was accepted (keys in ~/.ssh were tried, there is no ssh-agent; passwords never are)" in said
    assert "--key" in said


def test_another_user_is_not_let_in(ssh_server: SshServer) -> None:
    assert "nobody@127.0.0.1" in refusal(ssh_server.spec(user="nobody"))


def test_keys_in_the_home_of_the_user_are_tried(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/id_ed25519").write_bytes(ssh_server.key.read_bytes())
    assert who(ssh_server.spec(key=None)) == ssh_server.user


def test_a_key_file_that_is_not_there_is_named(ssh_server: SshServer, tmp_path: Path) -> None:
    said = refusal(ssh_server.spec(key=tmp_path / "gone"))
    assert f"the key {tmp_path}/gone cannot be read: No such file or directory." in said


def test_a_key_file_that_is_none_is_named(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    assert f"{tmp_path}/text is no private key of SSH" in refusal(ssh_server.spec(key=tmp_path / "text"))
    half = f"{ssh_server.key}.pub is the public half of a key. Give {ssh_server.key}."
    assert half in refusal(ssh_server.spec(key=Path(f"{ssh_server.key}.pub")))


def test_a_key_with_a_passphrase_needs_the_right_one(ssh_server: SshServer) -> None:
    key = ssh_server.new_key("locked_key", "open sesame")
    ssh_server.allow(key)
    spec = ssh_server.spec(key=key)
    assert who(spec, "open sesame") == ssh_server.user
    assert f"the key {key} has a passphrase. Give it, or let ssh-agent hold it (ssh-add {key})." in refusal(spec)
    said = refusal(spec, "open barley")
    assert f"the passphrase does not open the key {key}." in said
    assert "barley" not in said


def test_a_passphrase_for_a_key_without_one_does_no_harm(ssh_server: SshServer) -> None:
    assert who(ssh_server.spec(), "needless") == ssh_server.user


@pytest.mark.usefixtures("agent")
def test_ssh_agent_opens_a_key_with_a_passphrase(ssh_server: SshServer, home: Path) -> None:
    key = ssh_server.new_key("agent_key", "sesame")
    ssh_server.allow(key)
    assert "has a passphrase" in refusal(ssh_server.spec(key=key))
    add_to_agent(key, "sesame", home)
    assert who(ssh_server.spec(key=key)) == ssh_server.user
    assert who(ssh_server.spec(key=None)) == ssh_server.user


@pytest.mark.usefixtures("agent")
def test_a_full_ssh_agent_does_not_use_up_the_tries_of_a_named_key(ssh_server: SshServer, home: Path) -> None:
    for number in range(8):
        add_to_agent(ssh_server.new_key(f"other_key_{number}"), "", home)
    assert who(ssh_server.spec()) == ssh_server.user


def test_a_port_where_nothing_listens_says_so(ssh_server: SshServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert f"127.0.0.1:{port}: refused at port {port}. Does sshd run there" in refusal(ssh_server.spec(port=port))


def test_a_name_that_no_machine_has_says_so(ssh_server: SshServer) -> None:
    assert "no machine has the name nowhere.invalid" in refusal(ssh_server.spec(host="nowhere.invalid"))


def test_a_machine_that_does_not_answer_is_given_up(ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_login, "CONNECT_S", 0.5)
    ssh_server.relay.stall()
    assert "no answer within 0.5 s. Is the machine on" in refusal(ssh_server.spec())
    with pytest.raises(TargetError, match=r"no answer within 0\.5 s"):
        asyncio.run(host_key_of(ssh_server.spec()))


def test_a_machine_without_a_way_to_it_says_so(ssh_server: SshServer) -> None:
    found = not_reached(OSError(errno.EHOSTUNREACH, "Connect call failed ('x', 22)"), look_up(ssh_server.spec()))
    assert str(found).endswith("there is no way to it. Is the machine on, and is a cable or a VPN missing?")


def test_a_machine_that_hangs_up_says_so(ssh_server: SshServer) -> None:
    ssh_server.relay.refuse()
    assert "closed the connection while logging in" in refusal(ssh_server.spec())


def test_what_is_no_ssh_server_says_so(ssh_server: SshServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:
        child = os.fork()
        if child == 0:
            answered, _ = web.accept()
            answered.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
            answered.close()
            os._exit(0)
        said = refusal(ssh_server.spec(port=web.getsockname()[1]))
        os.waitpid(child, 0)
    assert "127.0.0.1" in said


def test_the_configuration_of_the_user_counts_for_what_a_target_leaves_open(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text(
        f"Host Lab\nHostName 127.0.0.1\nUser {ssh_server.user}\nPort {ssh_server.relay.port}\n"
        f"IdentityFile {ssh_server.key}\n"
    )
    spec = TargetSpec(kind="ssh", host="Lab", host_key=ssh_server.host_key)
    assert who(spec) == ssh_server.user
    assert "nobody@" in refusal(spec.model_copy(update={"user": "nobody"}))
    assert asyncio.run(host_key_of(spec)) == ssh_server.host_key


def test_known_hosts_holds_the_name_that_the_configuration_gives(ssh_server: SshServer, home: Path) -> None:
    known = home / "hosts"
    (home / ".ssh/config").write_text(
        f"Host lab\nHostName 127.0.0.1\nUser {ssh_server.user}\nPort {ssh_server.relay.port}\n"
        f"IdentityFile {ssh_server.key}\nUserKnownHostsFile {known}\n"
    )
    spec = TargetSpec(kind="ssh", host="lab")
    assert "is not known here" in refusal(spec)
    known.write_text(f"[127.0.0.1]:{ssh_server.relay.port} {ssh_server.host_key}\n")
    assert who(spec) == ssh_server.user
    with ssh_server.changed_host_key():
        assert fingerprint_of(ssh_server.host_key) in refusal(spec)


def test_an_alias_of_the_host_key_is_what_known_hosts_holds(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text("Host *\nHostKeyAlias the-lab\n")
    (home / ".ssh/known_hosts").write_text(f"the-lab {ssh_server.host_key}\n")
    assert who(ssh_server.spec(host_key=None)) == ssh_server.user
    with ssh_server.changed_host_key():
        assert refusal(ssh_server.spec(host_key=None)).startswith("WARNING: ")


def test_a_machine_that_is_known_by_its_address_or_another_name_has_changed_and_is_not_unknown(
    ssh_server: SshServer, home: Path
) -> None:
    spec = ssh_server.spec(host="localhost", host_key=None)
    known = home / ".ssh/known_hosts"
    other = Path(f"{ssh_server.new_key('only_kind', kind='ecdsa')}.pub").read_text()
    for told, name in (("", f"[127.0.0.1]:{ssh_server.relay.port}"), ("HostKeyAlias the-lab", "the-lab")):
        (home / ".ssh/config").write_text(f"Host *\n{told}\nAddressFamily inet\n")
        known.write_text(f"{name} {ssh_server.host_key}\n")
        assert who(spec) == ssh_server.user
        assert asyncio.run(offered_key(spec)).is_known
        with ssh_server.changed_host_key():
            assert refusal(spec).startswith("WARNING: ")
            with pytest.raises(TargetError, match="WARNING: "):
                asyncio.run(offered_key(spec))
        known.write_text(f"{name} {other}")
        assert refusal(spec).startswith("WARNING: ")


def test_a_command_of_the_configuration_may_make_the_connection(ssh_server: SshServer, home: Path) -> None:
    relay = home / "relay.py"
    relay.write_text(
        "import os, select, socket, sys\n"
        "there = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "while True:\n"
        "    for ready in select.select([0, there], [], [])[0]:\n"
        "        data = os.read(0, 65536) if ready == 0 else there.recv(65536)\n"
        "        if not data:\n"
        "            sys.exit()\n"
        "        there.sendall(data) if ready == 0 else os.write(1, data)\n"
    )
    (home / ".ssh/config").write_text(
        f"Host *\nProxyCommand {sys.executable} {relay} 127.0.0.1 {ssh_server.relay.port}\n"
    )
    spec = ssh_server.spec(host="behind.invalid", port=22)
    assert who(spec) == ssh_server.user
    assert asyncio.run(host_key_of(spec)) == ssh_server.host_key
    assert "is not known here" in refusal(spec.model_copy(update={"host_key": None}))


def test_a_configuration_that_cannot_be_used_says_so(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text("Port many\n")
    assert "~/.ssh/config cannot be used" in refusal(ssh_server.spec())


def jump_config(server: SshServer) -> str:
    """The way leads through the machine itself, under another name."""
    return (
        f"Host jump\nHostName 127.0.0.1\nPort {server.direct_port}\nUser {server.user}\nIdentityFile {server.key}\n"
        f"Host far\nHostName 127.0.0.1\nPort {server.relay.port}\nUser {server.user}\nProxyJump jump\n"
    )


def test_a_machine_behind_another_is_reached_through_it(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text(jump_config(ssh_server))
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh_server.direct_port} {ssh_server.host_key}\n")
    spec = TargetSpec(kind="ssh", host="far", key=ssh_server.key, host_key=ssh_server.host_key)
    assert asyncio.run(host_key_of(spec)) == ssh_server.host_key
    assert who(spec) == ssh_server.user


def test_a_machine_on_the_way_is_not_trusted_in_silence_either(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text(jump_config(ssh_server) + "Host *\nUserKnownHostsFile none\n")
    spec = TargetSpec(kind="ssh", host="far", key=ssh_server.key, host_key=ssh_server.host_key)
    said = refusal(spec)
    assert said.startswith(f"{ssh_server.user}@jump:{ssh_server.direct_port}: its host key is not known here")


def test_nothing_is_left_open_where_logging_in_failed(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh/config").write_text(jump_config(ssh_server))
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh_server.direct_port} {ssh_server.host_key}\n")
    refusal(TargetSpec(kind="ssh", host="far", key=ssh_server.key))
    for _ in range(1200):
        if not ssh_server.sessions():
            break
        sleep(0.05)
    assert not ssh_server.sessions()


def test_a_target_without_a_host_is_this_machine() -> None:
    assert isinstance(asyncio.run(open_link(TargetSpec(kind="slurm"))), LocalLink)
    with pytest.raises(TargetError, match="has no host"):
        asyncio.run(connect(TargetSpec(kind="slurm")))


def test_a_target_with_a_host_is_reached_over_ssh(ssh_server: SshServer) -> None:
    async def _run() -> str:
        link = await open_link(ssh_server.spec(kind="slurm"))
        try:
            return link.name
        finally:
            await link.close()

    assert asyncio.run(_run()).startswith(f"{ssh_server.user}@")


def test_without_asyncssh_it_says_what_to_install(ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    assert "asyncssh. Install it: pip install 'calibench[targets]'." in refusal(ssh_server.spec())


def test_asyncssh_says_nothing_of_its_own(ssh_server: SshServer, caplog: Any, capfd: Any) -> None:
    caplog.set_level("DEBUG")
    who(ssh_server.spec())
    refusal(ssh_server.spec(user="nobody"))
    assert not [record for record in caplog.records if record.name.startswith("asyncssh")]
    assert capfd.readouterr() == ("", "")

"""A real sshd on a loopback port, its only user an ordinary one, with throw-away keys; and ways to disturb it.

sshd runs as that user, so nobody else can log in. Where the suite runs as root, the user is made for it and removed at
the end; else it is whoever runs the suite, and `folder` is the one place in their home that is written to.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
from tcp_relay import TcpRelay

from calibench.things.target_spec import TargetSpec

SFTP = "Subsystem sftp internal-sftp\n"
USERS = "cbtest"
PLACES = "cbssh-"
WAIT_S = 120.0


class SshServer:
    """A running sshd, reached through a relay that can be cut.

    user, home: who logs in, and their home. folder: a private folder in it, relative to it, removed at the end.
    key: private key that is let in. host_key: as in known_hosts. relay: what can be cut and stalled.
    """

    def __init__(self, user: str, place: Path) -> None:
        self.user = user
        self.place = place
        self.home = Path(pwd.getpwnam(user).pw_dir)
        self.folder = f"cb-{secrets.token_hex(4)}"
        self.direct_port = _free_port()
        self.key = self.new_key("user_key")
        self.authorized = place / "authorized_keys"
        self.allow(self.key)
        self._host_keys = [self.new_key("host_key"), self.new_key("other_host_key")]
        self._give(place)
        self._process: subprocess.Popen[bytes] | None = None
        self._start(self._host_keys[0])
        self.relay = TcpRelay(self.direct_port)
        self.here.mkdir()
        self._give(self.here)

    @property
    def here(self) -> Path:
        """`folder`, as this process sees it."""
        return self.home / self.folder

    @property
    def host_key(self) -> str:
        return _public(self._host_keys[0])

    @property
    def other_host_key(self) -> str:
        """That it offers within `changed_host_key`."""
        return _public(self._host_keys[1])

    def spec(self, **changed: Any) -> TargetSpec:
        """A target that works; its home is in `folder`."""
        values = {
            "kind": "ssh",
            "host": "127.0.0.1",
            "port": self.relay.port,
            "user": self.user,
            "key": self.key,
            "host_key": self.host_key,
            "home": f"{self.folder}/home",
        }
        return TargetSpec.model_validate(values | changed)

    def new_key(self, name: str, passphrase: str = "", kind: str = "ed25519") -> Path:
        """Make a key pair; returns the private part."""
        path = self.place / name
        call = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", str(path)]
        subprocess.run(call, check=True, stdin=subprocess.DEVNULL)
        return path

    def allow(self, key: Path) -> None:
        """Let a key in from now on."""
        with self.authorized.open("a") as file:
            file.write(Path(f"{key}.pub").read_text())

    @contextmanager
    def changed_host_key(self) -> Iterator[None]:
        """Answer with another host key, as a machine that was set up anew; its type is the same."""
        with self._other(self._host_keys[1], SFTP):
            yield

    @contextmanager
    def without_sftp(self) -> Iterator[None]:
        """Offer no file transfer."""
        with self._other(self._host_keys[0], ""):
            yield

    @contextmanager
    def sessions_at_once(self, number: int) -> Iterator[None]:
        """Allow so many on one connection: commands that run, and file transfer."""
        with self._other(self._host_keys[0], f"MaxSessions {number}\n{SFTP}"):
            yield

    @contextmanager
    def environment(self, values: Mapping[str, str]) -> Iterator[None]:
        """Give these variables to whatever is run, as the administrator of a login node does."""
        given = " ".join(f'"{name}={value}"' for name, value in values.items())
        with self._other(self._host_keys[0], f"{SFTP}SetEnv {given}\n"):
            yield

    @contextmanager
    def small_disk(self, size_bytes: int) -> Iterator[str]:
        """A folder of so many bytes; yields its path relative to the home. Needs root."""
        name = f"{self.folder}/small"
        place = self.home / name
        place.mkdir()
        user = pwd.getpwnam(self.user)
        how = f"size={size_bytes},uid={user.pw_uid},gid={user.pw_gid},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", how, "none", str(place)], check=True)
        try:
            yield name
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)
            place.rmdir()

    def sessions(self) -> list[psutil.Process]:
        """The processes that serve connections, two for each; killing them cuts these, and nothing else ends."""
        assert self._process is not None
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "sshd":
                    found.append(process)
        return found

    def running(self) -> list[psutil.Process]:
        """All processes of the user that belong neither to sshd nor, without root, to the suite."""
        assert self._process is not None
        mine = psutil.Process()
        known = {self._process.pid, mine.pid, *(p.pid for p in mine.children(recursive=True))}
        found = []
        for process in psutil.process_iter(["username", "name", "pid"]):
            told = process.info
            if told["username"] == self.user and told["name"] != "sshd" and told["pid"] not in known:
                found.append(process)
        return found if os.geteuid() == 0 else []

    def reset(self) -> None:
        """As it was at first: no connection, no file in `folder`, only `key` let in."""
        self.relay.go_on()
        self.relay.cut()
        shutil.rmtree(self.here, ignore_errors=True)  # a cleaning removes empty folders above its home
        self.here.mkdir()
        self._give(self.here)
        self.authorized.write_text(Path(f"{self.key}.pub").read_text())

    def close(self) -> None:
        self.relay.close()
        self._stop()
        shutil.rmtree(self.here, ignore_errors=True)

    @contextmanager
    def _other(self, host_key: Path, more: str) -> Iterator[None]:
        self._stop()
        self._start(host_key, more)
        try:
            yield
        finally:
            self._stop()
            self._start(self._host_keys[0])

    def _start(self, host_key: Path, more: str = SFTP) -> None:
        config = self.place / "sshd_config"
        config.write_text(
            f"Port {self.direct_port}\nListenAddress 127.0.0.1\nHostKey {host_key}\n"
            f"AuthorizedKeysFile {self.authorized}\nPidFile none\nUsePAM no\nStrictModes no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n"
            f"{more}PrintMotd no\nMaxSessions 50\n"
        )
        self._give(self.place)
        with (self.place / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user(), "/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        end = monotonic() + WAIT_S
        while monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.direct_port), 1.0):
                return
            assert self._process is not None
            assert self._process.poll() is None, (self.place / "sshd.log").read_text()
            sleep(0.02)
        raise AssertionError("sshd does not listen")

    def _stop(self) -> None:
        """End sshd and its connections."""
        if self._process is None:
            return
        sessions = self.sessions()
        self._process.terminate()
        self._process.wait(WAIT_S)
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.kill()
        psutil.wait_procs(sessions, WAIT_S)
        self._process = None

    def _as_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        user = pwd.getpwnam(self.user)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--reset-env"]

    def _give(self, path: Path) -> None:
        """Make the user the owner."""
        if os.geteuid() == 0:
            for one in (path, *path.rglob("*")):
                shutil.chown(one, self.user, pwd.getpwnam(self.user).pw_gid)


@contextmanager
def running_ssh_server() -> Iterator[SshServer]:
    """A server for the length of a session of tests; leaves no process, no user and no file behind."""
    place = Path(tempfile.mkdtemp(prefix=PLACES))
    place.chmod(0o755)
    try:
        with _ordinary_user(place) as user:
            server = SshServer(user, place / "sshd")
            try:
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _ordinary_user(place: Path) -> Iterator[str]:
    (place / "sshd").mkdir()
    if os.geteuid() != 0:
        yield pwd.getpwuid(os.geteuid()).pw_name
        return
    _remove_left_users()
    name = f"{USERS}{os.getpid()}"
    # The password `*` opens nothing, yet the account is not locked: sshd refuses a locked one even with a key.
    made = [
        "useradd",
        "--system",
        "--create-home",
        "--home-dir",
        str(place / "home"),
        "--shell",
        "/bin/bash",
        "-p",
        "*",
    ]
    subprocess.run([*made, name], check=True)
    try:
        yield name
    finally:
        _remove_user(name)


def _remove_left_users() -> None:
    """Users of runs that were killed, with their processes and files."""
    for user in pwd.getpwall():
        number = user.pw_name.removeprefix(USERS)
        if number != user.pw_name and number.isdecimal() and not psutil.pid_exists(int(number)):
            _remove_user(user.pw_name)
            place = Path(user.pw_dir).parent
            if place.name.startswith(PLACES):
                shutil.rmtree(place, ignore_errors=True)


def _remove_user(name: str) -> None:
    left = [process for process in psutil.process_iter(["username"]) if process.info["username"] == name]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, WAIT_S)
    subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)


def _public(key: Path) -> str:
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

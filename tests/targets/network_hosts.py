"""Hosts of a network of their own on this machine, whose cables can be pulled: packets vanish, and nobody says so.

Each host is a network namespace with one cable to a switch, which is one too; a third cable leads from the switch to
this machine. What is started `within` a host sees that network and no other, and all else of this machine.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import pytest

NAMES = "cb"
SOME = 512
"""Networks of 198.18.0.0/15, which is set aside for measuring: no other machine has an address of it."""


@dataclass(frozen=True)
class Host:
    """address: IPv4, reached from this machine and from the other hosts. namespace: its name, that of its port too."""

    address: str
    namespace: str
    switch: str

    @property
    def within(self) -> list[str]:
        """Words before a command that let it run there."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}"]

    def pull(self) -> None:
        """Pull its cable."""
        _ip("-n", self.switch, "link", "set", self.namespace, "down")

    def plug(self) -> None:
        """Put the cable in again."""
        _ip("-n", self.switch, "link", "set", self.namespace, "up")


@contextmanager
def network_hosts(count: int) -> Iterator[tuple[Host, ...]]:
    """Hosts that reach each other and this machine; they are gone afterwards, with what was started in the network.

    It skips the test where this machine may have no network of its own, such as in a container without that right.
    """
    if shutil.which("ip") is None:
        pytest.skip("there is no program ip (Debian: apt-get install iproute2)")
    _remove_left()
    own = f"{NAMES}{os.getpid()}"
    switch = f"{own}s"
    number = os.getpid() % SOME
    net = f"198.{18 + number // 256}.{number % 256}"
    hosts = tuple(Host(f"{net}.{10 + each}", f"{own}h{each}", switch) for each in range(count))
    try:
        _permitted("netns", "add", switch)
        _permitted("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        _cable(switch, "own", own)
        _ip("address", "add", f"{net}.1/24", "dev", own)
        _ip("link", "set", own, "up")
        for host in hosts:
            _ip("netns", "add", host.namespace)
            _cable(switch, host.namespace, "eth0", "netns", host.namespace)
            _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
            for name in ("eth0", "lo"):
                _ip("-n", host.namespace, "link", "set", name, "up")
        yield hosts
    finally:
        _try("link", "del", own)  # first: with its network it would go some time later, and the next one has its name
        for name in (switch, *(host.namespace for host in hosts)):
            _try("netns", "del", name)


def _cable(switch: str, port: str, *other: str) -> None:
    """Between the switch and a device elsewhere; it goes with either end."""
    _ip("link", "add", port, "netns", switch, "type", "veth", "peer", "name", *other)
    _ip("-n", switch, "link", "set", port, "master", "bridge", "up")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def _permitted(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no network of its own is permitted: ip {' '.join(words)}: {done.stderr.strip()}")


def _remove_left() -> None:
    """Networks of runs that were killed."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in re.findall(rf"^{NAMES}\d+\w+", listed, re.MULTILINE):
        if not psutil.pid_exists(int(re.findall(r"\d+", name)[0])):
            _try("netns", "del", name)


def _try(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, capture_output=True)

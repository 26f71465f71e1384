"""Where others reach this machine: as they say themselves, and only where that is an address of its own."""

import socket

import pytest

from calibench.errors import TargetError
from calibench.targets import own_address
from calibench.targets.own_address import on_the_way_to, reached_at

OWN = {"127.0.0.1", "::1", "10.0.0.5", "fe80::1"}


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_address, "own_addresses", lambda: OWN)


@pytest.mark.parametrize(
    ("seen", "address"),
    [
        ({"a": "127.0.0.1", "b": "127.0.0.1"}, "127.0.0.1"),
        ({"a": "127.0.0.1", "b": "10.0.0.5"}, "10.0.0.5"),
        ({"a": "fe80::1%eth0"}, "fe80::1%eth0"),
        ({"a": "::1"}, "::1"),
    ],
)
def test_the_address_is_that_of_a_network_where_not_all_is_this_machine(seen: dict[str, str], address: str) -> None:
    assert reached_at(seen) == address


@pytest.mark.parametrize("address", ["192.0.2.7", ""])
def test_a_jump_host_in_between_is_seen(address: str) -> None:
    with pytest.raises(TargetError, match=r"lab: sees this machine as .*--listen ADDRESS"):
        reached_at({"lab": address})


def test_nodes_that_are_this_machine_reach_it_at_loopback() -> None:
    assert on_the_way_to(["no-such-node.invalid", "127.0.0.1"]) == "127.0.0.1"


def test_nodes_that_nobody_knows_by_name_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*words: object, **more: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TargetError, match=r"n1, n2: not known here by name\. .*--listen"):
        on_the_way_to(["n1", "n2"])

"""Addresses of targets, as a person writes them."""

import pytest

from calibench.errors import TargetError
from calibench.targets.target_address import parse_target
from calibench.things.target_spec import TargetSpec, WorkerHost


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        (["ssh://Me@Lab"], TargetSpec(kind="ssh", host="Lab", user="Me")),
        (["ssh://lab"], TargetSpec(kind="ssh", host="lab")),
        (["ssh://me@lab:2222"], TargetSpec(kind="ssh", host="lab", user="me", port=2222)),
        (["ssh://me@lab/"], TargetSpec(kind="ssh", host="lab", user="me")),
        (["ssh://me@[::1]:22"], TargetSpec(kind="ssh", host="::1", user="me")),
        (["slurm"], TargetSpec(kind="slurm")),
        (["pbs"], TargetSpec(kind="pbs")),
        (["slurm", "ssh://me@login"], TargetSpec(kind="slurm", host="login", user="me")),
        (["pbs", "ssh://me@login:2222"], TargetSpec(kind="pbs", host="login", user="me", port=2222)),
        (["dask", "tls://head:8786"], TargetSpec(kind="dask", scheduler="tls://head:8786")),
        (["dask", "slurm"], TargetSpec(kind="dask", worker_queue="slurm")),
        (["dask pbs"], TargetSpec(kind="dask", worker_queue="pbs")),
        (
            ["dask", "slurm", "ssh://me@login:2222"],
            TargetSpec(kind="dask", worker_queue="slurm", host="login", user="me", port=2222),
        ),
        (
            ["dask", "ssh://me@a", "ssh://b:2222"],
            TargetSpec(kind="dask", hosts=(WorkerHost(host="a", user="me"), WorkerHost(host="b", port=2222))),
        ),
        (["local"], TargetSpec()),
    ],
)
def test_every_form_of_an_address_is_read(words: list[str], spec: TargetSpec) -> None:
    assert parse_target(words) == spec


@pytest.mark.parametrize(
    "address",
    [
        "ssh://me@lab:2222",
        "slurm",
        "slurm ssh://me@login:22",
        "pbs ssh://login:22",
        "dask slurm",
        "dask pbs ssh://me@login:22",
        "dask ssh://me@a:22 ssh://b:2222",
    ],
)
def test_an_address_in_one_word_is_what_the_target_says_of_itself(address: str) -> None:
    assert parse_target([address]).address == address


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing: not an address of a target. These are: ssh://"),
        ([""], "not an address of a target"),
        (["lab"], "lab: not an address of a target. These are: ssh://"),
        (["me@lab"], "me@lab: not an address of a target"),
        (["slurm", "lab"], "slurm lab: not an address of a target"),
        (["ssh://lab", "slurm"], "not an address of a target"),
        (["local", "ssh://lab"], "not an address of a target"),
        (["dask"], "dask: not an address of a target"),
        (["dask", "slurm", "lab"], "slurm lab: not an address of a target"),
        (["dask", "local"], "local: a scheduler is reached over TLS"),
        (["dask", "ssh://a", "tls://head:1"], "not an address of a target"),
        (["dask", "tcp://head:8786"], "tcp://head:8786: a scheduler is reached over TLS"),
        (["dask", "tls://head"], "the port is missing"),
        (["ssh://"], "no host"),
        (["ssh://me@"], "no host"),
        (["ssh://me@-oProxyCommand=x"], "no host"),
        (["ssh://lab:0"], "no port that can be"),
        (["ssh://lab:99999"], "ssh://lab:99999: Port out of range"),
        (["ssh://lab:abc"], "ssh://lab:abc: Port could not be cast"),
        (["ssh://[::1"], "Invalid IPv6 URL"),
        (["ssh://lab/folder"], "nothing may follow the host"),
        (["ssh://lab?a=b"], "nothing may follow the host"),
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write(words: list[str], said: str) -> None:
    with pytest.raises(TargetError) as raised:
        parse_target(words)
    assert said in str(raised.value)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(TargetError, match="passwords are not used") as raised:
        parse_target(["ssh://me:geheim@lab"])
    assert "geheim" not in str(raised.value)

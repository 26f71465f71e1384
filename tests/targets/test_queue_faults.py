"""What a target asks of its queue in vain is a fault of its check, each with its mend."""

from typing import Any

import pytest

from calibench.targets.queue_faults import queue_faults
from calibench.things.target_spec import QueueSettings

MAIN = {
    "name": "main",
    "is_default": True,
    "is_open": True,
    "state": "up",
    "nodes": 2,
    "idle": 1,
    "walltime_s": None,
    "features": ["amx", "big"],
    "cores": 8,
    "memory_mb": 2000,
}
SHORT = MAIN | {"name": "short", "is_default": False, "walltime_s": 1800, "features": []}
CLOSED = MAIN | {"name": "closed", "is_default": False, "is_open": False, "state": "down"}


def said(*found: dict[str, Any], **asked: Any) -> list[str]:
    faults = queue_faults(found or (MAIN, SHORT, CLOSED), QueueSettings(**asked), "me@login")
    assert {fault.cause for fault in faults} <= {"queue"}
    return [f"{fault.sentence} {fault.mend}" for fault in faults]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"queue": "short", "walltime_s": 1800, "cores": 8, "memory_mb": 2000},
        {"node_type": "amx", "walltime_s": 10**7},
        {"node_type": "amx&big|small"},
    ],
)
def test_what_the_queue_has_is_no_fault(asked: dict[str, Any]) -> None:
    assert said(**asked) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"queue": "night"}, "there is no queue night. Choose one with --queue: main, short, closed."),
        (
            {"queue": "short", "walltime_s": 7200},
            "the queue short ends jobs after 0:30:00, and 2:00:00 are asked for. Ask for less with --walltime.",
        ),
        ({"node_type": "tpu"}, "the queue main has no nodes of the type tpu. Choose one with --node-type: amx, big."),
        (
            {"queue": "short", "node_type": "amx"},
            "the queue short has no nodes of the type amx. Leave --node-type out.",
        ),
        ({"cores": 9}, "the queue main has nodes of at most 8 cores, and 9 are asked for. Ask for fewer with --cores."),
        (
            {"memory_mb": 4000},
            "the queue main has nodes of at most 2000 MB, and 4000 are asked for. Ask for fewer with --memory.",
        ),
        (
            {"queue": "closed"},
            "the queue closed starts no jobs now (down). "
            "Choose another one with --queue, or check again when its administrator has opened it.",
        ),
    ],
)
def test_what_the_queue_cannot_give_is_said_with_its_mend(asked: dict[str, Any], says: str) -> None:
    assert said(**asked) == [f"me@login: {says}"]


def test_what_a_queue_does_not_tell_is_not_judged() -> None:
    silent = MAIN | {"features": None, "cores": None, "memory_mb": None}
    assert said(silent, node_type="amx", cores=500, memory_mb=10**6) == []
    assert said(SHORT, node_type="amx") == []
    assert said(SHORT, walltime_s=7200) == []

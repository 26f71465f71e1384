"""What a target asks of its queue that the queue cannot give, seen before a job waits for it in vain."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from calibench.targets.job_script import WORTH_WARNING_S
from calibench.things.kept import Fault
from calibench.things.target_spec import QueueSettings

ONE_NAME = re.compile(r"[\w.-]+")
"""Of a node type; anything else is an expression, which only the queue can judge."""


def queue_faults(found: Sequence[Mapping[str, Any]], asked: QueueSettings, where: str) -> tuple[Fault, ...]:
    """What is wrong; (): nothing, or not certain.

    Args:
        found: the queues, as of `queue_list.queues`.
        where: as sentences call the machine that submits.
    """
    names = [str(each["name"]) for each in found]
    chosen = [each for each in found if (each["name"] == asked.queue if asked.queue else each["is_default"])]
    if asked.queue and found and not chosen:
        return (_fault(f"{where}: there is no queue {asked.queue}.", f"Choose one with --queue: {', '.join(names)}."),)
    return tuple(fault for each in chosen for fault in _of_one(each, asked, where))


def short_walltime(asked: QueueSettings) -> str:
    """What a person should know of a walltime that is too short for a warning before it; '' where it is not."""
    if asked.walltime_s is None or asked.walltime_s >= WORTH_WARNING_S:
        return ""
    return (
        f"A walltime of {asked.walltime_s} s is too short for the queue to warn a job before it ends it: what is not "
        f"done then is done again by a retry. Ask for {WORTH_WARNING_S // 60} minutes or more."
    )


def _of_one(queue: Mapping[str, Any], asked: QueueSettings, where: str) -> Iterator[Fault]:
    name = f"{where}: the queue {queue['name']}"
    longest, features = queue["walltime_s"], queue["features"]
    if not queue["is_open"]:
        mend = "Choose another one with --queue, or check again when its administrator has opened it."
        yield _fault(f"{name} starts no jobs now ({queue['state']}).", mend)
    if longest is not None and asked.walltime_s is not None and asked.walltime_s > longest:
        limit, wanted = timedelta(seconds=longest), timedelta(seconds=asked.walltime_s)
        yield _fault(f"{name} ends jobs after {limit}, and {wanted} are asked for.", "Ask for less with --walltime.")
    if (
        features is not None
        and asked.node_type
        and ONE_NAME.fullmatch(asked.node_type)
        and asked.node_type not in features
    ):
        known = f"Choose one with --node-type: {', '.join(features)}." if features else "Leave --node-type out."
        yield _fault(f"{name} has no nodes of the type {asked.node_type}.", known)
    for field, option, unit in (("cores", "--cores", "cores"), ("memory_mb", "--memory", "MB")):
        has, count = queue[field], getattr(asked, field)
        if has is not None and count is not None and count > has:
            sentence = f"{name} has nodes of at most {has} {unit}, and {count} are asked for."
            yield _fault(sentence, f"Ask for fewer with {option}.")


def _fault(sentence: str, mend: str) -> Fault:
    return Fault(cause="queue", sentence=sentence, mend=mend)

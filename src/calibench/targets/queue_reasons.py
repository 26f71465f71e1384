"""Why a job waits or has ended, in words that are the same for every queue."""

import re
from datetime import timedelta

NEVER = "it can never run as it was asked for. Cancel it and ask for less, or for another queue"
_WALLTIME, _MEMORY, _NODE = "walltime", "out of memory", "node failure"

_SHORT_OF_MEMORY = ", as a machine does that runs out of memory"

_WAITS = {
    "Resources": "no node is free now",
    "Priority": "other jobs come first",
    "PartitionDown": "the queue starts no jobs now; its administrator opens it, or another one takes the job",
    "PartitionInactive": "the queue is closed; its administrator opens it, or another one takes the job",
    "ReqNodeNotAvail": "its nodes are down or reserved",
    "QOSMaxJobsPerUserLimit": "as many jobs of this user run as may",
    "Not Running: Insufficient amount of resource": "no node is free now",
}
"""What it means that a job waits with such a reason of Slurm or PBS."""


def walltime(limit_s: int | None) -> str:
    """It ran as long as it may."""
    return f"{_WALLTIME}: its time was up{'' if limit_s is None else f' after {timedelta(seconds=limit_s)}'}"


def is_walltime(reason: str) -> bool:
    """Whether a job ended because its time was up, so that it can be resumed with more."""
    return reason.startswith(f"{_WALLTIME}:")


def cancelled() -> str:
    """Somebody ended it."""
    return "cancelled in the queue, not by Calibench"


def failed_node(node: str) -> str:
    """The machine went away."""
    return f"{_NODE}: the node {node} that it ran on failed" if node else f"{_NODE}: its node failed"


def out_of_memory(asked: str) -> str:
    """It used more than it may."""
    of = f" than the {asked} it asked for" if re.match(r"[1-9]", asked) else " than it may"
    return f"{_MEMORY}: it used more{of}"


def killed(signal: str) -> str:
    """A signal ended it that it did not send itself."""
    return f"ended by signal {signal}{_SHORT_OF_MEMORY if signal == '9' else ''}"


def meant(reason: str) -> str:
    """Why a job waits, for somebody who does not know the words of the queue; those stay."""
    for word, says in _WAITS.items():
        if reason.startswith(word):
            return f"{reason} ({says})"
    return reason


def way_out(reason: str) -> str:
    """What a person does about a job that its queue has ended."""
    if is_walltime(reason):
        return "Give it more time with --walltime, then retry."
    if reason.startswith(_MEMORY) or reason.endswith(_SHORT_OF_MEMORY):
        return "Ask for more with --memory, then retry."
    if reason.startswith(_NODE):
        return "Retry: the queue takes another node, or waits for this one."
    return "Retry; if that ends in the same way, ask who runs the queue."


def in_messages(text: str, limit_s: int | None = None) -> str:
    """What a queue wrote into the output of a job that it ended; '': nothing."""
    if re.search(r"DUE TO TIME LIMIT|PBS: job killed: walltime", text):
        return walltime(limit_s)
    if re.search(r"oom.kill|exceeded (job )?memory limit|PBS: job killed: v?mem", text, re.IGNORECASE):
        return out_of_memory("")
    node = re.search(r"JOB \d+ ON (\S+) CANCELLED AT \S+ DUE TO NODE FAILURE", text)
    if node:
        return failed_node(node[1])
    return cancelled() if re.search(r"\*\*\* JOB \d+ ON \S+ CANCELLED AT ", text) else ""

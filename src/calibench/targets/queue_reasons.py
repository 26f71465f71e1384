"""Why a job waits or has ended, in words that are the same for every queue."""

import re
from datetime import timedelta

NEVER = "it can never run as it was asked for. Cancel it and ask for less, or for another queue"
_WALLTIME = "walltime"


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
    return f"node failure: the node {node} that it ran on failed" if node else "node failure: its node failed"


def out_of_memory(asked: str) -> str:
    """It used more than it may."""
    of = f" than the {asked} it asked for" if re.match(r"[1-9]", asked) else " than it may"
    return f"out of memory: it used more{of}. Ask for more memory"


def killed(signal: str) -> str:
    """A signal ended it that it did not send itself."""
    often = ", as a machine does that runs out of memory" if signal == "9" else ""
    return f"ended by signal {signal}{often}"


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

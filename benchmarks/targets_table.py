"""What the benchmarks of other machines and of workers have found, as sections of docs/reference/benchmarks.md."""

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.task_table import where

Row = dict[str, Any]
ALONE = "1 process, 1 core"
WORDS = {ALONE: "one process", "1 workers": "1 worker"}


def ssh_section(result: Row) -> list[str]:
    """A machine over SSH beside this one."""
    there, follow, upload = (result["rows"][name] for name in ("calibration", "followed", "upload"))
    more = _range([away - here for away, here in zip(there["there_s"], there["here_s"], strict=True)], 1)
    speed = _range([ours / scp for ours, scp in zip(upload["ours_mb_s"], upload["scp_mb_s"], strict=True)], 2)
    seconds = statistics.median(there["here_s"])
    minute = follow["sent_bytes"] * 60 / follow["seconds"] / 1000
    return [
        "## A machine over SSH",
        "",
        f"`{result['command']}`; {where(result)}.",
        f"A real sshd on the loopback, with an ordinary user. The demo's calibration of {seconds:.0f} s runs here and",
        "there in turns, after one run there that does not count; an upload of",
        f"{upload['mb']:.0f} MB is measured beside `scp`, in turns. All values: `benchmarks/results/ssh-target.json`.",
        "",
        "| What | Measured | Wanted |",
        "| --- | --- | --- |",
        f"| Longer there than here, s | {more} | 5 |",
        f"| Sent by a second run of the same, kB | {max(there['sent_bytes']) / 1000:.1f} | 100 |",
        f"| Sent in a minute by a job that tells nothing, kB | {minute:.1f} | - |",
        f"| Upload, times the speed of scp | {speed} | 0.8 |",
    ]


def spread_section(result: Row) -> list[str]:
    """Workers of one calibration on this machine."""
    computing, waiting = result["rows"]["computing"], result["rows"]["waiting"]
    alone = computing["seconds"][ALONE]
    rows = [
        f"| {WORDS.get(name, name)} | {_range(seconds, 1)} | {_range(_times(alone, seconds), 2)} | "
        f"{'1.7' if name == '2 workers' else '-'} |"
        for name, seconds in computing["seconds"].items()
    ]
    four = statistics.median(waiting["seconds"]["4 workers"])
    return [
        "## Workers that share a calibration",
        "",
        f"{' and '.join(f'`{each}`' for each in result['command'])}; {_machine(result['machine'])}.",
        f"The validation of two models on {computing['work']['samples']:,} samples, by worker processes, beside one",
        "process that uses one core; in turns, every outcome the same",
        "([the model of its cost](../explanation/spread.md)). All values: `benchmarks/results/spread.json`.",
        "",
        "| Who | Seconds | Times one process | Wanted |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"The model, fitted on one and two workers, says {waiting['predicted_4']:.1f} s for four, and {four:.1f} were "
        f"measured ({100 * waiting['error_4']:+.0f} %), with samples",
        f"that wait instead of computing, because there are {waiting['cores']} cores.",
    ]


def _times(alone: Sequence[float], shared: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(alone, shared, strict=True)]


def _machine(machine: Row) -> str:
    cores, flags = machine["physical_cores"], ", ".join(machine["flags"])
    return f"{machine['cpu']}, {cores} shared cores ({flags}); openvino {machine['openvino'].partition('-')[0]}"


def _range(values: Sequence[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}, {len(values)} rounds)"

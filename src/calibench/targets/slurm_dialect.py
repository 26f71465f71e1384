"""Slurm: its directives, and what `scontrol show job` says of a job. It tells of ended jobs for five minutes."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from qtoolkit.core.data_objects import QState
from qtoolkit.core.exceptions import OutputParsingError
from qtoolkit.io.slurm import SlurmIO, SlurmState

from calibench.targets.job_script import WARNED_S, WORTH_WARNING_S, body
from calibench.targets.queue_dialect import Dialect, Known
from calibench.targets.queue_reasons import NEVER, cancelled, failed_node, killed, out_of_memory, walltime
from calibench.things.target_spec import QueueSettings

NEVER_RUNS = {
    "PartitionTimeLimit": "its walltime is over the limit of the queue",
    "PartitionNodeLimit": "it asks for more nodes than the queue has",
    "PartitionConfig": "no node of the queue has what it asks for",
    "BadConstraints": "no node has what it asks for",
    "InvalidAccount": "the queue does not know the account",
    "InvalidQOS": "the queue does not know the quality of service",
    "AccountNotAllowed": "the account may not use the queue",
    "QOSNotAllowed": "its quality of service may not use the queue",
    "DependencyNeverSatisfied": "what it waits for has failed",
    "QOSMaxWallDurationPerJobLimit": "its walltime is over the limit of the account",
    "AssocMaxWallDurationPerJobLimit": "its walltime is over the limit of the account",
    "QOSMaxCpuPerJobLimit": "it asks for more cores than the account may",
    "AssocMaxCpuPerJobLimit": "it asks for more cores than the account may",
    "QOSMaxMemoryPerJob": "it asks for more memory than the account may",
    "AssocMaxMemPerJob": "it asks for more memory than the account may",
}
"""Reasons with which a job waits for ever, unless somebody changes the queue or the job."""
STATES: Any = SlurmState
"""An enumeration, which its stubs do not say."""
NO_ACCOUNT = "can't use this partition"
WAITS = (QState.QUEUED, QState.QUEUED_HELD, QState.REQUEUED, QState.REQUEUED_HELD)
AT_WORK = (QState.RUNNING, QState.SUSPENDED)


def read_job(said: str) -> Known | None:
    """What a line of `scontrol show job -o` says; None: it tells of no job."""
    values = {key: value.strip() for key, value in re.findall(r"(\S+?)=(.*?)(?=\s+[\w/:.]+=|\s*$)", said)}
    if "JobState" not in values:
        return None
    state = next((known.qstate for known in STATES if known.value == values["JobState"]), None)
    if state is None:  # one that qtoolkit does not know, such as LAUNCH_FAILED
        return Known("ended" if "FAIL" in values["JobState"] else "queued", values["JobState"])
    limit = limit_s(values.get("TimeLimit"))
    if state in WAITS:
        return Known("queued", _why_it_waits(values), walltime_s=limit)
    if state in AT_WORK:
        return Known("running", "suspended by the queue" if state == QState.SUSPENDED else "", walltime_s=limit)
    code, _, signal = values.get("ExitCode", "").partition(":")
    return Known("ended", _why_it_ended(values, signal, limit), int(code) if code.isdecimal() else None, limit)


def _why_it_waits(values: Mapping[str, str]) -> str:
    """The reason of the queue in its words, where it never ends with what is meant by it."""
    state, reason = values["JobState"], values.get("Reason", "None").replace("_", " ").strip()
    if reason in ("None", "(null)", ""):
        return "" if state == "PENDING" else state
    if NO_ACCOUNT in reason:
        return f"{reason}; {NEVER}"
    meant = NEVER_RUNS.get(reason)
    return reason if meant is None else f"{reason}: {meant}; {NEVER}"


def _why_it_ended(values: Mapping[str, str], signal: str, limit: int | None) -> str:
    """Of what the queue did; '': it ended by itself."""
    state = values["JobState"]
    if state in ("TIMEOUT", "DEADLINE"):
        return walltime(limit)
    if state in ("NODE_FAIL", "BOOT_FAIL"):
        return failed_node(values.get("BatchHost") or values.get("NodeList") or "")
    if state == "CANCELLED":
        return cancelled()
    if state == "OUT_OF_MEMORY":
        return out_of_memory(values.get("MinMemoryNode", ""))
    if state == "FAILED" and signal not in ("", "0"):
        return killed(signal)
    return "" if state in ("COMPLETED", "FAILED") else f"{state}: ended by the queue"


def limit_s(text: str | None) -> int | None:
    """Seconds of a time as Slurm writes it; None: unlimited."""
    try:
        seconds: int | None = SlurmIO._convert_str_to_time(text)
    except OutputParsingError:
        return None
    return seconds


def _options(asked: QueueSettings, name: str) -> Mapping[str, Any]:
    """Values of qtoolkit's directives."""
    more = ["#SBATCH --open-mode=append", "#SBATCH --no-requeue"]
    if asked.walltime_s is not None and asked.walltime_s >= WORTH_WARNING_S:
        more.append(f"#SBATCH --signal=B:TERM@{WARNED_S}")
    values = {
        "job_name": name,
        "nodes": 1,
        "ntasks": 1,
        "cpus_per_task": asked.cores,
        "mem": None if asked.memory_mb is None else f"{asked.memory_mb}M",
        "time": None if asked.walltime_s is None else _as_time(asked.walltime_s),
        "partition": asked.queue,
        "account": asked.account,
        "constraint": asked.node_type,
        "qout_path": "log.txt",
        "qverbatim": "\n".join(more),
    }
    return {key: value for key, value in values.items() if value is not None}


def _as_time(seconds: int) -> str:
    time = timedelta(seconds=seconds)
    hours, rest = divmod(time.seconds, 3600)
    return f"{time.days}-{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def _body(asked: QueueSettings, command: str) -> str:
    return body('"$SLURM_SUBMIT_DIR"', command, asked.cores)


def _io() -> SlurmIO:
    io = SlurmIO()
    io.shebang = "#!/bin/bash"
    return io


SLURM = Dialect(
    name="Slurm",
    io=_io(),
    options=_options,
    body=_body,
    ask=_io().get_job_cmd,
    read=read_job,
    unknown=re.compile("Invalid job id specified"),
    job_id=re.compile(r"\d+"),
)

"""PBS (OpenPBS, PBS Professional, Torque): its directives, and what `qstat -f` says of a job."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from qtoolkit.core.data_objects import QState
from qtoolkit.io.pbs import PBSIO, PBSState

from calibench.targets.job_script import WARNED_S, WORTH_WARNING_S, body
from calibench.targets.queue_dialect import Dialect, Known
from calibench.targets.queue_reasons import NEVER, cancelled, failed_node, killed, out_of_memory, walltime
from calibench.things.target_spec import QueueSettings

NAME_LENGTH = 15
"""Letters of a job's name that every PBS takes."""
MESSAGES = "queue.txt"
"""What the queue itself writes to the output of a job."""
KILLED_WALLTIME, OF_MEMORY, OF_NODE, OF_SIGNAL = -29, (-26, -27), (-4, -5, -6), 256
"""Exit_status of a job that PBS ended: over its walltime, its memory, by a node that was lost, by 256 + a signal."""
NAMES_NODE = re.compile(r" on \(([^:)]+)")
COMPLETED = "C"
"""State of Torque, which qtoolkit does not know, for what OpenPBS calls F."""
SIGTERM = 15
STATES: Any = PBSState
"""An enumeration, which its stubs do not say."""


def attributes(said: str) -> dict[str, str]:
    """The values of the first thing that `qstat -f` or `pbsnodes` shows, lines that were folded in one."""
    whole = re.sub(r"\n\t(?!\s*[\w.]+ = )", "", said.replace("\r", ""))
    return {key: value.strip() for key, value in re.findall(r"^\s+([\w.]+) = (.*)$", whole, re.MULTILINE)}


def read_job(said: str) -> Known | None:
    """What `qstat -f` says of one job; None: it tells of no job."""
    values = attributes(said)
    if "job_state" not in values:
        return None
    limit = limit_s(values.get("Resource_List.walltime"))
    state = _state(values["job_state"])
    if state in (QState.DONE, QState.FAILED):
        status = values.get("Exit_status", "")
        code = int(status) if re.fullmatch(r"-?\d+", status) else None
        return Known("ended", _why_it_ended(values, code, limit), code, limit)
    if state == QState.RUNNING:
        return Known("running", walltime_s=limit)
    if state == QState.SUSPENDED:
        return Known("running", "suspended by the queue", walltime_s=limit)
    return Known("queued", _why_it_waits(values), walltime_s=limit)


def _state(letter: str) -> Any:
    """As a QState of qtoolkit."""
    if letter == COMPLETED:
        return QState.DONE
    return next((state.qstate for state in STATES if state.value == letter), QState.UNDETERMINED)


def _why_it_waits(values: Mapping[str, str]) -> str:
    comment = re.sub(r"^Not Running: ", "", values.get("comment", ""))
    if values["job_state"] == "H":
        return f"held{f': {comment}' if comment else ''}"
    return f"{comment}; {NEVER}" if comment.startswith("Can Never Run") else comment


def _why_it_ended(values: Mapping[str, str], code: int | None, limit: int | None) -> str:
    """Of what the queue did; '': it ended by itself."""
    comment = values.get("comment", "")
    if code == KILLED_WALLTIME or "exceeded resource walltime" in comment:
        return walltime(limit)
    if code in OF_MEMORY or re.search(r"exceeded resource v?mem\b", comment):
        return out_of_memory(values.get("Resource_List.mem", ""))
    if code in OF_NODE or "node failure" in comment.lower():
        node = NAMES_NODE.search(comment)
        return failed_node(node[1] if node else "")
    if (code is None and "terminated" in comment) or code == OF_SIGNAL + SIGTERM:
        return cancelled()
    if code is not None and code > OF_SIGNAL:
        return killed(str(code - OF_SIGNAL))
    return f"{comment} (Exit_status {code})".strip() if code is not None and code < 0 else ""


def limit_s(text: str | None) -> int | None:
    """Seconds of [[DD:]HH:]MM:SS; None: no limit."""
    parts = (text or "").split(":")
    if not all(part.isdecimal() for part in parts):
        return None
    weights = (1, 60, 3600, 86400)
    return sum(int(part) * weight for part, weight in zip(reversed(parts), weights, strict=False))


def _options(asked: QueueSettings, name: str) -> Mapping[str, Any]:
    """Values of qtoolkit's directives."""
    select = f"select=1:ncpus={asked.cores}"
    if asked.memory_mb is not None:
        select += f":mem={asked.memory_mb}mb"
    if asked.node_type is not None:
        select += f":{asked.node_type}" if "=" in asked.node_type else f":{asked.node_type}=True"
    values = {
        "job_name": name[:NAME_LENGTH].rstrip("-"),
        "select": select,
        "walltime": None if asked.walltime_s is None else _as_time(asked.walltime_s),
        "queue": asked.queue,
        "account": asked.account,
        "rerunnable": "n",
        "qout_path": MESSAGES,
        "qverbatim": "#PBS -j oe\n#PBS -S /bin/bash",
    }
    return {key: value for key, value in values.items() if value is not None}


def _as_time(seconds: int) -> str:
    time = timedelta(seconds=seconds)
    hours, rest = divmod(time.days * 86400 + time.seconds, 3600)
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def _body(asked: QueueSettings, command: str) -> str:
    """PBS starts a script in the home, and tells it to end only ten seconds before it kills it."""
    limit = asked.walltime_s
    warn_after_s = None if limit is None or limit < WORTH_WARNING_S else limit - WARNED_S
    return body('"${PBS_O_WORKDIR:-$PWD}"', command, asked.cores, warn_after_s)


def _ask(job: str) -> str:
    """Ended jobs stand behind -x; Torque and Slurm's own qstat know neither -x nor -w."""
    return f"qstat -x -f -w {job} 2> /dev/null || qstat -f {job}"


def _io() -> PBSIO:
    io = PBSIO()
    io.shebang = "#!/bin/bash"
    io.check_job_ids = False  # it wants a server in each, which Torque's wrappers do not have; see job_id below
    return io


PBS = Dialect(
    name="PBS",
    io=_io(),
    options=_options,
    body=_body,
    ask=_ask,
    read=read_job,
    unknown=re.compile("Unknown Job|Invalid job id|has finished", re.IGNORECASE),
    job_id=re.compile(r"\d+(\.[\w.-]+)?"),
)

"""What differs from one batch queue to another, as a value: commands, directives, and how their answers are read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from calibench.errors import TargetError
from calibench.targets.link import Answer, Link
from calibench.things.target_spec import QueueSettings, TargetSpec

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

OTHER_PLACES = "/usr/local/bin:/opt/slurm/bin:/usr/local/slurm/bin:/opt/pbs/bin:/usr/local/pbs/bin:/opt/torque/bin"
"""Where queues stand that are on the PATH of login shells only."""
NO_COMMAND = 127
"""Exit code of a shell for a program that is not there."""
QUEUE_WITHIN_S = 60.0
PLAIN = re.compile(r"[^\s\"'\\$`;<>]+")


@dataclass(frozen=True)
class Known:
    """What a queue knows of a job.

    `why`: why it waits, or how it ended where that was not the job's own doing. `walltime_s`: seconds; None: unlimited.
    """

    phase: Literal["queued", "running", "ended"]
    why: str = ""
    code: int | None = None
    walltime_s: int | None = None


@dataclass(frozen=True)
class Dialect:
    """One kind of queue. `io`: of qtoolkit, makes directives and commands; `unknown`: says that a job is not known."""

    name: str
    io: "BaseSchedulerIO"
    options: Callable[[QueueSettings, str], Mapping[str, Any]]
    body: Callable[[QueueSettings, str], str]
    ask: Callable[[str], str]
    read: Callable[[str], Known | None]
    unknown: re.Pattern[str]
    job_id: re.Pattern[str]


def dialect_of(spec: TargetSpec) -> Dialect:
    """How the queue of a target speaks.

    Raises:
        TargetError: qtoolkit is not installed, or the target is no queue.
    """
    try:
        if spec.kind == "slurm":
            from calibench.targets.slurm_dialect import SLURM

            return SLURM
        if spec.kind == "pbs":
            from calibench.targets.pbs_dialect import PBS

            return PBS
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "qtoolkit":
            raise
        raise TargetError("Batch queues need qtoolkit. Install it: pip install 'calibench[targets]'.") from None
    raise TargetError(f"{spec.address}: is no batch queue; those are slurm and pbs.")


async def ask_queue(link: Link, line: str, given: bytes = b"") -> Answer:
    """Run a line with commands of a queue, which may stand where only login shells look.

    Raises:
        TargetError: no answer within QUEUE_WITHIN_S.
    """
    return await link.run(f'PATH="$PATH:{OTHER_PLACES}"; {line}', given=given, within_s=QUEUE_WITHIN_S)


def text_of(answer: Answer) -> str:
    """All that a command said."""
    return "\n".join(part.decode(errors="replace").strip() for part in (answer.out, answer.err)).strip()


def telling(answer: Answer) -> str:
    """What a command said of its failure, in one line, without its name and without usage."""
    lines = [line.strip(" '\t") for line in text_of(answer).splitlines() if line.strip(" '\t")]
    errors = [line for line in lines if re.match(r"\w+: error: ", line)] or lines[:3]
    short = [re.sub(r"^\w+( error)?: (error: )?", "", line).rstrip(".") for line in errors]
    kept = [line for line in dict.fromkeys(short) if not line.lower().startswith(("usage", "(see "))]
    return "; ".join(kept) or f"exit code {answer.code}"


def plain(settings: QueueSettings) -> QueueSettings:
    """The settings, where all names can stand in a script.

    Raises:
        TargetError: a name holds blanks, quotes or what a shell would read as its own.
    """
    for field in ("queue", "node_type", "account"):
        value = getattr(settings, field)
        if value is not None and not PLAIN.fullmatch(value):
            raise TargetError(f"{field} {value!r}: holds blanks or signs that no queue has in a name. Correct it.")
    return settings

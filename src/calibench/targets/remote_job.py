"""A job that another machine does, as all steps of carrying see it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench.errors import TargetError
from calibench.targets.bundle import Bundle, End
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.link import Link
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.remote_record import RemoteRecord, write_record
from calibench.targets.starter import Starter
from calibench.things.target_spec import TargetSpec

ANSWER_S = 60.0


@dataclass
class RemoteJob:
    """What is asked for and where it stands. `record` is written before what it says is done.

    Attributes:
        folder: of the job here.
        bundle: as it is here, with its target.
        tell: to those who look at it here.
    """

    folder: Path
    bundle: Bundle
    spec: TargetSpec
    starter: Starter
    tell: CarriedProgress
    record: RemoteRecord

    def keep(self, **values: Any) -> None:
        """Change the record, here and on the disk."""
        self.record = RemoteRecord.model_validate({**self.record.model_dump(), **values})
        write_record(self.record, self.folder)

    @property
    def may_run(self) -> bool:
        """Whether something of it may be at work there, or wait for its turn."""
        return self.record.phase in ("starting", "started")


@dataclass(frozen=True)
class Reached:
    """The machine of a job, while there is a connection."""

    link: Link
    machine: RemoteMachine
    folder: str

    async def shell(self, command: str, given: bytes = b"") -> bytes:
        """Run a line that must succeed; what it printed.

        Raises:
            TargetError: it failed.
        """
        answer = await self.link.run(command, given=given, within_s=ANSWER_S)
        if answer.code:
            said = (answer.err or answer.out).decode(errors="replace").strip().splitlines()
            raise TargetError(f"{self.link.name}: {said[-1] if said else f'exit code {answer.code}'}. Look there.")
        return answer.out


def reached(link: Link, job: RemoteJob) -> Reached:
    """The machine behind a link that was opened just now."""
    machine = RemoteMachine(link, job.spec, job.record.job_id)
    return Reached(link, machine, machine.job_folder(job.record.job_id))


@dataclass(frozen=True)
class Stopped:
    """The work is over there. `end`: as it says itself; None: ended from outside, for a reason of the queue or ''."""

    end: End | None
    reason: str = ""

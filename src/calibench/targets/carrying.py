"""Have a job done by another machine: bring it there, follow it, fetch its result, leave nothing behind.

Every step stands in remote.json before it is done, and may be done twice. So a cut connection, or the death of the
process that carries, changes nothing: the way is gone again from where it was, and a job that runs there is followed.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from calibench.errors import CalibenchError, JobError, TargetError
from calibench.targets.bundle import Bundle, End
from calibench.targets.bundle_files import is_cancel_asked
from calibench.targets.cancellable import LetGo, cancellable
from calibench.targets.carried_files import Carried, carried
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.direct_start import DirectStart
from calibench.targets.fetched_result import fetch_result, fetch_search
from calibench.targets.followed_remote import follow
from calibench.targets.kept_trying import Patience, TurnedAway
from calibench.targets.link import Link, LinkLost, NoAnswer
from calibench.targets.opened_link import open_link
from calibench.targets.queue_reasons import way_out
from calibench.targets.remote_job import Reached, RemoteJob, Stopped, reached
from calibench.targets.remote_record import NOT_REMOVED, read_record, write_record
from calibench.targets.sent_job import is_laid, send_job, start_job
from calibench.targets.ssh_host_keys import is_changed
from calibench.targets.starter import Starter
from calibench.things.kept import Failure
from calibench.things.target_spec import QUEUES, TargetSpec

ATTEMPTS = 3
"""Processes that a job may use up, as here: two interruptions are bad luck, a third one has a reason."""
LEAVING_S = 6.0
"""Seconds within which a cancelled job is stopped and removed there; less than `local_process.CARRIED_GRACE_S`."""
LATER_S = 20.0
"""The same for a process that does nothing else: the one before it was gone when the job was cancelled."""
FULL_MB = 20
"""Megabytes below which a job cannot even say how it ended."""


def carry(folder: Path, bundle: Bundle, passphrase: str | None = None) -> End:
    """Have the job of a folder done by the target of its bundle; its result is in out/ afterwards.

    SIGINT cancels it, there too; so does SIGTERM where the folder says so, or a start after it said so. Without that,
    SIGTERM ends this process only: the end is `cancelled` with a failure that says what goes on there.

    Args:
        passphrase: of the key file of the target; never kept.

    Raises:
        CalibenchError: what hinders here or there, and what to do.
    """
    assert bundle.target is not None
    tell, record = CarriedProgress(folder), read_record(folder)
    write_record(record, folder)
    spec = bundle.target.carrier
    job = RemoteJob(folder, bundle, spec, starter_of(spec), tell, record)
    carrier = Carrier(job, passphrase)
    if is_cancel_asked(folder):
        return _left(carrier, job)
    tell.stage("prepare")
    try:
        if record.phase in ("new", "laying"):
            carrier.look_at_files()
        end = asyncio.run(cancellable(carrier.run, carrier.leave, lambda: is_cancel_asked(folder)))
    except KeyboardInterrupt:  # before there was a loop that hears signals
        asyncio.run(carrier.leave())
        raise
    except LetGo:
        return End(state="cancelled", failure=Failure(kind=TargetError.__name__, message=_goes_on(job)))
    if end is None:
        return End(state="cancelled")
    if end.state == "done":
        tell.finish()
    return end


def _left(carrier: "Carrier", job: RemoteJob) -> End:
    """The end of a job that was cancelled while nobody carried it."""
    try:
        asyncio.run(carrier.leave(LATER_S))
    except KeyboardInterrupt:  # told to end as well, before it was done: the next start does it
        return End(state="cancelled", failure=Failure(kind=TargetError.__name__, message=_goes_on(job)))
    return End(state="cancelled")


def starter_of(spec: TargetSpec) -> Starter:
    """How jobs of a target are started: at once, or through its queue."""
    if spec.kind in QUEUES:
        from calibench.targets.batch_queue import BatchQueue

        return BatchQueue(spec)
    return DirectStart()


class Carrier:
    """Carries one job, over as many connections as it takes."""

    def __init__(self, job: RemoteJob, passphrase: str | None = None) -> None:
        self._job, self._passphrase = job, passphrase
        self._patience = Patience(job.tell.note)
        self._link: Link | None = None
        self._carried: Carried | None = None

    def look_at_files(self) -> Carried:
        """What is to be sent; it takes a while the first time."""
        self._carried = self._carried or carried(self._job.bundle)
        return self._carried

    async def run(self) -> End:
        """The whole way.

        Raises:
            TargetError: also when a connection stays cut.
        """
        job = self._job
        is_first = job.record.phase in ("new", "laying")
        while True:
            try:
                there = await self._reach(is_first)
                is_first = False
                return await self._go_on(there)
            except LinkLost as error:
                name = self._link.name if self._link else job.spec.address
                await self._let_go()
                await self._patience.wait(name, error, _left_there(job))
            except TargetError:
                if job.record.phase in ("laying", "laid"):
                    await self.leave()
                raise
            finally:
                await self._let_go()

    async def leave(self, within_s: float = LEAVING_S) -> None:
        """Stop the job there, bring here what its search has found, and remove it; what cannot be done is said."""
        job = self._job
        if not job.record.is_left:
            return
        try:
            async with asyncio.timeout(within_s):
                there = reached(self._link or await open_link(job.spec, self._passphrase), job)
                if job.record.phase == "starting":  # it may run, and nobody heard by which handle
                    await start_job(job, there)
                if job.may_run:
                    await job.starter.stop(there.link, job.record.handle)
                    await fetch_search(job, there, is_told=False)
                await there.machine.remove_job(job.record.job_id)
        except (CalibenchError, TimeoutError, OSError) as error:
            reason = str(error).rstrip(".") or f"no answer within {within_s:g} s"
            job.tell.note(f"{NOT_REMOVED}{reason}. {_left_behind(job)}")
        else:
            job.keep(phase="new", handle="", attempts=0)
            job.tell.begin_anew()
        finally:
            await self._let_go()

    async def _reach(self, is_first: bool) -> Reached:
        """A new connection. Where something is there already, no refusal is final: the machine may be starting. But
        where it may be another machine by now, only a person can say what comes next."""
        try:
            self._link = await open_link(self._job.spec, self._passphrase)
        except TargetError as error:
            if is_first:
                raise
            if is_changed(error):
                raise TargetError(f"{error} {_left_there(self._job)}") from None
            raise (LinkLost(error.says) if isinstance(error, NoAnswer) else TurnedAway(str(error))) from None
        there = reached(self._link, self._job)
        if self._patience.is_cut:  # what comes next may answer only after minutes
            await there.link.run("true")
            self._patience.back()
        return there

    async def _let_go(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(TargetError, OSError):
                await link.close()

    async def _go_on(self, there: Reached) -> End:
        """From where the job is to its end."""
        job = self._job
        is_there = False
        while True:
            phase = job.record.phase
            if phase in ("new", "laying"):
                await send_job(job, there, self.look_at_files())
                is_there = True
            elif phase == "laid" and not is_there and not await is_laid(there):
                job.keep(phase="new")
            elif phase in ("laid", "starting"):
                await start_job(job, there)
            elif phase == "started":
                await self._judge(await follow(job, there, self._patience.well), there)
            elif phase == "ended":
                await self._fetch(there)
            else:
                assert job.record.end is not None
                if phase == "fetched":
                    await self._remove(there)
                return job.record.end
            self._patience.well()

    async def _remove(self, there: Reached) -> None:
        """Remove what is there of a job whose result is here; what cannot be removed costs nobody the result."""
        try:
            await there.machine.remove_job(self._job.record.job_id)
        except LinkLost:
            raise
        except TargetError as error:
            self._job.tell.note(f"{NOT_REMOVED}{error} Do it later: calibench target clean.")
        else:
            self._job.keep(phase="removed")

    async def _judge(self, stopped: Stopped, there: Reached) -> None:
        """What it means that the work is over; one that did not end by itself is started again, as here."""
        job, name = self._job, there.link.name
        if stopped.end is not None and stopped.end.state != "cancelled":  # nobody here has cancelled it
            job.keep(phase="ended", end=stopped.end)
            return
        free_mb = (await there.machine.facts()).get("disk_free_mb")
        if free_mb is not None and free_mb < FULL_MB:
            sentence = f"{name}: the disk is full. Make room there (calibench target clean), then retry."
        elif job.spec.kind in QUEUES:
            reason = f" ({stopped.reason})" if stopped.reason else ""
            sentence = f"{name}: the queue ended the job before it was done{reason}. {way_out(stopped.reason)}"
        elif job.record.attempts < ATTEMPTS:
            job.tell.note(f"The process of this job on {name} was ended from outside; it is started again.")
            job.keep(phase="laid", handle="")
            return
        else:
            sentence = (
                f"{name}: the process of this job was ended from outside {ATTEMPTS} times. Is there enough memory? "
                "Look at the end of its log, then retry."
            )
        failed = End(state="failed", failure=Failure(kind=JobError.__name__, message=sentence))
        job.keep(phase="ended", end=failed, is_interrupted=True)

    async def _fetch(self, there: Reached) -> None:
        job = self._job
        end = job.record.end
        assert end is not None
        if end.state == "done":
            await fetch_result(job, there)
        elif job.record.is_interrupted and await fetch_search(job, there):
            assert end.failure is not None
            sentence = f"{end.failure.message} What the search has found is kept: a retry goes on with it."
            end = end.model_copy(update={"failure": Failure(kind=end.failure.kind, message=sentence)})
        job.keep(phase="fetched", end=end)


def _left_there(job: RemoteJob) -> str:
    """What to do about a job that is out of reach."""
    if job.record.phase in ("new", "laying", "laid"):
        return "Nothing runs there. Look at the machine and the way to it, then retry: what was sent is there."
    return "The job still runs there. Look at the machine and the way to it, then retry: it is found again."


def _left_behind(job: RemoteJob) -> str:
    """What to do about a job that was cancelled and could not be removed."""
    if job.may_run:
        return "It may go on there until it ends. A retry finds it again; cancel that one, or clean the target later."
    return "Do it later: calibench target clean."


def _goes_on(job: RemoteJob) -> str:
    """What became of a job whose carrier was told to end."""
    if job.may_run:
        return f"{job.spec.address}: this process was told to end; the job goes on there."
    return f"{job.spec.address}: this process was told to end; nothing of the job runs there now."

"""Jobs through a batch queue: Slurm or PBS, on this machine or behind a link. qtoolkit makes and reads the commands."""

import asyncio
import re
import time
from pathlib import PurePosixPath
from shlex import quote
from typing import Any

from calibench.errors import TargetError
from calibench.targets.job_script import SCRIPT, SUBMITTED, WARNED_S, WORTH_WARNING_S, Marks, read_marks
from calibench.targets.link import Answer, Link, LinkLost
from calibench.targets.queue_dialect import NO_COMMAND, Known, ask_queue, dialect_of, plain, telling, text_of
from calibench.targets.queue_list import queues
from calibench.targets.queue_reasons import in_messages, walltime
from calibench.targets.starter import QueueState
from calibench.things.target_spec import TargetSpec

__all__ = ["BatchQueue", "queue_job", "queues"]

STOPPED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.3
NO_FOLDER = 97
NAME_LENGTH = 40
CHANGE = "calibench target change NAME"
FORGOT = "the queue does not know it any more, and it did not write how it ended"
TOLD = "the queue told it to end before its time was up"
SILENT = "the queue does not answer"
EARLY_S = 90
"""Seconds by which Slurm may send the warning earlier than asked for; it looks every 30 s and rounds minutes."""
DOWN = re.compile("unable to contact|cannot connect|connection refused|communication failure", re.IGNORECASE)
STARTS = """\
cd {folder} || exit {no_folder}
umask 077
cat > {script} && rm -f started told_to_end code exit_code {submitted} && {submit} > {submitted}.part
code=$?
cat {submitted}.part
[ "$code" != 0 ] || mv {submitted}.part {submitted}
exit $code
"""


def queue_job(handle: str) -> str:
    """The number of a job as the queue calls it, for messages."""
    return handle.partition(" ")[0]


class BatchQueue:
    """Runs jobs when a queue has room for them. A handle is the queue's number of a job, and the job's folder.

    Raises:
        TargetError: qtoolkit is not installed, or the target is no queue, or a name in its settings cannot be one.
    """

    def __init__(self, spec: TargetSpec) -> None:
        self._spec = spec
        self._asked = plain(spec.queue)
        self._dialect = dialect_of(spec)

    async def start(self, link: Link, folder: str, command: str) -> str:
        """As of Starter. A job that was submitted from this folder, and has not ended, is not submitted again."""
        earlier = await self._submitted(link, folder)
        if earlier is not None:
            return earlier
        script = self.script(folder, command)
        line = STARTS.format(
            folder=quote(folder),
            no_folder=NO_FOLDER,
            script=SCRIPT,
            submitted=SUBMITTED,
            submit=self._dialect.io.get_submit_cmd(SCRIPT),
        )
        answer = await ask_queue(link, line, script.encode())
        if answer.code:
            raise await self._refused(link, folder, answer)
        job = self._job_in(answer.out)
        if job is None:
            raise TargetError(f"{self._where(link)}: submitted, but gave no number of the job: {text_of(answer)!r}.")
        return f"{job} {folder}"

    def script(self, folder: str, command: str) -> str:
        """The text that is submitted."""
        name = re.sub(r"[^\w.-]", "-", f"calibench-{PurePosixPath(folder).name}")[:NAME_LENGTH]
        options = dict(self._dialect.options(self._asked, name))
        text: str = self._dialect.io.get_submission_script(self._dialect.body(self._asked, command), options)
        return text if text.endswith("\n") else f"{text}\n"

    async def look(self, link: Link, handle: str) -> QueueState:
        """As of Starter. A queue that does not answer ends nothing: its silence is the reason that is shown.

        Raises:
            TargetError: the commands of the queue are not there (any more).
        """
        job, folder = self._parts(handle)
        marks = await read_marks(link, folder)
        if marks.code == 0:
            return QueueState("ended")
        known, silence = await self._known(link, job)
        if silence:
            marks = await read_marks(link, folder)  # a queue may be silent for long
            if marks.code is None:
                return QueueState("queued" if marks.started is None else "running", silence)
        if known is not None and known.phase != "ended" and marks.code is None:
            return QueueState(known.phase, known.why)
        return QueueState("ended", await self._why(link, folder, known))

    async def goes_on(self, link: Link, folder: str) -> bool:
        """Whether a job that was submitted from a folder waits or runs; so it does while the queue is silent."""
        return await self._submitted(link, folder) is not None

    async def stop(self, link: Link, handle: str) -> None:
        """As of Starter.

        Raises:
            TargetError: the queue does not do it, with its reason.
        """
        job, _ = self._parts(handle)
        end = time.monotonic() + STOPPED_WITHIN_S
        refused = await self._cancel(link, self._dialect.io.get_cancel_cmd(job))
        while time.monotonic() < end:
            known, silence = await self._known(link, job)
            if not silence and (known is None or known.phase == "ended"):
                return
            await asyncio.sleep(LOOK_EVERY_S)
        if refused:
            raise TargetError(f"{self._where(link)}: job {job} could not be cancelled: {refused}.")

    async def queues(self, link: Link) -> list[dict[str, Any]]:
        """The queues that it has, as of `queue_list.queues`."""
        return await queues(link, self._spec)

    async def _submitted(self, link: Link, folder: str) -> str | None:
        """The handle of a job that was submitted from a folder before, by somebody who could not note it."""
        said = await link.read(f"{folder}/{SUBMITTED}")
        job = self._job_in(said) if said.strip() else None
        if job is None:
            return None
        handle = f"{job} {folder}"
        return None if (await self.look(link, handle)).state == "ended" else handle

    def _job_in(self, out: bytes) -> str | None:
        """The number in the answer to a submission, of which the last line counts; above stand greetings."""
        last = (out.decode(errors="replace").strip().splitlines() or [""])[-1]
        job = str(self._dialect.io.parse_submit_output(0, last, "").job_id or "")
        return job if self._dialect.job_id.fullmatch(job) else None

    async def _known(self, link: Link, job: str) -> tuple[Known | None, str]:
        """What the queue knows of a job; and, where it did not answer, what it said instead."""
        try:
            answer = await ask_queue(link, self._dialect.ask(job))
        except LinkLost:
            raise
        except TargetError as error:
            return None, f"{SILENT}: {error}"
        said = text_of(answer)
        if answer.code == NO_COMMAND:
            raise self._no_command(link, answer)
        known = self._dialect.read(said)
        if known is None and not self._dialect.unknown.search(said) and (answer.code or said):
            return None, f"{SILENT}: {telling(answer)}"
        return known, ""

    async def _why(self, link: Link, folder: str, known: Known | None) -> str:
        """Why a job that did not succeed has ended: by the queue, else by itself."""
        marks = await read_marks(link, folder)  # again: it may have ended between the first look and the queue's answer
        if marks.code == 0:
            return ""
        if known is not None and known.why:
            return known.why
        limit = self._asked.walltime_s or (known.walltime_s if known else None)
        if _was_late(marks, limit):
            return walltime(limit)
        if known is None or known.phase != "ended" or known.code is None or marks.code is None:
            answer = await link.run(
                f"cd {quote(folder)} && cat {SCRIPT}.[eo]* queue.txt 2> /dev/null; tail -n 50 log.txt"
            )
            told = in_messages(answer.out.decode(errors="replace"), limit)
            if told:
                return told
        if marks.told is not None:
            return TOLD
        code = marks.code if marks.code is not None or known is None else known.code
        if code:
            return f"exit code {code}"
        return FORGOT if marks.code is None and known is None else ""

    async def _cancel(self, link: Link, command: str) -> str:
        """Send a command that ends a job; what the queue has against it, or ''."""
        answer = await ask_queue(link, command)
        if answer.code == NO_COMMAND:
            raise self._no_command(link, answer)
        return "" if answer.code == 0 or self._dialect.unknown.search(text_of(answer)) else telling(answer)

    async def _refused(self, link: Link, folder: str, answer: Answer) -> TargetError:
        """Why a submission failed, with the names that are known where a name was not."""
        if answer.code == NO_FOLDER:
            return TargetError(f"{link.name}: there is no folder {folder} for the job.")
        if answer.code == NO_COMMAND:
            return self._no_command(link, answer)
        line = telling(answer)
        if DOWN.search(line):
            return TargetError(f"{self._where(link)}: does not answer: {line}. Nothing was submitted; try again later.")
        mend = await self._choice(link, line) or "Ask for something else, or retry when the queue takes such jobs."
        return TargetError(f"{self._where(link)}: refused the job: {line}. {mend}")

    async def _choice(self, link: Link, line: str) -> str:
        """What there is instead of a name that a queue refused, and how to take it; '' where that is not the matter."""
        queue, node_type = self._asked.queue, self._asked.node_type
        if queue is not None and re.search(r"partition|queue", line, re.IGNORECASE):
            names = [str(one["name"]) for one in await queues(link, self._spec)]
            if names and queue not in names:
                return f"Its queues are {', '.join(names)}. Choose one: {CHANGE} --queue {names[0]}"
        if node_type is not None and re.search(r"feature|propert", line, re.IGNORECASE):
            asked = [one for one in await queues(link, self._spec) if queue in (None, one["name"])]
            types = sorted({each for one in asked for each in one["features"] or ()})
            if not types:
                return f"It tells of no node types. Leave it out: {CHANGE} --reset node-type"
            return f"Its node types are {', '.join(types)}. Choose one: {CHANGE} --node-type {types[0]}"
        return ""

    def _no_command(self, link: Link, answer: Answer) -> TargetError:
        return TargetError(
            f"{self._where(link)}: its commands are not found ({telling(answer)}). "
            "Name a login node of the queue, or put them on the PATH of shells that are not login shells."
        )

    def _where(self, link: Link) -> str:
        return f"{self._dialect.name} on {link.name}"

    def _parts(self, handle: str) -> tuple[str, str]:
        job, _, folder = handle.partition(" ")
        if not self._dialect.job_id.fullmatch(job) or not folder:
            raise TargetError(f"{handle!r}: is no job of {self._dialect.name}. Was remote.json changed?")
        return job, folder


def _was_late(marks: Marks, limit_s: int | None) -> bool:
    """Whether a job was told to end because its walltime came near; shorter ones are not warned."""
    if limit_s is None or limit_s < WORTH_WARNING_S or marks.started is None or marks.told is None:
        return False
    return marks.told - marks.started >= limit_s - WARNED_S - EARLY_S

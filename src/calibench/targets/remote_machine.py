"""A target as carriers see it: what it is, Calibench on it, files by their contents, folders of jobs."""

import asyncio
import hashlib
import shlex
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import calibench
from calibench.errors import TargetError
from calibench.targets.asked_remote import AskedRemote, TooOld
from calibench.targets.link import Link
from calibench.targets.own_wheel import EXTRAS, WITH_WORKERS, pinned, write_own_wheel
from calibench.targets.remote_side.python_there import package_print
from calibench.targets.remote_side.words_there import JOBS, WHEELS
from calibench.targets.sent_contents import HASHING_S, SentContents
from calibench.things.kept import Cleaned
from calibench.things.target_spec import TargetSpec

Told = Callable[[str], None]
"""Told a sentence when the next thing begins that takes a while."""

Installed = Callable[[int, int], None]
"""Told how many packages are installed there, of how many."""

SILENT_S = 600.0
"""Seconds within which who installs there tells something; old environments are removed before, which may take long."""


@dataclass(frozen=True)
class Seen:
    """What is new of a job.

    Attributes:
        events, log: what its files have more; of events whole lines.
        end: text of its end.json; '': it has not ended.
        is_gone: its process is not there any more.
    """

    events: bytes
    log: bytes
    end: str
    is_gone: bool


class RemoteMachine:
    """What is done over a link on the machine of a target, all of it below its home.

    Every method raises LinkLost when the connection is cut, and TargetError with a sentence for what hinders there.

    Args:
        sender: tells uploads of the same content apart that run at the same time, such as the id of a job. The same
            one goes on where it was cut.
    """

    def __init__(self, link: Link, spec: TargetSpec, sender: str = "host") -> None:
        self._link, self._spec = link, spec
        self._asked = AskedRemote(link, spec)
        self._ask = self._asked.ask
        contents = SentContents(link, self._asked, sender)
        self.missing, self.send = contents.missing, contents.send  # see there

    async def facts(self) -> dict[str, Any]:
        """The machine in the words of calibench.machine ("cpu", "flags", "physical_cores", ... "disk_free_mb" below
        its home), with "load" (1, 5, 15 minutes), "calibench" (version there, or None) and "faults": what hinders a
        job, each {"cause", "says", "mend"}; () is ready.
        """
        try:
            found: dict[str, Any] = await self._ask("facts")
        except TooOld as old:
            return {"python": old.version, "faults": [{"cause": "python", "says": old.says, "mend": old.mend}]}
        return found

    async def environment(
        self,
        told: Told = lambda sentence: None,
        *,
        installed: Installed = lambda done, total: None,
        has_workers: bool = False,
    ) -> str:
        """Bring Calibench there where it is not yet, in exactly the version of this process.

        Args:
            has_workers: it starts workers of a cluster from there.

        Returns:
            The words of a shell that run it: `... run FOLDER`.

        Raises:
            TargetError: it cannot be installed; says the reason and the mend.
        """
        extras, module = (WITH_WORKERS, "dask_jobqueue") if has_workers else (EXTRAS, "")
        return _command(await self.python_with(extras, module, told, installed))

    async def python_with(
        self,
        extras: tuple[str, ...],
        module: str = "",
        told: Told = lambda sentence: None,
        installed: Installed = lambda done, total: None,
    ) -> str:
        """A Python there that has Calibench in exactly the version of this process, made where there is none.

        Args:
            extras: optional parts that it has.
            module: shows whether a Python which has Calibench already has those, too; "": nobody looks.

        Raises:
            TargetError: as `environment`.
        """
        own = package_print(Path(calibench.__file__).parent)
        there = await self._ask("installed", within_s=HASHING_S)
        if there is not None and there["print"] == own and (not module or await self._has(there["python"], module)):
            return str(there["python"])
        with tempfile.TemporaryDirectory(prefix="calibench-") as folder:
            wheel = write_own_wheel(Path(folder))
            pins = pinned(extras)
            key = hashlib.sha256("\n".join((_sha256(wheel), *pins)).encode()).hexdigest()[:16]
            python = await self._ask("environment", key=key)
            if python is None:
                told(f"{self._link.name}: Calibench is installed there; the first time takes a few minutes.")
                python = await self._make_environment(key, wheel, pins, extras, installed)
        return str(python)

    async def lay(self, job_id: str, files: Mapping[str, str | None], texts: Mapping[str, str] | None = None) -> str:
        """Make the folder of a job out of contents that are there; None: an empty placeholder.

        Files in its in/ are hard links to what other jobs use too and may not be written; others are copies.

        Args:
            texts: small files that are written last.

        Returns:
            The absolute path of the folder.
        """
        return str(
            await self._ask(
                "lay", within_s=HASHING_S, folder=f"{JOBS}/{job_id}", files=dict(files), texts=dict(texts or {})
            )
        )

    def job_folder(self, job_id: str) -> str:
        """Where a job lies, from the user's home (unless the home of the target is absolute)."""
        return f"{self._asked.home}/{JOBS}/{job_id}"

    async def follow(
        self, job_id: str, events: int, log: int, process: str = "", for_s: float | None = None
    ) -> AsyncGenerator[Seen, None]:
        """What a job writes, as it comes, until it has ended there; what it last wrote comes with that.

        Args:
            events, log: bytes of its files that are known.
            process: handle of it as DirectStart gives it; '': it may be on another node, and its files on a disk that
                many share, which is looked at less often.
            for_s: seconds that it is followed at most; None: to its end.
        """
        asked: dict[str, Any] = {"job_id": job_id, "events": events, "log": log, "process": process, "for_s": for_s}
        async with aclosing(self._asked.hear("follow", **asked)) as answers:
            async for told in answers:
                new = {name: str(told[name]).encode("latin-1") for name in ("events", "log")}
                yield Seen(new["events"], new["log"], told["end"], told["is_gone"])

    async def manifest(self, job_id: str, below: Sequence[str] = ("out",)) -> dict[str, tuple[str, int]]:
        """SHA-256 and size of every file of a result, by its path from the job's folder.

        What an interrupted search needs to go on lies in out/ too.
        """
        found = await self._ask("manifest", within_s=HASHING_S, job_id=job_id, below=list(below))
        return {name: (sha256, size) for name, (sha256, size) in found.items()}

    async def remove_job(self, job_id: str) -> int:
        """Remove the folder of a job that does not run any more; gives the bytes freed."""
        return int(await self._ask("remove_job", job_id=job_id))

    async def submitted(self) -> list[tuple[str, str]]:
        """Name and folder of the jobs that were given to a queue and did not say that they ended."""
        return [(job, folder) for job, folder in await self._ask("submitted")]

    async def clean(self, running: Sequence[str] = (), over: Sequence[str] = ()) -> Cleaned:
        """Remove all that is kept there, but jobs that go on, whoever started them, and what they need.

        Args:
            running, over: jobs of which a queue says that they run or wait, or that it ended them; of others it is seen
                there by their process and their files.
        """
        told = await self._ask("clean", within_s=HASHING_S, running=list(running), over=list(over))
        return Cleaned(freed_bytes=told["freed"], jobs_kept=told["kept"])

    async def _has(self, python: str, module: str) -> bool:
        return (await self._link.run(f"{shlex.quote(python)} -I -c 'import {module}'")).code == 0

    async def would_clean(self, running: Sequence[str] = (), over: Sequence[str] = ()) -> dict[str, int]:
        """The bytes that `clean` would free: of "environments", "files" and "jobs"; and "kept": jobs that go on."""
        asked: dict[str, Any] = {"running": list(running), "over": list(over)}
        found: dict[str, int] = await self._ask("would_clean", within_s=HASHING_S, **asked)
        return found

    async def _make_environment(
        self, key: str, wheel: Path, pins: list[str], extras: tuple[str, ...], installed: Installed
    ) -> str:
        own = f"{WHEELS}/{key}"
        await self._lay_wheels(own, [wheel])
        wheels = None
        if self._spec.wheels is not None:
            given = _wheels_in(self._spec.wheels)
            names = "\n".join(f"{path.name} {path.stat().st_size}" for path in given)
            wheels = f"{WHEELS}/{hashlib.sha256(names.encode()).hexdigest()[:16]}"
            await self._lay_wheels(wheels, given)
        asked = {"key": key, "wheel": f"{own}/{wheel.name}", "pins": pins, "wheels": wheels, "extras": ",".join(extras)}
        python = ""
        async with aclosing(self._asked.hear("make_environment", within_s=SILENT_S, **asked)) as answers:
            async for told in answers:
                if "python" in told:
                    python = told["python"]
                else:
                    installed(told["done"], told["total"])
        return python

    async def _lay_wheels(self, folder: str, wheels: Sequence[Path]) -> None:
        hashes = {path.name: await asyncio.to_thread(_sha256, path) for path in wheels}
        await self.send({hashes[path.name]: path for path in wheels}, lambda count: None)
        await self._ask("lay", folder=folder, files=hashes)


def _command(python: str) -> str:
    return f"{shlex.quote(python)} -I -m calibench"


def _wheels_in(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if not found:
        raise TargetError(f"{folder}: holds no wheels. Fill it: pip download --dest {folder} calibench")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

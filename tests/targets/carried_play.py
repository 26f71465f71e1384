"""Carry a played job: `played_job.py` stands in for Calibench there. As a program it carries the job of a folder, up to
a phase where one is named."""

import json
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import write_bundle
from calibench.targets.conversation import Conversation
from calibench.targets.link import Answer, Link, LinkLost, Moved
from calibench.targets.local_link import LocalLink
from calibench.targets.remote_job import RemoteJob
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec

PLAYED = Path(__file__).with_name("played_job.py").read_text()


async def played(self: RemoteMachine, told: object = None, **more: object) -> str:
    """In place of an environment with Calibench."""
    return f"{shlex.quote(self._spec.python)} -I -c {shlex.quote(PLAYED)}"


def play(folder: Path, home: Path, plan: dict[str, Any], **spec: Any) -> Path:
    """The folder of a job that is played on this machine, or where `spec` says."""
    dataset = folder.parent / f"{folder.name}-data"
    dataset.mkdir(parents=True, exist_ok=True)
    (dataset / "plan.json").write_text(json.dumps(plan))
    target = TargetSpec.model_validate({"kind": "ssh", "python": sys.executable, "home": str(home), **spec})
    write_bundle(Bundle(kind="evaluate", dataset=dataset, target=target), folder)
    return folder


class Disturbed:
    """A link to this machine that is cut when `is_cut` says so, of what is done over it."""

    def __init__(self, is_cut: Callable[[str], bool], change: Callable[[Path], None] = lambda path: None) -> None:
        self._link: Link = LocalLink()
        self._is_cut, self._change = is_cut, change

    @property
    def name(self) -> str:
        return "lab"

    def _look(self, what: str) -> None:
        if self._is_cut(what):
            raise LinkLost("lab: the connection was cut.")

    async def run(self, command: str, *, given: bytes = b"", within_s: float = 60.0) -> Answer:
        self._look(f"run {command}")
        return await self._link.run(command, given=given, within_s=within_s)

    async def converse(self, command: str) -> Conversation:
        self._look(f"converse {command}")
        talk = await self._link.converse(command)
        say, hear = talk.say, talk.hear

        async def say_or_cut(text: bytes) -> None:
            self._look("say")
            await say(text)

        async def hear_or_cut() -> bytes | None:
            self._look("hear")
            return await hear()

        talk.say, talk.hear = say_or_cut, hear_or_cut  # type: ignore[method-assign]
        return talk

    async def put(self, source: Path, target: str, moved: Moved, at: int = 0) -> None:
        self._look("put")
        await self._link.put(source, target, moved, at)

    async def get(self, source: str, target: Path, moved: Moved, at: int = 0) -> None:
        self._look("get")
        await self._link.get(source, target, moved, at)
        self._change(target)

    async def read(self, path: str, at: int = 0) -> bytes:
        self._look(f"read {path}")
        return await self._link.read(path, at)

    async def close(self) -> None:
        await self._link.close()


def halt_at(phase: str) -> Callable[..., None]:
    """In place of RemoteJob.keep: goes no further from a phase on, so that this process can be killed there."""
    before = RemoteJob.keep

    def keep(self: RemoteJob, **values: Any) -> None:
        before(self, **values)
        if self.record.phase == phase:
            threading.Event().wait()

    return keep


if __name__ == "__main__":
    RemoteMachine.environment = played  # type: ignore[assignment, method-assign]
    if len(sys.argv) > 2:
        RemoteJob.keep = halt_at(sys.argv[2])  # type: ignore[method-assign]
    run_bundle(Path(sys.argv[1]))

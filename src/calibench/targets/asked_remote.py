"""Ask the remote side of a target: one process there answers what is asked over a link, and ends with it."""

import asyncio
import hashlib
import json
import re
import shlex
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from calibench.errors import TargetError
from calibench.targets.conversation import Conversation
from calibench.targets.link import Link, LinkLost
from calibench.targets.link_refusals import too_slow
from calibench.targets.remote_side import RUN_PROGRAM, program
from calibench.targets.remote_side.answers_there import MARK
from calibench.targets.remote_side.python_there import newer
from calibench.things.target_spec import TargetSpec

QUICK_S = 60.0
LISTED, FEW = ("blobs", "files"), 16
"""Arguments that may be long, and the length up to which they are just sent."""
NO_PROGRAM = (126, 127)
"""Exit codes of a shell: may not be run, not found."""
UNDERSTOOD = (3, 8)
"""Python that the program needs to say what is wrong with it."""
VERSION = re.compile(r"Python (\d+\.\d+\S*)")
SAID = 20
"""Lines that are kept of what it says beside its answers."""


class TooOld(TargetError):  # noqa: N818 - as faces call it
    """The Python there cannot even look at its machine."""

    def __init__(self, name: str, version: str) -> None:
        self.says, self.mend, self.version = f"its Python is {version}, too old.", newer(), version
        super().__init__(f"{name}: {self.says} {self.mend}")


class AskedRemote:
    """The remote side of a target, reached over a link.

    Every method raises LinkLost when the connection is cut, and TargetError with a sentence for what hinders there.
    """

    def __init__(self, link: Link, spec: TargetSpec) -> None:
        self._link, self._spec = link, spec
        self.home = spec.home.removeprefix("~/").rstrip("/")
        self._talk: Conversation | None = None
        self._said: list[str] = []
        self._turn = asyncio.Lock()

    async def ask(self, command: str, *, within_s: float = QUICK_S, **arguments: Any) -> Any:
        """Have it do one thing. Long lists of files travel once; then their hash stands for them."""
        long = {name: value for name, value in arguments.items() if name in LISTED and len(value) > FEW}
        asked = {name: value for name, value in arguments.items() if name not in long}
        if not long:
            return (await self._told(command, within_s, asked))["done"]
        text = json.dumps(long)
        kept = {"kept": hashlib.sha256(text.encode()).hexdigest()}
        told = await self._told(command, within_s, asked | kept)
        if "unknown" in told:
            told = await self._told(command, within_s, asked | kept | {"long": text})
        return told["done"]

    async def hear(self, command: str, *, within_s: float | None = None, **arguments: Any) -> AsyncGenerator[Any, None]:
        """Have it do what is answered bit by bit, each within QUICK_S or `within_s`, until that is over."""
        async with self._asked(command, arguments) as talk:
            try:
                while "more" in (told := await asyncio.wait_for(self._answer(talk), within_s or QUICK_S)):
                    yield told["more"]
            except TimeoutError:
                raise LinkLost(f"{self._link.name}: it has not answered for {within_s or QUICK_S:g} s.") from None
        self._check(told)

    async def _told(self, command: str, within_s: float, arguments: dict[str, Any]) -> dict[str, Any]:
        async with self._asked(command, arguments) as talk:
            try:
                told = await asyncio.wait_for(self._answer(talk), within_s)
            except TimeoutError:
                raise too_slow(self._link.name, command, within_s) from None
        return self._check(told)

    def _check(self, told: dict[str, Any]) -> dict[str, Any]:
        if "refused" in told:
            raise TargetError(f"{self._link.name}: {' '.join(told['refused'])}")
        return told

    @asynccontextmanager
    async def _asked(self, command: str, arguments: dict[str, Any]) -> AsyncIterator[Conversation]:
        """Say what is asked. Who does not hear the whole answer ends it: its rest would be taken for the next one."""
        async with self._turn:
            program = b""
            if self._talk is None or not self._talk.is_open:
                self._talk, program = await self._begun()
            talk = self._talk
            talk.is_busy = True
            try:
                asked = json.dumps({"command": command, "home": self.home, **arguments})
                await talk.say(program + asked.encode() + b"\n")
                yield talk
            except BaseException:
                await asyncio.shield(talk.end())
                raise
            finally:
                talk.is_busy = False

    async def _begun(self) -> tuple[Conversation, bytes]:
        """Its Python, which says its version first; and the program for it, which is to be told before anything."""
        self._said = []
        talk = await self._link.converse(f"{self._python} -V && exec {self._python} -I -c {shlex.quote(RUN_PROGRAM)}")
        return talk, program()

    async def _answer(self, talk: Conversation) -> dict[str, Any]:
        """The next answer; greetings of a shell stand before it."""
        while (line := await talk.hear()) is not None:
            said = line.decode(errors="replace").strip()
            if said.startswith(MARK):
                answer: dict[str, Any] = json.loads(said.removeprefix(MARK))
                return answer
            self._said = [*self._said, said][-SAID:]
        code = await talk.code()
        if code < 0:
            raise LinkLost(f"{self._link.name}: the process that answers there was ended from outside.")
        raise self._no_python(code)

    @property
    def _python(self) -> str:
        program = self._spec.python
        if program.startswith("~/"):
            return '"$HOME"/' + shlex.quote(program[2:])
        return shlex.quote(program)

    def _no_python(self, code: int) -> TargetError:
        name, python = self._link.name, self._spec.python
        version = next((found[1] for line in self._said if (found := VERSION.fullmatch(line))), "")
        if version and tuple(int(part) for part in version.split(".")[:2]) < UNDERSTOOD:
            return TooOld(name, version)
        if code in NO_PROGRAM:
            return TargetError(
                f"{name}: there is no {python}. Install Python 3.11 or newer there, or name its program: --python PATH."
            )
        last = next((line for line in reversed(self._said) if line and not VERSION.fullmatch(line)), "it says nothing")
        return TargetError(
            f"{name}: {python} does not work ({last[:200]}). Name a Python 3.11 or newer there: --python PATH."
        )

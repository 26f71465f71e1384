"""What is asked of a target is answered by one process there, once more after whatever has ended it."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from answering_link import AnsweringLink
from begun_link import Begun

from calibench.errors import TargetError
from calibench.targets import asked_remote
from calibench.targets.asked_remote import AskedRemote
from calibench.targets.conversation import Conversation
from calibench.targets.link import LinkLost
from calibench.targets.remote_side.answers_there import MARK
from calibench.things.target_spec import TargetSpec

pytestmark = pytest.mark.targets

SPEC = TargetSpec(kind="ssh", host="lab", python=sys.executable)


def over(link: Begun, work: Callable[[AskedRemote], Awaitable[None]]) -> None:
    async def _run() -> None:
        try:
            await work(AskedRemote(link, SPEC))
        finally:
            await link.close()

    asyncio.run(_run())


def test_one_process_answers_all_that_is_asked(tmp_path: Path) -> None:
    async def _work(asked: AskedRemote) -> None:
        for _ in range(3):
            assert await asked.ask("missing", blobs=[], sender="me") == {}
        with pytest.raises(TargetError, match=r"'\.\./x' is no name of a job"):  # and goes on after a refusal
            await asked.ask("remove_job", job_id="../x")
        assert (await asked.ask("facts"))["home"].startswith(str(tmp_path))

    link = Begun(tmp_path)
    over(link, _work)
    assert link.begun == 1


def test_several_who_ask_at_once_each_get_their_answer(tmp_path: Path) -> None:
    async def _work(asked: AskedRemote) -> None:
        blobs = [(f"{number:064x}", number) for number in range(8)]
        found = await asyncio.gather(*(asked.ask("missing", blobs=[blob], sender="me") for blob in blobs))
        assert found == [{sha256: 0} for sha256, _ in blobs]

    over(Begun(tmp_path), _work)


def test_one_that_was_killed_is_a_cut_connection_and_another_one_answers_then(tmp_path: Path) -> None:
    link = Begun(tmp_path)

    async def _work(asked: AskedRemote) -> None:
        await asked.ask("missing", blobs=[], sender="me")
        await link.talk._pipe.end()
        with pytest.raises(LinkLost, match="ended from outside"):
            await asked.ask("missing", blobs=[], sender="me")
        assert await asked.ask("missing", blobs=[], sender="me") == {}

    over(link, _work)
    assert link.begun == 2


def test_who_gives_up_in_the_middle_of_an_answer_does_not_take_its_rest_for_the_next(tmp_path: Path) -> None:
    link = Begun(tmp_path)

    async def _work(asked: AskedRemote) -> None:
        following: dict[str, Any] = {"job_id": "j", "events": 0, "log": 0, "process": "", "for_s": None}
        (tmp_path / SPEC.home.removeprefix("~/") / "jobs/j").mkdir(parents=True)
        (tmp_path / SPEC.home.removeprefix("~/") / "jobs/j/log.txt").write_text("a line\n")
        answers = asked.hear("follow", **following)
        assert (await anext(answers))["log"] == "a line\n"
        await answers.aclose()
        assert await asked.ask("missing", blobs=[], sender="me") == {}

    over(link, _work)
    assert link.begun == 2


def test_one_that_says_nothing_any_more_is_a_cut_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        """Answers once, and never again."""

        said = [f"{MARK}{json.dumps({'more': 1})}\n".encode()]

        async def read(self) -> bytes:
            if not self.said:
                await asyncio.Event().wait()
            return self.said.pop()

        async def write(self, text: bytes) -> None:
            pass

        async def code(self) -> int:
            return 0

        async def close(self) -> None:
            pass

        async def end(self) -> None:
            ended.append(True)

    class Link(AnsweringLink):
        async def converse(self, command: str) -> Conversation:
            return Conversation(Silent())

    async def _run() -> None:
        answers = AskedRemote(Link(), SPEC).hear("follow")
        assert await anext(answers) == 1
        monkeypatch.setattr(asked_remote, "QUICK_S", 0.01)
        with pytest.raises(LinkLost, match="it has not answered for"):
            await anext(answers)

    ended: list[bool] = []
    asyncio.run(_run())
    assert ended == [True]

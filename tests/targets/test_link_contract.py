"""What every link does, over this machine and over SSH to a real sshd."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from ssh_server import SshServer

from calibench.errors import TargetError
from calibench.targets.link import Link
from calibench.targets.local_link import LocalLink
from calibench.targets.ssh_link import connect

pytestmark = pytest.mark.targets

BIG = os.urandom(1 << 20) * 5 + b"end"
"""More than all blocks that are under way at once, and no whole number of blocks."""


@dataclass(frozen=True)
class Reached:
    """A machine under test. here: a folder in its home, as this process sees it; there: the same for the link."""

    do: Callable[[Callable[[Link], Awaitable[None]]], None]
    here: Path
    there: str


@pytest.fixture(params=["local", "ssh"])
def reached(request: pytest.FixtureRequest, tmp_path: Path) -> Reached:
    server: SshServer | None = request.getfixturevalue("ssh_server") if request.param == "ssh" else None
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)

    def _do(work: Callable[[Link], Awaitable[None]]) -> None:
        async def _run() -> None:
            link: Link = LocalLink(home) if server is None else await connect(server.spec())
            try:
                await work(link)
            finally:
                await link.close()

        asyncio.run(_run())

    return Reached(_do, home / "folder", "folder") if server is None else Reached(_do, server.here, server.folder)


def ignored(_: int) -> None:
    """Progress that nobody looks at."""


def test_a_command_says_its_code_its_output_and_its_errors(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        answer = await link.run("echo out; echo err >&2; exit 7")
        assert (answer.code, answer.out, answer.err) == (7, b"out\n", b"err\n")

    reached.do(_work)


def test_output_is_bytes_as_they_are(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        answer = await link.run(r"printf 'no newline \000\377'; printf '\376' >&2")
        assert (answer.code, answer.out, answer.err) == (0, b"no newline \x00\xff", b"\xfe")

    reached.do(_work)


def test_a_command_of_several_lines_with_quotes_is_one_script(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        answer = await link.run("A='it'\"'\"'s $HOME'\nfor i in 1 2; do\n  echo \"$i $A!\"\ndone # all")
        assert answer.out == b"1 it's $HOME!\n2 it's $HOME!\n"

    reached.do(_work)


def test_a_command_starts_in_the_home_of_the_user(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        answer = await link.run('test "$(pwd)" = "$HOME"; echo $?; pwd')
        assert answer.out.decode().splitlines() == ["0", str(reached.here.parent)]

    reached.do(_work)


def test_what_is_given_comes_on_standard_input_and_ends(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        assert (await link.run("wc -c", given=BIG)).out.split() == [str(len(BIG)).encode()]
        assert (await link.run("cat")).out == b""

    reached.do(_work)


def test_a_command_that_reads_nothing_of_what_is_given_is_no_error(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        assert (await link.run("echo yes", given=BIG)).out == b"yes\n"

    reached.do(_work)


def test_a_command_may_say_more_than_fits_into_a_pipe(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        assert (await link.run("cat; cat /dev/null", given=BIG)).out == BIG

    reached.do(_work)


def test_a_command_that_a_signal_ended_says_which(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        assert (await link.run("kill -TERM $$")).code == -signal.SIGTERM

    reached.do(_work)


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        with pytest.raises(TargetError, match=r"no answer within 0\.5 s, so it was ended: sleep 98765 & sleep 98765"):
            await link.run("sleep 98765 & sleep 98765", within_s=0.5)
        assert (await link.run("echo still here")).out == b"still here\n"

    reached.do(_work)
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "98765"]]
    psutil.wait_procs(left, 60)
    assert not any(process.is_running() for process in left)


def test_a_command_whose_caller_gives_up_is_ended(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        task = asyncio.ensure_future(link.run(f"touch {reached.there}/began; sleep 98764"))
        while not (reached.here / "began").exists():
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    reached.do(_work)
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "98764"]]
    psutil.wait_procs(left, 60)
    assert not any(process.is_running() for process in left)


def test_a_conversation_is_lines_in_both_directions_until_the_command_ends(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        talk = await link.converse(
            'while read line; do echo "$line!"; echo bad >&2; done; printf "last\\nword"; exit 7'
        )
        for word in (b"one", b"x" * 300_000):
            await talk.say(word + b"\n")
            assert [await talk.hear(), await talk.hear()] == [word + b"!", b"bad"]
        await talk.close()
        assert not talk.is_open

    reached.do(_work)


def test_a_conversation_that_ends_says_its_code_and_hears_nothing_more(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        talk = await link.converse("echo out; exit 7")
        assert [await talk.hear(), await talk.hear(), await talk.code()] == [b"out", None, 7]
        assert not talk.is_open
        await talk.say(b"nobody reads this\n")
        await talk.end()

    reached.do(_work)


def test_several_lines_at_once_are_heard_one_by_one(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        talk = await link.converse("printf 'one\\n\\ntwo\\nthr'; sleep 0.1; printf 'ee\\n'; cat")
        assert [await talk.hear() for _ in range(4)] == [b"one", b"", b"two", b"three"]
        await talk.say(b"four\n")
        assert await talk.hear() == b"four"

    reached.do(_work)


@pytest.mark.parametrize("is_ended", [True, False])
def test_what_converses_is_gone_when_it_is_ended_and_when_the_link_is(reached: Reached, is_ended: bool) -> None:
    number = 98761 + is_ended

    async def _work(link: Link) -> None:
        talk = await link.converse(f"sleep {number} & echo begun; cat; kill $!")
        assert await talk.hear() == b"begun"
        if is_ended:
            await talk.end()

    reached.do(_work)
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", str(number)]]
    psutil.wait_procs(left, 60)
    assert not any(process.is_running() for process in left)


def test_what_began_a_session_of_its_own_outlives_the_link(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        await link.run(
            f"cd {reached.there} && setsid sh -c 'echo $$ > pid; exec sleep 98763' > log 2>&1 < /dev/null &\n"
            f"while ! test -s {reached.there}/pid; do sleep 0.02; done"
        )

    reached.do(_work)
    process = psutil.Process(int((reached.here / "pid").read_text()))
    assert process.cmdline() == ["sleep", "98763"]
    process.kill()


@pytest.mark.parametrize("size", [0, 1, 1 << 17, len(BIG)])
def test_a_file_goes_there_and_comes_back_as_it_was(reached: Reached, tmp_path: Path, size: int) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(BIG[-size:] if size else b"")
    up: list[int] = []
    down: list[int] = []

    async def _work(link: Link) -> None:
        await link.put(source, f"{reached.there}/file ü", up.append)
        await link.get(f"{reached.there}/file ü", back, down.append)

    reached.do(_work)
    assert (reached.here / "file ü").read_bytes() == back.read_bytes() == source.read_bytes()
    assert sum(up) == sum(down) == size
    assert len(up) < 200


def test_a_path_may_be_absolute(reached: Reached, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"abc")

    async def _work(link: Link) -> None:
        await link.put(tmp_path / "source", str(reached.here / "file"), ignored)
        assert await link.read(str(reached.here / "file")) == b"abc"

    reached.do(_work)


def test_an_upload_goes_on_where_it_broke_off(reached: Reached, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(BIG)
    moved: list[int] = []

    async def _work(link: Link) -> None:
        await link.put(source, f"{reached.there}/file", ignored)
        await link.run(f"truncate -s 2000000 {reached.there}/file; printf wrong >> {reached.there}/file")
        await link.put(source, f"{reached.there}/file", moved.append, at=2_000_000)

    reached.do(_work)
    assert (reached.here / "file").read_bytes() == BIG
    assert sum(moved) == len(BIG) - 2_000_000


def test_a_download_goes_on_where_it_broke_off(reached: Reached, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(BIG)
    back.write_bytes(BIG[:3_000_000] + b"wrong")
    moved: list[int] = []

    async def _work(link: Link) -> None:
        await link.put(source, f"{reached.there}/file", ignored)
        await link.get(f"{reached.there}/file", back, moved.append, at=3_000_000)

    reached.do(_work)
    assert back.read_bytes() == BIG
    assert sum(moved) == len(BIG) - 3_000_000


def test_a_file_that_is_written_anew_keeps_nothing_of_the_old_one(reached: Reached, tmp_path: Path) -> None:
    long, short = tmp_path / "long", tmp_path / "short"
    long.write_bytes(b"long text")
    short.write_bytes(b"short")

    async def _work(link: Link) -> None:
        await link.put(long, f"{reached.there}/file", ignored)
        await link.put(short, f"{reached.there}/file", ignored)
        assert await link.read(f"{reached.there}/file") == b"short"
        await link.get(f"{reached.there}/file", long, ignored)

    reached.do(_work)
    assert long.read_bytes() == b"short"


def test_a_growing_file_is_read_from_where_it_was_left(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        await link.run(f"printf 'one\n' > {reached.there}/lines")
        assert await link.read(f"{reached.there}/lines") == b"one\n"
        await link.run(f"printf 'two\n' >> {reached.there}/lines")
        assert await link.read(f"{reached.there}/lines", 4) == b"two\n"
        assert await link.read(f"{reached.there}/lines", 8) == b""
        assert await link.read(f"{reached.there}/lines", 80) == b""

    reached.do(_work)


def test_a_file_that_is_not_there_reads_as_nothing(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        assert await link.read(f"{reached.there}/nothing") == b""
        assert await link.read(f"{reached.there}/no/folder") == b""

    reached.do(_work)


def test_fetching_a_file_that_is_gone_says_which(reached: Reached, tmp_path: Path) -> None:
    async def _work(link: Link) -> None:
        with pytest.raises(TargetError, match=rf"{link.name}: there is no \S*{reached.there}/gone\.$"):
            await link.get(f"{reached.there}/gone", tmp_path / "back", ignored)

    reached.do(_work)
    assert not (tmp_path / "back").exists()


def test_sending_into_a_folder_that_is_not_there_says_which(reached: Reached, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"abc")

    async def _work(link: Link) -> None:
        with pytest.raises(TargetError, match=rf"{link.name}: there is no \S*{reached.there}/no/file\.$"):
            await link.put(tmp_path / "source", f"{reached.there}/no/file", ignored)

    reached.do(_work)


def test_sending_a_file_that_is_not_here_says_which(reached: Reached, tmp_path: Path) -> None:
    async def _work(link: Link) -> None:
        with pytest.raises(TargetError, match=f"{tmp_path}/gone"):
            await link.put(tmp_path / "gone", f"{reached.there}/file", ignored)

    reached.do(_work)
    assert not (reached.here / "file").exists()


def test_what_may_not_be_read_says_so(reached: Reached, tmp_path: Path) -> None:
    async def _work(link: Link) -> None:
        with pytest.raises(TargetError, match=f"{reached.there}"):
            await link.read(reached.there)
        with pytest.raises(TargetError, match=f"{reached.there}"):
            await link.get(reached.there, tmp_path / "back", ignored)

    reached.do(_work)


def test_many_things_are_done_at_once_over_one_link(reached: Reached, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(BIG)

    async def _one(link: Link, number: int) -> None:
        await link.put(source, f"{reached.there}/{number}", ignored)
        assert (await link.run(f"wc -c < {reached.there}/{number}")).out.split() == [str(len(BIG)).encode()]
        assert await link.read(f"{reached.there}/{number}", len(BIG) - 3) == b"end"

    async def _work(link: Link) -> None:
        await asyncio.gather(*(_one(link, number) for number in range(6)))

    reached.do(_work)


def test_closing_twice_does_no_harm(reached: Reached) -> None:
    async def _work(link: Link) -> None:
        await link.close()
        await link.close()

    reached.do(_work)

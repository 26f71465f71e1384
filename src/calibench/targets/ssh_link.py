"""A machine over SSH as a target: a shell and files through one connection."""

import asyncio
import re
import secrets
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from calibench.errors import TargetError
from calibench.targets.conversation import Conversation
from calibench.targets.link import Answer, LinkLost, Moved
from calibench.targets.link_refusals import no_file, no_room, too_slow
from calibench.targets.sftp_copies import receive, send
from calibench.targets.ssh_login import host_key_of, log_in, quiet_asyncssh
from calibench.targets.ssh_pipe import SshPipe
from calibench.things.target_spec import TargetSpec

if TYPE_CHECKING:
    import asyncssh

__all__ = ["SshLink", "connect", "host_key_of"]

T = TypeVar("T")
ENDING_S = 2.0
"""Seconds between asking a command to end and leaving it alone."""
ROOM_S = 0.5
"""Seconds that a machine may take to see that there is room for a channel, after another one has ended."""
LOOK_S = 0.02


async def connect(spec: TargetSpec, passphrase: str | None = None) -> "SshLink":
    """Log in to the machine of a target.

    Args:
        passphrase: of its key file; never kept.

    Raises:
        TargetError: not reached, not the machine that was meant, or the user was refused.
    """
    connection, name = await log_in(spec, passphrase)
    return SshLink(connection, name)


class SshLink:
    """A link to a machine over SSH; see `connect`."""

    def __init__(self, connection: "asyncssh.SSHClientConnection", name: str) -> None:
        self._connection = connection
        self._name = name
        self._ssh = quiet_asyncssh()
        self._files: asyncssh.SFTPClient | None = None
        self._files_used = 0
        self._talks: list[Conversation] = []
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._name

    async def run(self, command: str, *, given: bytes = b"", within_s: float = 60.0) -> Answer:
        """As of Link. The line is read by /bin/sh whatever the user's shell is, and what that prints first is cut."""
        mark = f"calibench-{secrets.token_hex(8)}"
        line = f"echo {mark}; echo {mark} $$ >&2\n{command}"
        with self._refusals():
            process = await self._process(line)
            with suppress(BrokenPipeError):  # a quick command has ended already, and reads nothing
                process.stdin.write(given)
                process.stdin.write_eof()
            try:
                out, err = await asyncio.wait_for(process.communicate(), within_s)
            except TimeoutError:
                raise too_slow(self._name, command, within_s) from None
            finally:
                if process.returncode is None and not self._connection.is_closed():
                    await asyncio.shield(self._end(process, mark))
            if process.returncode is None:
                raise self._lost()
            return Answer(process.returncode, _after(mark, out), _after(mark, err))

    async def converse(self, command: str) -> Conversation:
        mark = f"calibench-{secrets.token_hex(8)}"
        with self._refusals():
            process = await self._process(f"exec 2>&1; echo {mark} $$\n{command}")
        talk = Conversation(SshPipe(process, mark, self._refusals, self._kill))
        self._talks = [*(each for each in self._talks if each.is_open), talk]
        return talk

    async def put(self, source: Path, target: str, moved: Moved, at: int = 0) -> None:
        with self._refusals(target):
            size = source.stat().st_size - at
            async with self._sftp() as files:
                try:
                    await send(files, source, target, moved, at)
                except self._ssh.SFTPFailure as error:
                    raise await self._unwritten(files, target, size, error) from None

    async def get(self, source: str, target: Path, moved: Moved, at: int = 0) -> None:
        with self._refusals(source):
            async with self._sftp() as files:
                await receive(files, source, target, moved, at)

    async def read(self, path: str, at: int = 0) -> bytes:
        with self._refusals(path):
            try:
                async with self._sftp() as files, files.open(path, "rb") as file:
                    size = (await file.stat()).size or 0
                    return cast(bytes, await file.read(size - at, at)) if size > at else b""
            except self._ssh.SFTPNoSuchFile:
                return b""

    async def close(self) -> None:
        for talk in self._talks:
            talk.is_open = False
        self._connection.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connection.wait_closed(), ENDING_S)
        self._connection.abort()

    async def _process(self, line: str) -> "asyncssh.SSHClientProcess[bytes]":
        command = f"exec /bin/sh -c {shlex.quote(line)}"
        return await self._session(lambda: self._connection.create_process(command, encoding=None, request_pty=False))

    @asynccontextmanager
    async def _sftp(self) -> "AsyncIterator[asyncssh.SFTPClient]":
        async with self._opening:
            if self._files is None:
                try:
                    self._files = await self._session(self._connection.start_sftp_client)
                except (self._ssh.ChannelOpenError, self._ssh.SFTPError) as error:
                    if self._connection.is_closed():
                        raise self._lost() from None
                    raise TargetError(
                        f"{self._name}: offers no SFTP ({str(error).rstrip('.')}). "
                        "Its administrator can allow it in sshd_config: Subsystem sftp internal-sftp."
                    ) from None
            self._files_used += 1
        try:
            yield self._files
        finally:
            self._files_used -= 1

    async def _session(self, open_one: Callable[[], Awaitable[T]]) -> T:
        """Open a channel. Some machines allow a few at a time: then those make room that nobody uses just now, which
        are opened again when they are needed."""
        until = monotonic() + ROOM_S
        while True:
            try:
                return await open_one()
            except self._ssh.ChannelOpenError:
                if self._connection.is_closed():
                    raise
                if await self._make_room():
                    until = monotonic() + ROOM_S
                elif monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_S)

    async def _make_room(self) -> bool:
        """Close what nobody uses; whether there was something."""
        if self._files is not None and not self._files_used:
            files, self._files = self._files, None
            files.exit()
            await asyncio.wait_for(files.wait_closed(), ENDING_S)
            return True
        for talk in self._talks:
            if talk.is_open and not talk.is_busy:
                await talk.close()
                return True
        return False

    async def _end(self, process: "asyncssh.SSHClientProcess[bytes]", mark: str) -> None:
        """End a command and its group. By number: some machines ignore signals that are sent over a channel."""
        with suppress(self._ssh.Error, OSError, TimeoutError):
            await self._kill(await asyncio.wait_for(_group(process, mark), ENDING_S))
        process.close()

    async def _kill(self, group: int) -> None:
        with suppress(self._ssh.Error, OSError, TimeoutError):
            if not self._connection.is_closed():
                await self._connection.run(f"exec /bin/sh -c 'kill -KILL -{group}'", timeout=ENDING_S)

    @contextmanager
    def _refusals(self, path: str = "") -> Iterator[None]:
        """Say what the machine says in one sentence, and tell a cut connection from what was refused."""
        ssh = self._ssh
        try:
            yield
        except TargetError:
            raise
        except EOFError:
            raise TargetError(f"{self._name}: {path} became shorter while it was fetched. Try again.") from None
        except (ssh.DisconnectError, ssh.SFTPConnectionLost, ssh.SFTPNoConnection, ConnectionError):
            raise self._lost() from None
        except ssh.SFTPNoSuchFile:
            raise no_file(self._name, path) from None
        except OSError as error:  # of this machine: its disk is full, a file is gone
            raise TargetError(f"{error.filename or path}: {error.strerror or error}.") from None
        except ssh.Error as error:
            if self._connection.is_closed():
                raise self._lost() from None
            raise TargetError(f"{self._name}: {path or 'refused'}: {str(error).rstrip('.')}.") from None

    async def _unwritten(
        self, files: "asyncssh.SFTPClient", target: str, size: int, error: "asyncssh.SFTPFailure"
    ) -> TargetError:
        """SFTP says only `failure` where a disk is full: look how much is free."""
        with suppress(self._ssh.SFTPError):
            disk = await files.statvfs(str(Path(target).parent))
            free = disk.bavail * disk.frsize
            if free < size:
                return no_room(self._name, target, free)
        return TargetError(
            f"{self._name}: {target} cannot be written; the machine says only: {str(error).rstrip('.')}. "
            "What the user may use of the disk may be used up."
        )

    def _lost(self) -> LinkLost:
        return LinkLost(f"{self._name}: the connection was cut. What runs there goes on; connect again.")


async def _group(process: "asyncssh.SSHClientProcess[bytes]", mark: str) -> int:
    """The process group of a command, which it said first; that may still be on its way."""
    said = b""
    while not (found := re.search(rb"%b (\d+)\n" % mark.encode(), said)):
        said += process.collect_output()[1]
        await asyncio.sleep(LOOK_S)
    return int(found[1])


def _after(mark: str, said: bytes) -> bytes:
    """What was said after the line that begins with the mark."""
    _, found, rest = said.partition(mark.encode())
    return rest.partition(b"\n")[2] if found else said

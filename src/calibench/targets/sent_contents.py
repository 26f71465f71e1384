"""Bring contents to a target that are not there: by their hash, small ones together, none twice."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from calibench.errors import TargetError
from calibench.targets.asked_remote import AskedRemote
from calibench.targets.link import Link, Moved
from calibench.targets.remote_side.contents_there import partial_name
from calibench.targets.remote_side.words_there import BLOBS, PACKS

HASHING_S = 1800.0
"""Seconds that reading gigabytes may take there."""
SMALL = 256 * 1024
"""Bytes up to which contents travel together: each file on its own costs several turns of the network."""
PACK = 16 * 1024 * 1024
"""Bytes of a pack, about."""
ATTEMPTS = 2
"""How often contents are sent that arrive damaged."""


class SentContents:
    """Contents of files, sent over a link; the errors are those of RemoteMachine.

    Args:
        sender: as of RemoteMachine.
    """

    def __init__(self, link: Link, asked: AskedRemote, sender: str) -> None:
        self._link, self._ask, self._home, self._sender = link, asked.ask, asked.home, sender

    async def missing(self, blobs: Sequence[tuple[str, int]]) -> dict[str, int]:
        """Of contents (SHA-256, size) those that are not there whole, with the bytes of each that are there."""
        found: dict[str, int] = await self._ask(
            "missing", within_s=HASHING_S, blobs=list(dict.fromkeys(blobs)), sender=self._sender
        )
        return found

    async def send(self, files: Mapping[str, Path], moved: Moved, missing: Mapping[str, int] | None = None) -> None:
        """Bring contents there that are not there whole: SHA-256 -> the file here. Small ones travel together.

        Args:
            moved: told the bytes that travelled.
            missing: as `missing` gave it; None: asked for.

        Raises:
            TargetError: one arrives damaged again and again, or is not what its hash says.
        """
        sizes = {sha256: path.stat().st_size for sha256, path in files.items()}
        if missing is None:
            missing = await self.missing(list(sizes.items()))
        for _ in range(ATTEMPTS):
            small = sorted(sha256 for sha256, at in missing.items() if not at and sizes[sha256] <= SMALL)
            damaged = await self._send_packs(small, files, sizes, moved)
            large = {sha256: at for sha256, at in missing.items() if at or sizes[sha256] > SMALL}
            for sha256, at in large.items():
                await self._link.put(files[sha256], self._partial(sha256), moved, at)
            damaged += await self._settled(list(large))
            if not damaged:
                return
            missing = dict.fromkeys(damaged, 0)
        await asyncio.to_thread(_check_unchanged, {sha256: files[sha256] for sha256 in damaged})
        raise TargetError(f"{self._link.name}: {files[damaged[0]]} arrives damaged. Look at the disk there.")

    async def _send_packs(
        self, small: Sequence[str], files: Mapping[str, Path], sizes: Mapping[str, int], moved: Moved
    ) -> list[str]:
        """Send small contents, many in one file; names those that arrived damaged."""
        damaged: list[str] = []
        for part in _parts(small, sizes):
            name = hashlib.sha256("\n".join(part).encode()).hexdigest()[:32] + f".{self._sender}"
            with tempfile.NamedTemporaryFile(prefix="calibench-", suffix=".pack") as file:
                for sha256 in part:
                    file.write(files[sha256].read_bytes())
                file.flush()
                at = int(await self._ask("pack", name=name))
                await self._link.put(Path(file.name), f"{self._home}/{PACKS}/{name}", moved, at)
            blobs = [(sha256, sizes[sha256]) for sha256 in part]
            damaged += await self._ask("unpack", within_s=HASHING_S, name=name, blobs=blobs)
        return damaged

    async def _settled(self, blobs: list[str]) -> list[str]:
        if not blobs:
            return []
        damaged: list[str] = await self._ask("settle", within_s=HASHING_S, blobs=blobs, sender=self._sender)
        return damaged

    def _partial(self, sha256: str) -> str:
        return f"{self._home}/{BLOBS}/{sha256[:2]}/{partial_name(sha256, self._sender)}"


def _parts(small: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Contents in groups of about PACK bytes, the same again when the first of them have arrived."""
    part: list[str] = []
    total = 0
    for sha256 in small:
        part.append(sha256)
        total += sizes[sha256]
        if total >= PACK:
            yield part
            part, total = [], 0
    if part:
        yield part


def _check_unchanged(files: Mapping[str, Path]) -> None:
    """Refuse files here that are not any more what they were when their hashes were taken.

    Raises:
        TargetError: names the first.
    """
    for sha256, path in files.items():
        if _sha256(path) != sha256:
            raise TargetError(f"{path}: was changed while it was sent. Try again when it is at rest.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

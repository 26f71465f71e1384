"""How busy a target is now: one light line of shell, over links that stay open as long as somebody asks."""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from calibench.errors import TargetError
from calibench.targets.link import Link, LinkLost
from calibench.targets.opened_link import open_link
from calibench.targets.queue_list import queues
from calibench.targets.target_check import machines_of, needs_passphrase
from calibench.things.target_spec import QUEUES, TargetSpec

BUSY = (
    "cat /proc/loadavg; getconf _NPROCESSORS_ONLN; grep -E '^Mem(Total|Available):' /proc/meminfo; "
    "cd {home} 2>/dev/null || cd; df -Pk . | tail -n 1"
)
"""Costs a few milliseconds there, so that it disturbs nothing that is measured; the Python of a check takes 100 times
that."""
SAID = re.compile(
    r"(?P<load>[\d.]+) [^\n]*\n(?P<cores>\d+)\nMemTotal: +(?P<memory>\d+) kB\nMemAvailable: +(?P<free>\d+) kB\n"
    r"\S+ +\d+ +\d+ +(?P<disk>-?\d+) "
)
WITHIN_S = 15.0

Plain = dict[str, Any]


class LoadLook:
    """Looks at one target, again and again.

    Args:
        passphrase: of its key file; never kept elsewhere.
    """

    def __init__(self, spec: TargetSpec, passphrase: str | None = None) -> None:
        self._spec, self._passphrase = spec, passphrase
        self._links: dict[str, Link] = {}

    async def look(self) -> Plain:
        """What is seen now.

        Returns:
            In the words of a check, those of `TargetLoad` that are read from them: "load" (of the last minute, of all
            machines of a cluster together), "logical_cores", "memory_mb", "memory_free_mb", "disk_free_mb", and
            "queues" of a queue. What the target does not tell is not there.

        Raises:
            TargetError: it cannot be reached, or its key has a passphrase that nobody gave.
            SettingsError: a package is missing here.
        """
        if self._passphrase is None and await needs_passphrase(self._spec):
            raise TargetError(f"{self._spec.address}: its key has a passphrase, which only a check is given.")
        try:
            return await self._seen()
        except LinkLost:  # while nobody looked
            await self.close()
            return await self._seen()

    async def close(self) -> None:
        """Let the links go."""
        links, self._links = self._links, {}
        for link in links.values():
            with suppress(TargetError, OSError):
                await link.close()

    async def _seen(self) -> Plain:
        spec = self._spec.carrier
        found = []
        for each in machines_of(spec):
            link = await self._open(each)
            found.append(await busy(link, each.home))
        seen = _together(found)
        if spec.kind in QUEUES:
            seen["queues"] = await queues(await self._open(spec), spec)
        return seen

    async def _open(self, spec: TargetSpec) -> Link:
        if spec.address not in self._links:
            self._links[spec.address] = await open_link(spec, self._passphrase)
        return self._links[spec.address]


async def busy(link: Link, home: str) -> Plain:
    """How busy the machine of a link is; {} where it is no Linux.

    Args:
        home: the folder of the target there, whose disk is looked at.

    Raises:
        TargetError: it does not answer.
    """
    answer = await link.run(BUSY.format(home=shlex.quote(home.removeprefix("~/"))), within_s=WITHIN_S)
    said = SAID.match(answer.out.decode(errors="replace"))
    if said is None:
        return {}
    return {
        "load": [float(said["load"])],
        "logical_cores": int(said["cores"]),
        "memory_mb": int(said["memory"]) // 1024,
        "memory_free_mb": int(said["free"]) // 1024,
        "disk_free_mb": max(0, int(said["disk"])) // 1024,
    }


def _together(found: Sequence[Plain]) -> Plain:
    """Several machines as one; the disk that is fullest counts."""
    if len(found) == 1 or not all(found):
        return found[0] if len(found) == 1 else {}
    total: Plain = {
        name: sum(each[name] for each in found) for name in ("logical_cores", "memory_mb", "memory_free_mb")
    }
    disk = min(each["disk_free_mb"] for each in found)
    return total | {"load": [round(sum(each["load"][0] for each in found), 2)], "disk_free_mb": disk}

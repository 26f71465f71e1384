"""A PostgreSQL of Debian's package `postgresql`, in a folder of its own, for the time of some tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
ABSENT = "needs PostgreSQL: apt-get install postgresql"


def is_installed() -> bool:
    return bool(PROGRAMS)


@contextmanager
def running() -> Iterator[str]:
    """Start a server that listens on a socket in its folder only; the folder, which is what clients connect to."""
    folder = Path(tempfile.mkdtemp(prefix="calibench-pg-"))
    who = _who()
    if who:
        os.chown(folder, who["user"], who["group"])
    programs = PROGRAMS[-1].parent

    def call(program: str, *words: object) -> None:
        subprocess.run([programs / program, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, **who)

    try:
        call(
            "initdb", "-D", folder / "data", "-U", "tests", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"
        )
        options = f"-c listen_addresses='' -k {folder} -c fsync=off -c shared_buffers=16MB"
        call("pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield str(folder)
        finally:
            call("pg_ctl", "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _who() -> dict:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
    raise RuntimeError("no user to run PostgreSQL as")

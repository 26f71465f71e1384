"""Environments with Calibench on a target: there whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calibench.targets.remote_side.python_there import OLDEST, bundled_pips, has_module, newer, with_venv
from calibench.targets.remote_side.words_there import ASIDE, ENVIRONMENTS, WHOLE, Refused

LEFT_S = 6 * 3600.0
"""Seconds after which an environment that was never finished is removed."""
UNUSED_S = 90 * 86400.0
"""Seconds after which one that no job was started in is removed, when another one is made."""
LOOK_S = 1.0
"""Between two looks at what is installed."""
FOUND = re.compile(r"^ *Collecting ([\w.-]+)", re.MULTILINE)
FETCHED = re.compile(r"^ *(?:Downloading|Using cached|Processing) (\S+\.(?:whl|zip|tar\.gz))(?:\s|$)", re.MULTILINE)
"""Lines of pip: it looks for a package; one is there, beside which stands what only tells of it (.whl.metadata)."""


def environment(home: Path, key: str) -> str | None:
    """The Python of an environment that is there and works; None: it is to be made."""
    place = home / ENVIRONMENTS / f"{key}-{platform.python_version()}"
    python = place / "bin" / "python"
    if not (place / WHOLE).is_file():
        return None
    if subprocess.call([str(python), "-I", "-c", "import calibench"], stdin=subprocess.DEVNULL, stderr=sys.stderr):
        shutil.rmtree(str(place), ignore_errors=True)  # such as after an update of the system's Python
        return None
    (place / WHOLE).touch()  # used now
    return str(python)


def make_environment(
    home: Path, key: str, wheel: str, pins: list[str], wheels: str | None, extras: str
) -> Iterator[dict[str, Any]]:
    """Make an environment aside and rename it when it is whole; nothing of it stays where nobody listens any more.

    Args:
        wheel: file of our wheel below home.
        pins: versions of what it needs, such as "numpy==2.1.0".
        wheels: folder below home to install from; None: from the index that pip knows.
        extras: such as "datasets,caffe".

    Yields:
        "done" of "total" packages, about; at last "python", its program.
    """
    if sys.version_info < OLDEST:
        raise Refused(f"its Python is {platform.python_version()}, too old.", newer())
    try:
        import venv
    except ImportError:
        raise Refused("its Python cannot make environments.", with_venv()) from None
    folder = home / ENVIRONMENTS
    folder.mkdir(parents=True, exist_ok=True)
    _remove_left(folder)
    aside = folder / f"{ASIDE}{os.getpid()}-{time.time_ns()}"
    try:
        venv.create(str(aside), symlinks=True)
        (aside / "pins.txt").write_text("\n".join(pins) + "\n")
        given = None if wheels is None else home / wheels
        yield from _install(aside, f"{home / wheel}[{extras}]" if extras else str(home / wheel), given, len(pins) + 1)
        (aside / WHOLE).write_text(json.dumps({"wheel": wheel, "python": platform.python_version()}) + "\n")
        place = folder / f"{key}-{platform.python_version()}"
        try:
            aside.rename(place)
        except OSError:  # another job made the same meanwhile
            if not (place / WHOLE).is_file():
                raise
    finally:
        shutil.rmtree(str(aside), ignore_errors=True)
    yield {"python": str(place / "bin" / "python")}


def _install(aside: Path, what: str, wheels: Path | None, total: int) -> Iterator[dict[str, Any]]:
    """Let a pip from anywhere install into the environment, which needs none itself."""
    python, temporary = str(aside / "bin" / "python"), aside / "tmp"
    pip = _pip(python, wheels)
    source = [] if wheels is None else ["--no-index", "--find-links", str(wheels)]
    options = ["--no-input", "--no-cache-dir", "--disable-pip-version-check", "--constraint", str(aside / "pins.txt")]
    temporary.mkdir()
    environ = dict(os.environ, TMPDIR=str(temporary), PIP_REQUIRE_VIRTUALENV="0", PYTHONUNBUFFERED="1")
    process = subprocess.Popen(
        [*pip, "install", "--progress-bar=off", *options, *source, what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
    )
    said = b""
    try:
        for said in _said(process):
            yield {"done": installed_of(total, said.decode(errors="replace"), aside), "total": total}
        code = process.wait()
        if not code:
            yield {"done": total, "total": total}  # what this machine does not need was never found
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    shutil.rmtree(str(temporary), ignore_errors=True)
    if code:
        told = telling_line(said.decode(errors="replace"))
        where = "from the folder of wheels" if wheels is not None else "from the package index"
        raise Refused(
            f"Calibench could not be installed {where}: {told}",
            "Complete the folder of wheels."
            if wheels is not None
            else "Mend the network there, or give a folder of wheels: --wheels DIR.",
        )


def _said(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """All that a process has said so far, again and again until it says no more."""
    out = process.stdout.fileno()  # type: ignore[union-attr]
    said = b""
    while True:
        ready = select.select([out, sys.stdin], [], [], LOOK_S)[0]
        if sys.stdin in ready:
            raise Refused("nobody listens any more.", "Ask again.")
        if ready:
            more = os.read(out, 1 << 16)
            if not more:
                return
            said += more
        yield said


def installed_of(total: int, said: str, aside: Path) -> int:
    """How many packages are installed, about: to find one, to fetch it and to unpack it each counts a third.

    Args:
        said: all that pip has said so far; it unpacks without a word, so that is seen in the environment.
    """
    fetched = set(FETCHED.findall(said))
    local = [file for file in fetched if f"Processing {file}" in said]
    found = len(set(FOUND.findall(said))) + len(local)
    unpacked = len(list(aside.glob("lib*/python*/site-packages/*.dist-info")))
    return sum(min(count, total) for count in (found, len(fetched), unpacked)) // 3


def telling_line(output: str) -> str:
    """The line of pip's output that says what is wrong: its last error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    unmet = [line.partition("(constraint) ")[2] for line in lines if "(constraint) " in line]
    if unmet:
        return f"{unmet[0]} is not there, or does not fit."
    errors = [line for line in lines if line.startswith("ERROR:")]
    disk = [line for line in lines if "No space left" in line]
    line = (disk or errors or lines or ["pip said nothing"])[-1]
    return line.replace("ERROR: ", "").rstrip(".")[:300] + "."


def _pip(python: str, wheels: Path | None) -> list[str]:
    """How pip is called for an environment: by a wheel of pip that runs where it lies, or from outside."""
    given = [] if wheels is None else sorted(str(path) for path in wheels.glob("pip-*.whl"))
    for wheel in (*given[-1:], *bundled_pips()[-1:]):
        return [python, "-I", f"{wheel}/pip"]
    if has_module("pip"):
        return [sys.executable, "-m", "pip", "--python", python]
    raise Refused("there is no pip.", f"{with_venv()[:-1]}, or put a wheel of pip into the folder of wheels.")


def _remove_left(folder: Path) -> None:
    """Remove environments that a cut left unfinished, and those of versions that nobody uses any more."""
    for path in folder.iterdir():
        marker = path / WHOLE
        is_left = not marker.exists() and time.time() - path.stat().st_mtime > LEFT_S
        if is_left or (marker.exists() and time.time() - marker.stat().st_mtime > UNUSED_S):
            shutil.rmtree(str(path), ignore_errors=True)

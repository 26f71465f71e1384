"""Environments with Calibench on a target: there whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from calibench.targets.remote_side.python_there import OLDEST, bundled_pips, has_module, newer, with_venv
from calibench.targets.remote_side.words_there import ASIDE, ENVIRONMENTS, WHOLE, Refused

LEFT_S = 6 * 3600.0
"""Seconds after which an environment that was never finished is removed."""
UNUSED_S = 90 * 86400.0
"""Seconds after which one that no job was started in is removed, when another one is made."""


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


def make_environment(home: Path, key: str, wheel: str, pins: list[str], wheels: str | None, extras: str) -> str:
    """Make an environment aside and rename it when it is whole.

    Args:
        wheel: file of our wheel below home.
        pins: versions of what it needs, such as "numpy==2.1.0".
        wheels: folder below home to install from; None: from the index that pip knows.
        extras: such as "datasets,caffe".

    Returns:
        Its Python.
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
        _install(aside, f"{home / wheel}[{extras}]" if extras else str(home / wheel), given)
        (aside / WHOLE).write_text(json.dumps({"wheel": wheel, "python": platform.python_version()}) + "\n")
        place = folder / f"{key}-{platform.python_version()}"
        try:
            aside.rename(place)
        except OSError:  # another job made the same meanwhile
            if not (place / WHOLE).is_file():
                raise
    finally:
        shutil.rmtree(str(aside), ignore_errors=True)
    return str(place / "bin" / "python")


def _install(aside: Path, what: str, wheels: Path | None) -> None:
    """Let a pip from anywhere install into the environment, which needs none itself."""
    python, temporary = str(aside / "bin" / "python"), aside / "tmp"
    pip = _pip(python, wheels)
    source = [] if wheels is None else ["--no-index", "--find-links", str(wheels)]
    options = ["--no-input", "--no-cache-dir", "--disable-pip-version-check", "--constraint", str(aside / "pins.txt")]
    temporary.mkdir()
    environ = dict(os.environ, TMPDIR=str(temporary), PIP_REQUIRE_VIRTUALENV="0")
    done = subprocess.run(
        [*pip, "install", "--progress-bar=off", *options, *source, what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        check=False,
    )
    shutil.rmtree(str(temporary), ignore_errors=True)
    if done.returncode:
        told = telling_line(done.stdout.decode(errors="replace"))
        where = "from the folder of wheels" if wheels is not None else "from the package index"
        raise Refused(
            f"Calibench could not be installed {where}: {told}",
            "Complete the folder of wheels."
            if wheels is not None
            else "Mend the network there, or give a folder of wheels: --wheels DIR.",
        )


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

"""Answer what is asked of a target, line by line, until nobody asks any more."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

from calibench.targets.remote_side.cleaned_there import clean, remove_job, would_clean
from calibench.targets.remote_side.contents_there import lay, missing, pack, settle, unpack
from calibench.targets.remote_side.environments_there import environment, make_environment
from calibench.targets.remote_side.facts_there import facts
from calibench.targets.remote_side.jobs_there import follow, manifest, submitted
from calibench.targets.remote_side.python_there import installed
from calibench.targets.remote_side.words_there import FULL, LISTS, PARTIAL, Refused

MARK = "calibench-answer: "
"""What the line of the answer begins with; greetings of a shell stand before it."""
LISTS_S = 30 * 86400.0
"""Seconds that a list of files is kept after it was used last."""


def converse() -> None:
    """Answer line after line, until nobody asks any more."""
    os.umask(0o077)
    for asked in iter(sys.stdin.buffer.readline, b""):
        answer(asked.decode())


def answer(asked: str) -> None:
    """Do what a line of JSON asks for: {"command", "home", further arguments}; print the answer, or several, of which
    the last one is not {"more"}.

    A long argument is kept here under its hash: the next time {"kept": its hash} stands for all of them.
    """
    request = json.loads(asked)
    home = Path.home() / request.pop("home")
    try:
        long = _long_arguments(home, request.pop("kept", None), request.pop("long", None))
        told: dict[str, Any]
        if long is None:
            told = {"unknown": True}
        else:
            done = COMMANDS[request.pop("command")](home, **request, **long)
            if isinstance(done, types.GeneratorType):
                for each in done:
                    _tell({"more": each})
                done = None
            told = {"done": done}
    except Refused as refused:
        told = {"refused": [refused.says, refused.mend]}
    except OSError as error:
        told = {"refused": _of_system(error, home)}
    _tell(told)


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write("\n" + MARK + json.dumps(told) + "\n")
    sys.stdout.flush()


def _long_arguments(home: Path, kept: str | None, text: str | None) -> dict[str, Any] | None:
    """The arguments that are sent once only; None: they are not known here, send them."""
    if kept is None:
        return {}
    place = home / LISTS / kept
    if text is None:
        if not place.exists():
            return None
        text = place.read_text(encoding="utf-8")
        place.touch()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.iterdir():
            if time.time() - old.stat().st_mtime > LISTS_S:
                old.unlink()
        aside = place.with_name(f"{kept}.{os.getpid()}{PARTIAL}")
        aside.write_text(text, encoding="utf-8")
        aside.rename(place)
    if hashlib.sha256(text.encode()).hexdigest() != kept:
        place.unlink()
        return None
    arguments: dict[str, Any] = json.loads(text)
    return arguments


def _of_system(error: OSError, home: Path) -> list[str]:
    where = error.filename or home
    if error.errno in FULL:
        return [f"the disk of {home} is full.", "Free some room there, run `target clean`, or name another home."]
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return [f"{where} may not be written ({error.strerror}).", "Name another home, or change its permissions."]
    return [f"{where}: {error.strerror or error}.", "Look at it there, and try again."]


COMMANDS: dict[str, Any] = {
    "facts": facts,
    "installed": installed,
    "environment": environment,
    "make_environment": make_environment,
    "missing": missing,
    "settle": settle,
    "pack": pack,
    "unpack": unpack,
    "lay": lay,
    "follow": follow,
    "manifest": manifest,
    "remove_job": remove_job,
    "submitted": submitted,
    "clean": clean,
    "would_clean": would_clean,
}

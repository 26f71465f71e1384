"""A cluster that only the owner of the server adds: what workers on other machines answer is loaded as code."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calibench.store.data_folder import usual_place
from calibench.things.target_spec import TargetSpec
from calibench.web.target_fields import FIELDS, Way, parts_of

OWNERS: tuple[Way, ...] = ("hosts", "scheduler")
"""Ways to workers that the holder of the token cannot add; see workbench/target_files.py."""
WHY = (
    "What workers on other machines answer is loaded as code, so only the owner of this server adds such a cluster, on "
    "the server itself. Fill in the fields; the owner runs this command:"
)
UNSAID = {"name": "NAME", "hosts": "ssh://me@lab1 ssh://me@lab2", "scheduler": "tls://head:8786"}
"""What stands where nothing is filled in yet."""
DEFAULTS = {name: str(TargetSpec.model_fields[name].default) for name in ("python", "home")}
"""Fields that the form shows filled, and an option need not name."""


def owner_command(way: Way, name: str, entries: Mapping[str, Any], data_folder: Path) -> str:
    """The command that adds a cluster.

    Args:
        entries: of the form's fields.
        data_folder: of the server; named where it is not the usual one.
    """
    filled = {key: str(value).strip() for key, value in entries.items() if value not in (None, "")}
    address = (filled.get(way) or UNSAID[way]).split()
    words = ["calibench", "target", "add", name.strip() or UNSAID["name"], "dask", *address]
    for field in FIELDS:
        if field.name != way and field.part in parts_of("dask", True, way) and field.name in filled:
            value = entries[field.name]
            given = f"{value:g}" if isinstance(value, int | float) else filled[field.name]
            if given != DEFAULTS.get(field.name):
                words += [f"--{field.name.replace('_', '-')}", given]
    if data_folder != usual_place():
        words += ["--data-dir", str(data_folder)]
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """For a shell, which is to know a home by its ~."""
    return f"~/{shlex.quote(word[2:])}" if word.startswith("~/") and len(word) > 2 else shlex.quote(word)

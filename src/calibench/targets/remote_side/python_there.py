"""The Python of a target, and whether it has Calibench."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from calibench.targets.remote_side.words_there import sha256_of

OLDEST = (3, 11)
"""Python that Calibench needs."""


def newer() -> str:
    """The mend of a Python that is too old."""
    wanted = ".".join(map(str, OLDEST))
    return f"Install Python {wanted} or newer there, or name another program: --python python{wanted}."


def with_venv() -> str:
    """The mend of a Python that makes no environments."""
    return "Install it there (Debian: apt-get install python3-venv), or name another Python."


def has_module(module: str) -> bool:
    """Whether this Python has a module."""
    from importlib.util import find_spec

    return find_spec(module) is not None


def bundled_pips() -> list[str]:
    """Wheels of pip that came with this Python, or with Debian's packages for it."""
    folders = [Path("/usr/share/python-wheels")]
    try:
        import ensurepip

        folders.append(Path(ensurepip.__file__).parent / "_bundled")
    except ImportError:
        pass
    return [str(path) for folder in folders for path in sorted(folder.glob("pip-*.whl"))]


def installed(home: Path) -> dict[str, str] | None:
    """What this Python itself has: {"version", "print", "python"}; None where Calibench or OpenVINO is missing."""
    return has_calibench()


def has_calibench() -> dict[str, str] | None:
    """As `installed`."""
    from importlib import metadata
    from importlib.util import find_spec

    spec = find_spec("calibench")
    if spec is None or not spec.submodule_search_locations or not has_module("openvino"):
        return None
    try:
        version = metadata.version("calibench")
    except metadata.PackageNotFoundError:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {"version": version, "print": package_print(folder), "python": sys.executable}


def package_files(folder: Path) -> list[str]:
    """Relative paths of a package's files, sorted, without what Python compiles."""
    found = []
    for place, folders, names in os.walk(str(folder)):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(place, name).relative_to(folder).as_posix() for name in names if not name.endswith(".pyc")]
    return sorted(found)


def package_print(folder: Path) -> str:
    """SHA-256 of the names and contents of a package: the same for the same code, however it was installed."""
    digest = hashlib.sha256()
    for name in package_files(folder):
        digest.update(f"{name}\n{sha256_of(folder / name)}\n".encode())
    return digest.hexdigest()

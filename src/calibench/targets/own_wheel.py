"""A wheel out of the package that runs, and the versions of what it needs: what a target installs."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import calibench
from calibench.errors import TargetError
from calibench.targets.remote_side.python_there import package_files

EXTRAS = ("datasets", "caffe")
"""What jobs need beside the base; a server and its pages are not needed on a target."""
WITH_WORKERS = (*EXTRAS, "targets")
"""The same where workers of a cluster run, or a job that starts some."""
DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file, so that the same code gives the same bytes."""
WHEEL = "Wheel-Version: 1.0\nGenerator: calibench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_own_wheel(folder: Path) -> Path:
    """Write a wheel of the running Calibench, however it was installed; byte-identical for the same code.

    Raises:
        TargetError: it runs from a folder that nothing was installed from.
    """
    own = _distribution()
    home = Path(calibench.__file__).parent
    info = f"calibench-{own.version}.dist-info"
    files = {f"calibench/{name}": (home / name).read_bytes() for name in package_files(home)}
    files |= {f"{info}/{name}": text.encode() for name, text in _described(own)}
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    place = folder / f"calibench-{own.version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr, entry.compress_type, entry.create_system = 0o100644 << 16, zipfile.ZIP_DEFLATED, 3
            archive.writestr(entry, content)
    return place


def pinned(extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """The version of every package that the running Calibench needs, such as "numpy==2.1.0", sorted.

    What is not installed here, such as an extra, is not pinned: a target takes the newest that fits.

    Raises:
        TargetError: as `write_own_wheel`.
    """
    found: dict[str, str] = {}
    waiting = [("calibench", ("", *extras))]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[_plain(name)] = package.version
        needed = [needs for needs in _needed(package, wanted) if needs not in seen]
        seen.update(needed)
        waiting += needed
    _distribution()
    return sorted(f"{name}=={version}" for name, version in found.items() if name != "calibench")


def _needed(package: metadata.Distribution, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and extras of the packages that one needs on this machine."""
    from packaging.requirements import Requirement

    for text in package.requires or ():
        needs = Requirement(text)
        if needs.marker is None or any(needs.marker.evaluate({"extra": extra}) for extra in extras):
            yield _plain(needs.name), ("", *sorted(needs.extras))


def _plain(name: str) -> str:
    """As an index writes the name of a package."""
    return name.lower().replace("_", "-").replace(".", "-")


def _distribution() -> metadata.Distribution:
    try:
        return metadata.distribution("calibench")
    except metadata.PackageNotFoundError:
        raise TargetError(
            "Calibench runs from a folder and is not installed, so that it cannot be installed on a target. "
            "Install it here first: pip install -e ."
        ) from None


def _described(own: metadata.Distribution) -> Iterator[tuple[str, str]]:
    """The files of a wheel that say what it is."""
    for name in ("METADATA", "entry_points.txt"):
        if text := own.read_text(name):
            yield name, text
    yield "WHEEL", WHEEL


def _record(files: dict[str, bytes], own: str) -> bytes:
    """Hash and size of every file, as pip checks them."""
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join((*lines, f"{own},,\n")).encode()

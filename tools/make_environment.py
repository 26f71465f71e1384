"""Make a virtual environment with pip in it, also on a Debian that has neither python3-venv nor pip, without root.

Usage: python3 tools/make_environment.py FOLDER

Only the standard library is used, and the syntax of old Pythons, so that those get a sentence and no traceback.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, NoReturn, Optional  # noqa: UP035 - not `list`: an old Python must come to the sentence

OLDEST = (3, 11)
WHEEL_PACKAGE = "python3-pip-whl"
"""The Debian package that holds pip as a wheel: what `python3-venv` itself would have unpacked."""


def main(folder: Path) -> None:
    """Make the environment, or end with one sentence that says what is missing."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:2])
        sys.exit(f"Calibench needs Python 3.11 or newer, this is {found}. Name another: make demo PYTHON=python3.12")
    if has_pip(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        import venv
    except ImportError:
        give_up("This Python cannot make virtual environments.")
    venv.create(folder, symlinks=True)
    for attempt in (ensurepip, pip_of_the_machine, pip_of_debian):
        if attempt(folder) and has_pip(folder):
            return
    shutil.rmtree(folder, ignore_errors=True)
    give_up(f"There is no pip to put into {folder}.")


def give_up(reason: str) -> NoReturn:
    """End with one sentence that names the package to install."""
    sys.exit(f"{reason} Install the Debian package python3-venv (apt-get install python3-venv) and try again.")


def inside(folder: Path) -> str:
    """The Python of the environment."""
    return str(folder.absolute() / "bin" / "python")


def has_pip(folder: Path) -> bool:
    """Does the environment work, and is pip in it?"""
    return run([inside(folder), "-m", "pip", "--version"])


def ensurepip(folder: Path) -> bool:
    """The usual way; Debian takes it away unless python3-venv is installed."""
    return run([inside(folder), "-m", "ensurepip", "--default-pip"])


def pip_of_the_machine(folder: Path) -> bool:
    """The pip outside installs one inside (its option --python exists since 22.3)."""
    return run([sys.executable, "-m", "pip", "--python", inside(folder), "install", "--quiet", "pip"])


def pip_of_debian(folder: Path) -> bool:
    """Download Debian's wheel of pip, unpack it, and let it install itself."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)  # apt's own user reads here, too
        if not (run(["apt-get", "download", WHEEL_PACKAGE], place) or download_with_own_lists(place)):
            return False
        archives = list(place.glob("*.deb"))
        if len(archives) != 1 or not run(["dpkg-deb", "-x", archives[0].name, "."], place):
            return False
        wheel = next((place / "usr/share/python-wheels").glob("pip-*.whl"), None)
        return wheel is not None and run(
            [inside(folder), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
        )


def download_with_own_lists(place: Path) -> bool:
    """Where the machine has no package lists (an image without them): fetch them into a folder of our own."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (place / part).mkdir(parents=True)
    start = ["apt-get", "--quiet", "-o", f"Dir::State={place}/state", "-o", f"Dir::Cache={place}/cache"]
    return run([*start, "update"], place) and run([*start, "download", WHEEL_PACKAGE], place)


def run(command: List[str], place: Optional[Path] = None) -> bool:  # noqa: UP006, UP045
    """Run quietly; did it end well?"""
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, cwd=place, stdin=quiet, stdout=quiet, stderr=quiet, check=False)
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))

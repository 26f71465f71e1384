"""A Python for other users of this machine, with the packages of the one that runs the tests."""

import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import calibench

SYSTEM = Path("/usr/bin/python3")
FOR_ALL = 0o005


@contextmanager
def shared_python() -> Iterator[Path]:
    """A Python that any user may start, with Calibench; made where that of the tests is private, and removed again.

    It skips the test where the only Python that others may start is of another version.
    """
    own = Path(sys.executable).resolve()
    if all(path.stat().st_mode & FOR_ALL == FOR_ALL for path in (own, *own.parents)):
        yield Path(sys.executable)
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not SYSTEM.exists() or not SYSTEM.resolve().name.endswith(version):
        pytest.skip(f"other users may not start {own}, and there is no {SYSTEM} of version {version}")
    folder = Path(tempfile.mkdtemp(prefix="cbpy-"))  # not of pytest, whose folders are private
    try:
        folder.chmod(0o755)
        packages = folder / f"lib/python{version}/site-packages"
        packages.mkdir(parents=True)
        (folder / "pyvenv.cfg").write_text(f"home = {SYSTEM.parent}\ninclude-system-site-packages = false\n")
        places = (Path(calibench.__file__).parents[1], sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
        (packages / "shared.pth").write_text("".join(f"{place}\n" for place in places))
        (folder / "bin").mkdir()
        python = folder / "bin/python3"
        python.symlink_to(SYSTEM)
        yield python
    finally:
        shutil.rmtree(folder)

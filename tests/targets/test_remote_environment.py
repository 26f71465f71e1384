"""Calibench on a target that has none: an environment of its own, made once, out of wheels that were given.

The wheels of what Calibench needs are empty here: what counts is that pip takes them, and from nowhere else.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from begun_link import Begun
from closed_links import done, local
from packaging.requirements import Requirement

from calibench.errors import TargetError
from calibench.targets import remote_machine
from calibench.targets.own_wheel import pinned, write_own_wheel
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.remote_side.environments_there import installed_of
from calibench.targets.remote_side.python_there import package_print
from calibench.things.target_spec import TargetSpec

BARE = str(Path(sys.base_prefix) / "bin" / "python3")
"""A Python without Calibench."""

pytestmark = [pytest.mark.packages, pytest.mark.targets]


def empty_wheel(folder: Path, pin: str) -> None:
    """A wheel of that name and version with one empty module."""
    needs = Requirement(pin)
    name, version = needs.name.replace("-", "_"), next(iter(needs.specifier)).version
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {needs.name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for pin in pinned():
        empty_wheel(folder, pin)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _one_wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The code may be edited while the tests run: all of them take it as it was at the first."""
    wheel = write_own_wheel(tmp_path_factory.mktemp("own"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_machine, "write_own_wheel", lambda folder: Path(shutil.copy(wheel, folder)))
        yield


@pytest.fixture(scope="module")
def made(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user on whose machine the environment was made."""
    user = tmp_path_factory.mktemp("user")
    told: list[str] = []
    counts: list[tuple[int, int]] = []
    there = machine(user, wheels)
    command = done(there.environment(told.append, installed=lambda done, total: counts.append((done, total))))
    (user / "counts").write_text(json.dumps(counts))
    assert len(told) == 1 and "Calibench is installed there" in told[0]
    (user / "command").write_text(command)
    return user


def machine(user: Path, wheels: Path | None, python: str = BARE) -> RemoteMachine:
    return RemoteMachine(local(user), TargetSpec(kind="ssh", host="lab", python=python, wheels=wheels))


def environments(user: Path) -> list[Path]:
    return sorted((user / ".cache/calibench/environments").iterdir())


def test_calibench_runs_there_by_its_own_wheel(made: Path) -> None:
    python = (made / "command").read_text().removesuffix(" -I -m calibench")
    code = "import calibench, openvino, json; print(json.dumps([calibench.__file__, calibench.__version__]))"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    place, _ = json.loads(said.stdout)
    (environment,) = environments(made)
    assert Path(place).is_relative_to(environment)


def test_it_tells_how_many_packages_are_there_and_never_less(made: Path) -> None:
    counts = json.loads((made / "counts").read_text())
    done = [count for count, _ in counts]
    assert {total for _, total in counts} == {len(pinned()) + 1}
    assert done == sorted(done) and len(set(done)) > 2
    assert done[-1] == len(pinned()) + 1


SAYS = """\
Collecting numpy==2.1.0 (from calibench==1)
  Downloading https://files.example/numpy-2.1.0-cp311-manylinux.whl.metadata (9 kB)
Downloading https://files.example/numpy-2.1.0-cp311-manylinux.whl (18.2 MB)
Installing collected packages: numpy
"""


def test_what_pip_says_counts_to_find_to_fetch_and_to_unpack_a_third_each(tmp_path: Path) -> None:
    lines = SAYS.splitlines(keepends=True)
    assert [installed_of(3, "".join(lines[:count]) * 3, tmp_path) for count in (1, 2, 3)] == [0, 0, 0]
    several = [SAYS.replace("numpy", name) for name in ("one", "two", "three")]
    assert [installed_of(3, "".join(several[:count]), tmp_path) for count in (1, 2, 3)] == [0, 1, 2]
    for name in ("one", "two", "three"):
        (tmp_path / f"lib/python3.11/site-packages/{name}-1.dist-info").mkdir(parents=True)
    assert installed_of(3, "".join(several), tmp_path) == 3


def test_pip_ends_when_nobody_listens_any_more(tmp_path: Path, wheels: Path) -> None:
    few, user = only(wheels, tmp_path / "few", "numpy"), tmp_path / "user"
    user.mkdir()
    with zipfile.ZipFile(few / "pip-99-py3-none-any.whl", "w") as archive:
        archive.writestr("pip/__main__.py", f"print({SAYS!r}); import time; time.sleep(600)")

    async def _run() -> None:
        link, heard = Begun(user), asyncio.Event()
        there = RemoteMachine(link, TargetSpec(kind="ssh", host="lab", python=BARE, wheels=few))
        work = asyncio.ensure_future(there.environment(installed=lambda done, total: heard.set()))
        await heard.wait()
        link.talk._pipe._process.stdin.close()  # type: ignore[attr-defined]
        with pytest.raises(TargetError, match="nobody listens any more"):
            await work
        await link.close()

    asyncio.run(_run())
    assert environments(user) == []


def test_all_of_it_lies_in_the_home_of_the_target_and_is_private(made: Path) -> None:
    by_pip = {".rustup"}  # pip asks for the version of Rust, and where rustup is installed that makes a folder
    assert {path.name for path in made.iterdir()} - by_pip == {".cache", "command", "counts"}
    assert sorted(path.name for path in (made / ".cache").iterdir()) == ["calibench"]
    for path in (made / ".cache/calibench").rglob("*"):
        assert path.is_symlink() or not path.is_dir() or not path.stat().st_mode & 0o077, path


def test_a_second_time_it_is_used_as_it_is(made: Path, wheels: Path) -> None:
    told: list[str] = []
    before = environments(made)[0].stat().st_ino
    assert done(machine(made, wheels).environment(told.append)) == (made / "command").read_text()
    assert environments(made)[0].stat().st_ino == before
    assert told == []


def test_an_environment_that_does_not_work_any_more_is_made_anew(made: Path, wheels: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "user", symlinks=True)
    (environment,) = environments(tmp_path / "user")
    shutil.rmtree(next(environment.glob("lib/python*/site-packages/calibench")))
    few = only(wheels, tmp_path / "few", "numpy")
    with pytest.raises(TargetError, match="could not be installed from the folder of wheels"):
        done(machine(tmp_path / "user", few).environment())
    assert environments(tmp_path / "user") == [], "nothing half is left"


def only(wheels: Path, folder: Path, *names: str) -> Path:
    """A folder with some of the wheels."""
    folder.mkdir()
    for name in names:
        for path in wheels.glob(f"{name}-*.whl"):
            shutil.copy(path, folder)
    return folder


def test_a_wheel_that_is_missing_is_named(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    few = tmp_path / "few"
    shutil.copytree(wheels, few)
    for path in few.glob("numpy-*"):
        path.unlink()
    with pytest.raises(TargetError) as told:
        done(machine(tmp_path / "user", few).environment())
    assert re.search(r"wheels: numpy==[\d.]+ is not there, or does not fit\. Complete", str(told.value))
    assert str(told.value).endswith("Complete the folder of wheels.")
    assert environments(tmp_path / "user") == []


def test_a_folder_without_wheels_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    with pytest.raises(TargetError, match="holds no wheels"):
        done(machine(tmp_path / "user", tmp_path).environment())


def test_another_calibench_there_is_not_taken_for_ours(made: Path) -> None:
    python = (made / "command").read_text().removesuffix(" -I -m calibench")
    package = next(environments(made)[0].glob("lib/python*/site-packages/calibench"))
    there, asked = machine(made, None, python), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RemoteMachine, "_make_environment", lambda self, key, *_: _noted(asked, key))
        patch.setattr(remote_machine, "pinned", lambda extras: ["numpy==1"])
        patch.setattr(remote_machine, "package_print", lambda folder: package_print(package))
        assert done(there.environment()) == f"{python} -I -m calibench"
        patch.setattr(remote_machine, "package_print", lambda folder: "of another")
        assert done(there.environment()) == "python -I -m calibench"
    assert len(asked) == 1


async def _noted(asked: list[str], key: str) -> str:
    asked.append(key)
    return "python"

"""Calibench travels as a wheel of what runs here, and brings the versions of what it needs."""

import csv
import io
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import calibench
from calibench.errors import TargetError
from calibench.targets.own_wheel import pinned, write_own_wheel

OURS = Path(calibench.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_own_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_file_of_the_package_and_nothing_that_python_makes(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("calibench/") for name in archive.namelist() if name.startswith("calibench/")}
    there = {path.relative_to(OURS).as_posix() for path in OURS.rglob("*") if path.is_file()}
    assert names == {name for name in there if "__pycache__" not in name}
    assert any(name.endswith(".css") for name in names)
    assert any("migrations" in name for name in names)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"calibench-{calibench.__version__}.dist-info"
        assert archive.read(f"{info}/METADATA").decode().splitlines()[1] == "Name: calibench"
        assert "calibench = calibench.cli.app:main" in archive.read(f"{info}/entry_points.txt").decode()
        rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
        assert [row[0] for row in rows] == archive.namelist()


def test_the_same_code_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert write_own_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_pip_installs_the_wheel_and_checks_its_hashes(wheel: Path, tmp_path: Path) -> None:
    command = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(tmp_path / "x")]
    subprocess.run([sys.executable, "-m", *command, str(wheel)], check=True)
    said = subprocess.run(
        [sys.executable, "-c", "import calibench; print(calibench.__file__)"],
        env={"PYTHONPATH": str(tmp_path / "x")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith(str(tmp_path / "x"))


def test_an_installed_wheel_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "x")
    code = "import sys; from pathlib import Path; from calibench.targets.own_wheel import write_own_wheel; "
    code += f"write_own_wheel(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path / "x")}, check=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_versions_of_all_that_is_needed_are_those_of_here() -> None:
    pins = {Requirement(line).name: line for line in pinned()}
    assert pins["numpy"] == f"numpy=={metadata.version('numpy')}"
    assert pins["openvino"] == f"openvino=={metadata.version('openvino')}"
    assert pins["pydantic-core"] == f"pydantic-core=={metadata.version('pydantic_core')}", "what others need in turn"
    assert "datumaro" in pins and "protobuf" in pins, "the extras of jobs"
    assert not {"calibench", "nicegui", "pytest", "asyncssh", "nncf"} & set(pins)
    assert pinned() == sorted(pins.values())


def test_a_calibench_that_nothing_installed_cannot_travel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(TargetError, match="is not installed, so that it cannot be installed on a target"):
        write_own_wheel(tmp_path)

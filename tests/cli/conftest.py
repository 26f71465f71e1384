"""A pipeline that records its calls, and the program run inside and outside this process."""

import os
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import calibench
from calibench.cli.app import app
from calibench.reports.report import DatasetFiles, ModelFile, Report
from calibench.settings import Settings, make_settings

ENVIRONMENT = {
    "NO_COLOR": "1",
    "COLUMNS": "80",
    "TERMINAL_WIDTH": "80",
    "TERM": "dumb",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
}


@dataclass
class Answer:
    """What evaluate, plan and inspect give."""

    lines: tuple[str, ...] = ("one", "two")

    def as_json(self) -> dict[str, Any]:
        return {"lines": list(self.lines)}


@dataclass
class Calibrated:
    report: Report
    folder: Path | None
    model: None = None


@dataclass
class FakePipeline:
    """Stands for `calibench.pipeline`."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    before: Callable[..., None] = lambda *args: None
    report: Report = field(
        default_factory=lambda: Report(
            model=ModelFile(path="m.xml", name="m", sha256="00", size_bytes=1),
            dataset=DatasetFiles(path="d", sha256="11", samples=3),
            settings=make_settings({}),
            notes=("Only 3 samples.",),
        )
    )

    @property
    def settings(self) -> Settings:
        """The settings of the last call."""
        _, args, _ = self.calls[-1]
        return next(value for value in args if isinstance(value, Settings))

    def calibrate(self, *args: Any, **more: Any) -> Calibrated:
        self.calls.append(("calibrate", args, more))
        more["progress"]("statistics", 1, 3)
        print("a library speaks on stdout")
        os.write(1, b"")
        self.before()
        return Calibrated(self.report, args[3])

    def plan(self, *args: Any, **more: Any) -> Answer:
        self.calls.append(("plan", args, more))
        return Answer()

    def evaluate(self, *args: Any, **more: Any) -> Answer:
        self.calls.append(("evaluate", args, more))
        self.before()
        return Answer()

    def inspect(self, *args: Any, **more: Any) -> Answer:
        self.calls.append(("inspect", args, more))
        self.before()
        return Answer()


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    fake = FakePipeline()
    module = types.ModuleType("calibench.pipeline")
    for name in ("calibrate", "plan", "evaluate", "inspect"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "calibench.pipeline", module)
    monkeypatch.setattr(calibench, "pipeline", module, raising=False)
    return fake


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the program in this process: `run("calibrate", "m.xml", ...)`."""
    runner = CliRunner()
    return lambda *args: runner.invoke(app, [str(arg) for arg in args], env=ENVIRONMENT)


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code with `calibench` in a process of its own."""

    def start(code: str, *args: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **ENVIRONMENT}
        return subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60, env=environment
        )

    return start

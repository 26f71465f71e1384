"""A pipeline that records its calls, and the program run inside and outside this process."""

import os
import subprocess
import sys
import types
from collections.abc import Callable

import pytest
from fake_pipeline import FakePipeline
from typer.testing import CliRunner, Result

import calibench
from calibench.cli.app import app

ENVIRONMENT = {
    "NO_COLOR": "1",
    "COLUMNS": "80",
    "TERMINAL_WIDTH": "80",
    "TERM": "dumb",
    "CALIBENCH_SERVER": "",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
}


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
            [sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=300, env=environment
        )

    return start

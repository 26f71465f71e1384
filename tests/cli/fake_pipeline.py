"""A pipeline that records its calls, and answers at once."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibench.reports.report import DatasetFiles, ModelFile, Report
from calibench.settings import Settings, make_settings


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

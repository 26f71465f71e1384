import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from fake_pipeline import FakePipeline

import calibench
from calibench.errors import SettingsError
from calibench.reports.report import Advice, LayerRow, ModelFile, SampleRow, Shown
from calibench.settings import make_settings

BASE = ("compare", "fp32.onnx", "int8.xml", "-d", "data")


class FakeComparison:
    """Stands for `calibench.comparison`."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.error: Exception | None = None
        self.report = FakePipeline().report.model_copy(
            update={
                "kind": "comparison",
                "int8_model": ModelFile(path="int8.xml", name="m", sha256="22", size_bytes=1),
                "metric": "top1",
                "baseline": 90.0,
                "int8": 88.5,
                "drop_points": 1.5,
                "drop_interval": (0.5, 2.5),
                "differing": 3,
                "evaluated": 200,
                "layers": (LayerRow(name="conv", type="Convolution", precision="int8", fp32_ms=2.0, int8_ms=0.5),),
                "samples": (
                    SampleRow(
                        name="cats/1.png",
                        baseline_value=100.0,
                        int8_value=0.0,
                        worse=100.0,
                        baseline=Shown(text="cat 0.91"),
                        int8=Shown(text="dog 0.55"),
                    ),
                ),
                "advice": (Advice(kind="warning", title="INT8 loses 1.50 points.", action="Try --preset mixed."),),
            }
        )

    def compare_models(self, *args: Any, **more: Any) -> Any:
        self.calls.append((args, more))
        more["progress"]("evaluate", 1, 3)
        print("a library speaks on stdout")
        if self.error:
            raise self.error
        return types.SimpleNamespace(report=self.report, folder=args[4])


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> FakeComparison:
    fake = FakeComparison()
    module = types.ModuleType("calibench.comparison")
    module.compare_models = fake.compare_models  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "calibench.comparison", module)
    monkeypatch.setattr(calibench, "comparison", module, raising=False)
    return fake


def test_both_models_dataset_and_settings_are_passed(comparison, run) -> None:
    result = run(*BASE, "--metric", "top5", "--task", "classification", "--no-benchmark", "--force", "-o", "out")
    assert result.exit_code == 0, result.stderr
    [(args, more)] = comparison.calls
    settings = make_settings({"metric": "top5", "task": {"kind": "classification"}})
    assert args == (Path("fp32.onnx"), Path("int8.xml"), Path("data"), settings, Path("out"))
    assert (more["benchmark"], more["force"]) == (False, True)


def test_by_default_everything_is_measured_and_nothing_written(comparison, run) -> None:
    result = run(*BASE)
    [(args, more)] = comparison.calls
    assert (args[4], more["benchmark"], more["force"]) == (None, True, False)
    assert "Written" not in result.stdout


def test_the_tables_name_what_was_found(comparison, run) -> None:
    text = run(*BASE).stdout
    for part in ("top1, %", "-1.50 points", "0.50..2.50", "cats/1.png", "dog 0.55", "Warning: INT8 loses 1.50 points."):
        assert part in text
    assert "Try --preset mixed." in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_json_is_the_report_alone(comparison, run) -> None:
    values = json.loads(run(*BASE, "--json").stdout)
    assert (values["kind"], values["drop_points"]) == ("comparison", 1.5)


def test_the_files_that_were_written_are_named(comparison, run, tmp_path: Path) -> None:
    for name in ("report.json", "report.html"):
        (tmp_path / name).touch()
    assert f"Written to {tmp_path}: report.html, report.json" in run(*BASE, "-o", tmp_path).stdout.replace("\n", "")


def test_models_that_do_not_fit_are_refused_in_one_line(comparison, run) -> None:
    comparison.error = SettingsError("int8.xml takes x, but fp32.onnx takes y.")
    result = run(*BASE)
    assert (result.exit_code, result.stdout.replace("a library speaks on stdout\n", "")) == (2, "")
    assert result.stderr.endswith("SettingsError: int8.xml takes x, but fp32.onnx takes y.\n")

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import calibench
from calibench.errors import JobError
from calibench.reports import picking
from calibench.reports.picking import Picked
from calibench.reports.search_report import FrontRow


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Stands for `picking.pick`; a drop of 0 is out of reach."""
    made: list[tuple[Any, ...]] = []

    def pick(out: Path, max_drop: Any, min_fps: Any, target: Any, force: bool) -> Picked:
        made.append((out, max_drop, min_fps, target, force))
        is_reached = max_drop != 0
        why_not = "" if is_reached else "No model of the front loses nothing."
        return Picked(FrontRow(trial=3, drop=0.1), is_reached, why_not, out / "front/3", target, "top1", "%")

    monkeypatch.setattr(picking, "pick", pick)
    return made


def test_what_was_said_reaches_the_function(calls, run) -> None:
    assert run("pick", "out", "--max-drop", "0.5", "-o", "new", "--force").exit_code == 0
    assert run("pick", "out", "--min-fps", "100").exit_code == 0
    assert calls == [(Path("out"), 0.5, None, Path("new"), True), (Path("out"), None, 100.0, None, False)]


def test_people_read_lines(calls, run) -> None:
    assert run("pick", "out", "--max-drop", "1").stdout == (
        "Trial 3: drop 0.10 points of top1, all layers in INT8.\nIts model lies in out/front/3: model.xml, model.bin\n"
    )


def test_programs_read_json(calls, run) -> None:
    found = json.loads(run("pick", "out", "--max-drop", "1", "--json").stdout)
    assert (found["point"]["trial"], found["is_reached"], found["source"]) == (3, True, "out/front/3")


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_where_nothing_qualifies_the_exit_code_is_3(args, calls, run) -> None:
    result = run("pick", "out", "--max-drop", "0", *args)
    assert (result.exit_code, result.stderr) == (3, "No model of the front loses nothing.\n")
    assert (json.loads(result.stdout)["is_reached"] is False) if args else result.stdout == ""


def test_a_folder_without_a_search_is_one_line(run, tmp_path: Path) -> None:
    result = run("pick", tmp_path, "--max-drop", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"JobError: {tmp_path}/report.json: cannot be read")


def test_python_has_the_same_by_name(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be read"):
        calibench.pick(tmp_path, max_drop=1)
    assert "pick" in calibench.__all__ and "calibench.reports.picking" in sys.modules

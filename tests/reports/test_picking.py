import shutil
from pathlib import Path
from typing import Any

import pytest
from report_samples import WORST, full_report, searched_report

from calibench.errors import JobError, SettingsError
from calibench.models.read import hash_of
from calibench.reports.picking import pick
from calibench.reports.report import Report, read_report, write_report
from calibench.reports.result import write_result
from calibench.reports.run_file import run_file

# The front of the sample, trial: drop, samples a second, layers in float
FRONT = {10: (0.06, 571, 8), 12: (0.14, 585, 6), 8: (0.31, 616, 3), 3: (0.74, 633, 1), 2: (1.12, 641, 0)}


def at_home(report: Report) -> Report:
    """The files of the returned model are those of the result itself."""
    assert report.search is not None
    rows = (row.model_copy(update={"folder": "."} if row.trial == 8 else {}) for row in report.search.front)
    return report.model_copy(update={"search": report.search.model_copy(update={"front": tuple(rows)})})


def with_front(report: Report, **fields: Any) -> Report:
    assert report.search is not None
    rows = tuple(row.model_copy(update=fields) for row in report.search.front)
    return report.model_copy(update={"search": report.search.model_copy(update={"front": rows})})


def put(folder: Path, report: Report) -> Path:
    """The folder of a run, with made-up models that say whose they are."""
    assert report.search is not None
    folder.mkdir()
    write_result(report, folder)
    for row in report.search.front:
        place = folder / row.folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "model.xml").write_text(f"model {row.trial}")
        (place / "model.bin").write_bytes(b"\0" * row.trial)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return put(tmp_path / "out", at_home(searched_report()))


@pytest.mark.parametrize(
    ("max_drop", "trial"), [(0.06, 10), (0.13, 10), (0.14, 12), (0.31, 8), (0.5, 8), (0.73, 8), (0.74, 3), (99, 2)]
)
def test_within_a_drop_the_fastest_is_taken(max_drop: float, trial: int, out: Path) -> None:
    found = pick(out, max_drop=max_drop)
    assert (found.point.trial, found.is_reached, found.folder) == (trial, True, None)


@pytest.mark.parametrize(("min_fps", "trial"), [(0, 10), (571, 10), (572, 12), (600, 8), (633, 3), (641, 2)])
def test_of_those_that_are_fast_enough_the_most_accurate_is_taken(min_fps: float, trial: int, out: Path) -> None:
    assert pick(out, min_fps=min_fps).point.trial == trial


def test_it_is_said_in_a_line_what_it_is_and_where_its_model_lies(out: Path) -> None:
    assert pick(out, max_drop=0.2).lines == (
        "Trial 12: drop 0.14 points of top1 (95 %: -0.02 to 0.30), 585.0 samples a second, 3.42 ms predicted, "
        "6 layers in float.",
        f"Its model lies in {out}/front/12: model.xml, model.bin",
    )
    assert pick(out, max_drop=0.5).lines[1] == f"Its model lies in {out}: model.xml, model.bin"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"max_drop": 0.05},
            "No model of the front loses at most 0.05 points of top1; the nearest: Trial 10: drop 0.06",
        ),
        ({"min_fps": 700}, "No model of the front runs 700 samples a second; the nearest: Trial 2: drop 1.12 points"),
    ],
)
def test_where_none_qualifies_the_nearest_is_named_and_nothing_written(asked, sentence, out: Path, tmp_path) -> None:
    found = pick(out, **asked, target=tmp_path / "new")
    assert not found.is_reached and found.why_not.startswith(sentence)
    assert not (tmp_path / "new").exists()


def test_a_whole_result_is_written_with_the_figures_of_the_point(out: Path, tmp_path: Path) -> None:
    found = pick(out, max_drop=0.2, target=tmp_path / "new")
    assert found.folder == tmp_path / "new"
    names = sorted(path.name for path in found.folder.iterdir())
    assert names == ["deploy.py", "model.bin", "model.xml", "report.html", "report.json"]
    assert (found.folder / "model.xml").read_text() == "model 12"
    report = read_report(found.folder / "report.json")
    assert (report.int8, report.drop_points, report.drop_interval) == (75.29, 0.14, (-0.02, 0.3))
    assert (report.int8_fps, report.speedup_fp32, report.evaluated) == (585.0, pytest.approx(585 / 312.2), 5000)
    assert report.int8_bytes == len("model 12") + 12
    assert report.agreement is None and report.classes == () and "int8" not in report.speeds
    floats = {row.name: row.reason for row in report.layers if row.precision == "float" and row.type != "Softmax"}
    assert set(floats) == set(WORST[:6])
    assert all(reason and "costs too much accuracy" in reason for reason in floats.values())
    assert any("Picked from the front: trial 12" in note for note in report.notes)
    search = report.search
    assert search is not None and (search.best, search.is_reached, search.held_out) == (12, True, None)
    assert search.promise.startswith("INT8 loses 0.14 points of top1 on 5,000 images (95 %: -0.02 to 0.30)")
    assert {row.layer for row in search.ranking if row.state == "float"} == set(WORST[:6])


def test_a_layer_that_is_in_int8_again_says_so(out: Path, tmp_path: Path) -> None:
    pick(out, max_drop=2, target=tmp_path / "new")
    report = read_report(tmp_path / "new/report.json")
    assert [row.name for row in report.layers if row.precision == "float"] == ["mobile/softmax"]
    assert report.search is not None and report.search.float_multiply_adds_share == 0
    assert not report.search.is_reached and "another limit" in report.search.why_not


def test_the_returned_model_keeps_all_that_was_measured_of_it(out: Path, tmp_path: Path) -> None:
    pick(out, max_drop=0.5, target=tmp_path / "new")
    old, new = read_report(out / "report.json"), read_report(tmp_path / "new/report.json")
    of_files = {"search": None, "int8_sha256": None}
    assert new.model_copy(update=of_files) == old.model_copy(update=of_files)
    assert new.int8_sha256 == hash_of(tmp_path / "new/model.xml")
    assert (tmp_path / "new/model.xml").read_text() == "model 8"


def test_from_what_was_picked_only_that_point_can_be_picked(out: Path, tmp_path: Path) -> None:
    pick(out, max_drop=0.2, target=tmp_path / "new")
    assert pick(tmp_path / "new", max_drop=0.2, target=tmp_path / "newer").point.trial == 12
    with pytest.raises(JobError, match=r"the model of trial 8 is not there\. Pick from the folder"):
        pick(tmp_path / "new", max_drop=0.5)


def test_without_measured_speed_the_predicted_time_decides(tmp_path: Path) -> None:
    out = put(tmp_path / "out", with_front(at_home(searched_report()).model_copy(update={"int8_fps": None}), fps=None))
    assert pick(out, max_drop=0.5).point.trial == 8
    with pytest.raises(JobError, match="speed was not measured there"):
        pick(out, min_fps=1)


def test_without_any_times_fewer_layers_in_float_are_faster(tmp_path: Path) -> None:
    report = with_front(at_home(searched_report()), fps=None, time_ms=None).model_copy(update={"int8_fps": None})
    assert pick(put(tmp_path / "out", report), max_drop=0.8).point.trial == 3


@pytest.mark.parametrize("asked", [{}, {"max_drop": 1, "min_fps": 1}])
def test_one_of_both_must_be_given(asked, out: Path) -> None:
    with pytest.raises(SettingsError, match="give either --max-drop or --min-fps"):
        pick(out, **asked)


@pytest.mark.parametrize("place", ["", "front/12", "new"])
def test_the_search_itself_is_never_replaced(place: str, out: Path) -> None:
    with pytest.raises(SettingsError, match="lies in the result that is picked from"):
        pick(out, max_drop=1, target=out / place, force=True)


def test_a_result_is_replaced_only_by_force(out: Path, tmp_path: Path) -> None:
    pick(out, max_drop=0.2, target=tmp_path / "new")
    with pytest.raises(JobError, match="exists already"):
        pick(out, max_drop=0.5, target=tmp_path / "new")
    pick(out, max_drop=0.5, target=tmp_path / "new", force=True)
    assert (tmp_path / "new/model.xml").read_text() == "model 8"


def test_a_result_without_a_search_holds_no_front(tmp_path: Path) -> None:
    write_report(full_report(), tmp_path / "report.json")
    with pytest.raises(JobError, match="holds no front to pick from"):
        pick(tmp_path, max_drop=1)
    with pytest.raises(JobError, match=r"report\.json: cannot be read"):
        pick(tmp_path / "none", max_drop=1)


def test_a_model_that_is_gone_is_said(out: Path) -> None:
    shutil.rmtree(out / "front")
    with pytest.raises(JobError, match="the model of trial 12 is not there"):
        pick(out, max_drop=0.2)


@pytest.mark.parametrize("asked", [{"max_drop": float("nan")}, {"min_fps": float("nan")}, {"min_fps": -5}])
def test_what_is_no_drop_and_no_speed_is_refused(asked: dict[str, float], out: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--m.*: is no (number|speed)\."):
        pick(out, **asked)


def test_of_a_search_that_has_not_ended_it_is_said_how_to_end_it(tmp_path: Path) -> None:
    write_run = run_file(tmp_path / "out")
    write_run.parent.mkdir(parents=True)
    write_run.write_text("{}")
    with pytest.raises(JobError, match=r"out: its search has not ended\. Go on with calibrate --resume .*out"):
        pick(tmp_path / "out", 1.0)

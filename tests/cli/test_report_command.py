import json
from pathlib import Path

import pytest

from calibench.reports.report import ClassRow, DatasetFiles, ModelFile, Report, write_report
from calibench.settings import make_settings


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a result."""
    report = Report(
        model=ModelFile(path="m.xml", name="my network", sha256="00", size_bytes=1),
        dataset=DatasetFiles(path="d", sha256="11", samples=3),
        settings=make_settings({}),
        classes=(ClassRow(label=0, name="cat", count=3, baseline=90.0, int8=89.0, drop=1.0),),
    )
    folder = tmp_path / "out"
    folder.mkdir()
    write_report(report, folder / "report.json")
    return folder


@pytest.mark.parametrize("name", ["", "report.json"])
def test_the_page_stands_beside_the_report(name: str, out: Path, run) -> None:
    result = run("report", out / name)
    assert result.exit_code == 0
    assert "my network" in (out / "report.html").read_text(encoding="utf-8")
    assert "report.html." in result.output


def test_page_and_table_go_where_they_are_wanted(out: Path, tmp_path: Path, run) -> None:
    result = run("report", out, "--html", tmp_path / "page.html", "--csv", tmp_path / "classes.csv", "--json")
    assert json.loads(result.output) == {"html": str(tmp_path / "page.html"), "csv": str(tmp_path / "classes.csv")}
    assert (tmp_path / "classes.csv").read_text().splitlines()[1].startswith("0,cat,3,90.0,89.0,1.0")
    assert (tmp_path / "page.html").is_file()
    assert not (out / "report.html").exists()


def test_a_folder_without_a_report_is_refused_in_one_line(tmp_path: Path, run) -> None:
    result = run("report", tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith(f"JobError: {tmp_path / 'report.json'}: cannot be read")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_file_of_another_kind_is_not_written_over(option: str, out: Path, run) -> None:
    before = (out / "report.json").read_text()
    result = run("report", out, option, out / "report.json")
    assert result.exit_code == 2
    assert "exists and is no" in result.output
    assert (out / "report.json").read_text() == before


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "\ufeff{}", '{"schema_version": 2}'])
def test_a_broken_report_is_refused_in_one_line(text: str, out: Path, run) -> None:
    (out / "report.json").write_text(text)
    result = run("report", out)
    assert result.exit_code == 1
    assert result.output.startswith(f"JobError: {out / 'report.json'}: ")
    assert len(result.output.splitlines()) == 1
    assert not (out / "report.html").exists()

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import rich_report, small_report

from calibench.errors import JobError
from calibench.reports.per_class import HEAD, classes_csv, write_classes_csv
from calibench.reports.report import ClassRow, Report


def with_classes(*rows: ClassRow) -> Report:
    return small_report().model_copy(update={"classes": rows, "metric": "cer", "unit": "%", "higher_is_better": False})


def test_a_line_tells_scores_drop_unit_and_direction() -> None:
    row = ClassRow(label=3, name='say "7"', count=5, baseline=10.0, int8=12.5, drop=2.5)
    text = classes_csv(with_classes(row))
    assert text == (
        "class,name,count,fp32,int8,drop,metric,unit,direction\r\n"
        '3,"say ""7""",5,10.0,12.5,2.5,cer,%,lower is better\r\n'
    )


def test_what_is_not_known_is_empty() -> None:
    text = classes_csv(with_classes(ClassRow(label=0)))
    assert text.splitlines()[1] == "0,,0,,,,cer,%,lower is better"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.floats(-1e6, 1e6))
def test_any_name_and_number_is_read_back(name: str, drop: float) -> None:
    text = classes_csv(with_classes(ClassRow(label=0, name=name, drop=drop)))
    (head, row) = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(head) == HEAD
    assert row[1] == name
    assert float(row[5]) == drop


def test_a_file_holds_the_same(tmp_path: Path) -> None:
    write_classes_csv(rich_report(), tmp_path / "classes.csv")
    assert (tmp_path / "classes.csv").read_bytes().decode() == classes_csv(rich_report())


def test_no_classes_and_no_place_are_said(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no scores per class"):
        write_classes_csv(small_report(), tmp_path / "classes.csv")
    with pytest.raises(JobError, match="cannot be written"):
        write_classes_csv(rich_report(), tmp_path / "missing" / "classes.csv")

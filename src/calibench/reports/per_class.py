"""The scores of the classes as CSV."""

import csv
import io
from pathlib import Path

from calibench.errors import JobError
from calibench.reports.page.figures import direction
from calibench.reports.report import Report
from calibench.reports.whole_file import write_whole

HEAD = ("class", "name", "count", "fp32", "int8", "drop", "metric", "unit", "direction")


def classes_csv(report: Report) -> str:
    """One line a class, RFC 4180; scores in full, in the unit that stands in each line.

    `drop` is in the same unit (percentage points for %) and positive when INT8 is worse. What is not known is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    metric = (report.metric or "", report.unit, direction(report.higher_is_better))
    for row in report.classes:
        values = ("" if value is None else repr(value) for value in (row.baseline, row.int8, row.drop))
        writer.writerow((row.label, row.name, row.count, *values, *metric))
    return text.getvalue()


def write_classes_csv(report: Report, path: Path) -> None:
    """Write `classes_csv`.

    Raises:
        JobError: the report holds no classes, or the file cannot be written.
    """
    if not report.classes:
        raise JobError(f"{path}: the report holds no scores per class, so that there is no table to write.")
    write_whole(path, classes_csv(report))

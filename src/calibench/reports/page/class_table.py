"""The scores of the classes as a table."""

from calibench.reports.page.figures import PERCENT, direction, drop, drop_unit, number
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.report import ClassRow, Report


def class_table(report: Report) -> Grid:
    """One row a class; the bar shows the drop beside the largest."""
    widest = max((abs(row.drop) for row in report.classes if row.drop is not None), default=0.0)
    rows = [_cells(report, row, widest) for row in report.classes]
    unit = ", ".join(filter(None, (report.unit, direction(report.higher_is_better))))
    columns = (
        Column("No."),
        Column("Class", is_number=False, kind="label"),
        Column("Count", "annotated"),
        Column("FP32", unit, kind="fp32"),
        Column("INT8", unit, kind="int8"),
        Column("Drop", ", ".join(filter(None, (drop_unit(report.unit), "positive is worse"))), kind="bar"),
    )
    return grid(columns, rows)


def _cells(report: Report, row: ClassRow, widest: float) -> tuple[Cell, ...]:
    scores = (
        Cell() if each is None else Cell(number(each, 2 if report.unit == PERCENT else None), each)
        for each in (row.baseline, row.int8)
    )
    lost = Cell() if row.drop is None else Cell(drop(row.drop, report.unit), row.drop, row.drop / (widest or 1))
    return (Cell(str(row.label), row.label), Cell(row.name), Cell(str(row.count), row.count), *scores, lost)

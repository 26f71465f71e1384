"""The accuracy-aware method in the terminal: the promise, the layers in float with their reasons, the front."""

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from calibench.reports.promise import points
from calibench.reports.report import Report
from calibench.reports.search_report import FrontRow, SearchReport
from calibench.reports.searched import search_verdict

SHOWN = 8
"""Layers in float that are named with their reason; the file holds them all."""
NOTHING = "-"
GIVEN_BACK = "given back to keep the accuracy, as said above"


def given_back(report: Report) -> frozenset[str]:
    """Names of the layers that the search gave back to float."""
    return (
        frozenset(row.layer for row in report.search.ranking if row.state == "float") if report.search else frozenset()
    )


def search_lines(report: Report) -> list[RenderableType]:
    """What the search promises and how it came to it; nothing where there was none."""
    search = report.search
    if search is None:
        return []
    style = "bold green" if search.is_reached else "bold yellow"
    sentences = [search.promise, search.held_out.sentence if search.held_out else "", search.needed, *search.notes]
    trials = f"Trials: {len(search.trials)} of at most {search.most_trials}."
    lines: list[RenderableType] = [Text(search_verdict(report), style)]
    lines += [Text(sentence) for sentence in (*sentences, trials) if sentence]
    return [*lines, *_float_lines(report, search), *_front_lines(report, search)]


def _float_lines(report: Report, search: SearchReport) -> list[RenderableType]:
    reasons = {row.name: row.reason or "" for row in report.layers}
    names = [row.layer for row in search.ranking if row.state == "float"]
    if not names:
        return [Text("\nNo layer had to be given back to float.")]
    share = search.float_multiply_adds_share
    part = "" if share is None else f", {100 * share:.1f} % of the multiply-adds"
    lines: list[RenderableType] = [
        Text(f"\n{len(names)} of {len(search.ranking)} ranked layers were given back to float{part}:")
    ]
    for name in names[:SHOWN]:
        lines.append(Padding(Text(name), (0, 0, 0, 2), expand=False))
        lines.append(Padding(Text(reasons.get(name, ""), "dim"), (0, 0, 0, 4), expand=False))
    if len(names) > SHOWN:
        lines.append(Padding(Text(f"and {len(names) - SHOWN} more, in report.html"), (0, 0, 0, 2), expand=False))
    return lines


def _front_lines(report: Report, search: SearchReport) -> list[RenderableType]:
    if len(search.front) < 2:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="bold")
    for heading in (_with_unit(report), "in float", "ms", "samples/s"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for point in search.front:
        is_here = point.trial == search.best
        table.add_row(*_point(point, report), "this model" if is_here else "", style="bold" if is_here else None)
    return [Text("\nOther points of the front: calibench pick OUT --max-drop X"), table]


def _point(point: FrontRow, report: Report) -> tuple[str, ...]:
    return (
        points(point.drop, report.unit).split()[0],
        str(len(point.floats)),
        NOTHING if point.time_ms is None else f"{point.time_ms:.3g}",
        NOTHING if point.fps is None else f"{point.fps:.0f}" if point.fps >= 100 else f"{point.fps:.1f}",
    )


def _with_unit(report: Report) -> str:
    return ", ".join(filter(None, ("drop", "points" if report.unit == "%" else report.unit)))

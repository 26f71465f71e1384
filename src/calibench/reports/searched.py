"""A report with what the search found; the promise says what the report measured."""

from calibench.reports.promise import Certified
from calibench.reports.report import Report
from calibench.reports.search_report import search_report
from calibench.search.values import Found


def with_search(report: Report, found: Found) -> Report:
    """The report with `search` filled; what the promise names is taken from the report itself.

    Raises:
        ValueError: the report has no drop: nothing was measured that could be promised.
    """
    search = search_report(found, certified(report), report.settings.accuracy.drop_type)
    return report.model_copy(update={"search": search})


def certified(report: Report) -> Certified:
    """The final judgement as it stands in a report.

    Raises:
        ValueError: nothing was measured.
    """
    if report.drop_points is None or report.evaluated is None:
        raise ValueError("the report has no measured drop")
    return Certified(
        metric=report.metric or "score",
        unit=report.unit,
        drop=report.drop_points,
        interval=report.drop_interval,
        samples=report.evaluated,
        precision=report.inference_precision,
        batch=report.settings.batch,
        device=report.settings.device,
        machine=report.machine,
        items="images" if any(each.kind == "picture" for each in report.inputs) else "samples",
        higher_is_better=report.higher_is_better,
        classes={row.label: row.name for row in report.classes},
    )

"""A report with what the search found; the promise says what the report measured."""

from calibench.reports.promise import Certified, asked, points
from calibench.reports.report import Report
from calibench.reports.search_report import SearchReport, search_report
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


def search_verdict(report: Report, *, with_reason: bool = True) -> str:
    """Was the limit kept, how much is used of it, and why it was not reached; a sentence or two."""
    search = report.search
    if search is None or report.drop_points is None:
        return ""
    used = points(report.drop_points, report.unit).split()[0]
    what = f"{used} of {asked(search.limits[0].drop, report.unit)} allowed"
    if search.is_reached:
        return f"The limit is kept: {what}."
    reason = search.why_not if with_reason else ""
    if is_kept(search):
        return f"Not reached, though the limit is kept ({what}). {reason}".rstrip()
    return f"Not reached: {what}. {reason}".rstrip()


def is_kept(search: SearchReport) -> bool:
    """Does the returned model keep all limits? One that is no faster does, and is still not what was asked for."""
    return any(trial.holds for trial in search.trials if trial.number == search.best)

"""Advice about the accuracy-aware method: limits that were not reached, samples that are too few, held-out samples."""

from collections.abc import Iterator

from calibench.reports import option_words
from calibench.reports.promise import asked, points
from calibench.reports.report import Advice, Report
from calibench.reports.search_report import RankedRow, SearchReport
from calibench.reports.searched import is_kept, search_verdict

NAMED = 3
"""Layers that one advice names."""
EXACT = "f32"
"""Precision of float layers that costs no accuracy; processors of today run them in less where nobody asks."""
WORTH_NAMING = 0.05
"""Share of the output error; a layer with less is not what stands in the way."""


def not_reached(report: Report) -> Iterator[Advice]:
    """The limit was missed, or kept at no gain; with the layers responsible."""
    search = report.search
    if search is None or search.is_reached or report.drop_points is None:
        return
    title = search_verdict(report, with_reason=False)
    if is_kept(search):
        action = f"{search.why_not} Keep the FP32 model here, or measure where INT8 is faster."
    else:
        action = f"{_responsible(search, report.unit)}{', or '.join(_steps(report, search, report.drop_points))}."
    yield Advice(kind="warning", title=title, action=action.lstrip())


def too_few_to_tell(report: Report) -> Iterator[Advice]:
    """A drop as large as the limit cannot be told from noise on so few samples."""
    search = report.search
    if search is None or not search.needed_samples or not report.evaluated:
        return
    if search.needed_samples > report.evaluated:
        yield Advice(
            kind="warning",
            title=search.needed,
            action=f"On other samples the drop may be larger than here. Give more samples{_further(report, search)}.",
        )


def _further(report: Report, search: SearchReport) -> str:
    more = option_words.more_samples(report)
    if option_words.is_caffe(report):  # which has no held-out samples
        return f": {more}"
    return f" with {more}{'' if search.held_out else ', or see how it holds on others: --holdout DIR'}"


def worse_elsewhere(report: Report) -> Iterator[Advice]:
    """On samples that decided nothing INT8 loses more than is allowed."""
    search = report.search
    if search is None or search.held_out is None:
        return
    limit, held = search.limits[0].drop, search.held_out
    if held.drop <= limit:
        return
    is_sure = held.drop_interval is not None and held.drop_interval[0] > limit
    chance = "" if is_sure else " That can be chance: more held-out samples tell."
    yield Advice(
        kind="warning" if is_sure else "info",
        title=f"On held-out samples INT8 loses {points(held.drop, report.unit)}, more than the "
        f"{asked(limit, report.unit)} allowed.",
        action=f"{chance} Give more validation samples, or ask for a smaller --max-drop.".lstrip(),
    )


def _responsible(search: SearchReport, unit: str) -> str:
    """The layers that cost most, and in what they run now."""
    worst = [row for row in search.ranking if row.share >= WORTH_NAMING][:NAMED]
    if not worst:
        return ""
    return f"The layers responsible: {', '.join(_named(row, unit) for row in worst)}. "


def _named(row: RankedRow, unit: str) -> str:
    return f"{row.layer} (an estimated {points(row.drop, unit)} of what plain INT8 loses, {row.state} here)"


def _steps(report: Report, search: SearchReport, drop: float) -> Iterator[str]:
    """What to do about it, the cheapest first; each goes on where the one before ended."""
    accuracy = report.settings.accuracy
    first = "Go on with --resume and a larger --time-budget or --max-trials"
    is_bounded = accuracy.time_budget_s is not None or accuracy.max_trials is not None
    yield from [first] if is_bounded else []
    other = option_words.mixed(report)
    preset = f" or {other}" if other else ""
    yield f"{'calibrate' if is_bounded else 'Calibrate'} with more and more varied samples{preset}"
    if report.inference_precision != EXACT:
        yield (
            f"with float layers that are exact, for {report.inference_precision} costs accuracy of its own: "
            "--inference-precision f32"
        )
    if accuracy.drop_type == "absolute" and drop > search.limits[0].drop:
        yield f"allow what was found: {option_words.allow(report, drop)}"

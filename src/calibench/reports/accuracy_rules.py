"""Advice about accuracy: rules over scores, intervals and the noise of the layers."""

from collections.abc import Iterator
from shlex import quote

from calibench.reports import option_words
from calibench.reports.report import Advice, LayerRow, Report
from calibench.things import sample_words

NOTED_POINTS = 1.0
"""Percentage points; a larger drop is explained, and an interval that is wider to one side asks for more samples."""
NOTED_SHARE = 0.01
"""The same where the unit is no percent: this share of the score of FP32."""
POOR_DB = 10.0
"""dB; outputs with more noise than a tenth of their power: the usual cause is a wrong input setting."""
POOR_POINTS = 5.0
"""Percentage points; the same for the drop."""
CHANGED_ANSWERS = 5.0
"""Percent of answers that change while the score stays: more than close calls explain."""
EQUAL_POINTS = 0.5
"""Percentage points; a smaller drop is called equal."""
JUMP_DB = 3.0
"""dB that one layer loses; half the signal over noise."""
RECOVERY = 2
"""Layers after a loss that may win it back: a block's last convolution and its addition."""
NAMED = 3
"""Layers that one advice names."""


def poor(report: Report) -> Iterator[Advice]:
    """The outputs have little in common with those of FP32."""
    drop = report.drop_points if report.unit == "%" and report.drop_points is not None else 0.0
    if (report.sqnr_db is None or report.sqnr_db >= POOR_DB) and drop <= POOR_POINTS:
        return
    noise = [f"output SQNR {report.sqnr_db:.1f} dB"] if report.sqnr_db is not None else []
    lost = [f"drop {amount(report, report.drop_points)}"] if report.drop_points is not None else []
    yield Advice(
        kind="warning",
        title=f"The result is poor: {', '.join([*noise, *lost])}.",
        action=f"Check the input settings first ({option_words.inputs(report)}). Then give more and more varied samples"
        f"{_mixed(report)}.",
    )


def large_drop(report: Report) -> Iterator[Advice]:
    """INT8 loses more than chance explains, and enough to act on; with the layers that lose most."""
    drop = report.drop_points
    if drop is None or not is_large(report, drop) or is_within_noise(report) or report.search is not None:
        return  # what a search left was asked for, or is said by `not_reached`
    named = suspects(report.layers)
    where = f"{named[1]} " if named else ""
    ignore = f", or keep the first in float with --ignore-name {quote(named[0])}" if named else ""
    others = f"calibrate with more samples{_mixed(report)}{ignore}"
    if can_be_searched(report):
        others = f"{option_words.search(report)}. Or {others}"
    yield Advice(
        kind="warning",
        title=f"INT8 loses {amount(report, drop)} of {report.metric}{_interval(report)}.",
        action=f"{where}To win it back, {others}.",
    )


def can_be_searched(report: Report) -> bool:
    """Would the accuracy-aware method have what it decides by: annotations, and it was not used already?"""
    validation = report.validation or report.dataset
    return report.kind == "calibration" and report.settings.method == "default" and validation.is_annotated


def few_samples(report: Report) -> Iterator[Advice]:
    """The accuracy drop is known so roughly that it may be small or large."""
    if report.drop_interval is None or report.evaluated is None or (report.search and report.search.needed):
        return  # after a search the limit decides how many are few
    low, high = report.drop_interval
    half = (high - low) / 2
    is_undecided = is_large(report, high) and not is_large(report, low)
    if not is_large(report, half) or not is_undecided:
        return
    wanted = report.evaluated * (half / _noted(report)) ** 2
    yield Advice(
        kind="info",
        title=f"{report.evaluated} samples tell the drop only to +-{amount(report, half)}{_interval(report)}.",
        action=f"About {_rounded(wanted)} annotated samples would tell it to +-{amount(report, _noted(report))}: "
        f"{option_words.more_samples(report)}.",
    )


def changed_answers(report: Report) -> Iterator[Advice]:
    """The score is equal, and yet many answers are others."""
    if report.agreement is None or report.drop_points is None or report.unit != "%" or report.metric == "agreement":
        return
    changed = 100.0 - report.agreement
    if changed < CHANGED_ANSWERS or abs(report.drop_points) >= EQUAL_POINTS:
        return
    count = sample_words.changed_answers(report.evaluated, report.agreement)
    of = "" if count is None else f" ({count:,} of {report.evaluated:,})"
    yield Advice(
        kind="info",
        title=f"{changed:.1f} % of the answers changed{of}, though the drop is only {report.drop_points:.2f} points.",
        action=f"About as many became right as became wrong. Look at the samples below{_by_agreement(report)}.",
    )


def _by_agreement(report: Report) -> str:
    if option_words.is_caffe(report):  # its score is that of the network's own layer
        return ""
    return f"; where single answers matter, judge by --metric agreement{_mixed(report)}"


def batches(report: Report) -> Iterator[Advice]:
    """Answers depend on the batch."""
    if report.batch_agreement is not None and report.batch_agreement < 100:
        yield Advice(
            kind="warning",
            title="The INT8 model gives other outputs in batches than for single samples: "
            f"{report.batch_agreement:.0f} % of the audited samples agree.",
            action="Deploy it at batch 1.",
        )


def is_large(report: Report, value: float) -> bool:
    """Is a drop, or half an interval, large enough to act on?"""
    return value > _noted(report)


def is_within_noise(report: Report) -> bool:
    """Does the interval of the drop hold 0?"""
    return report.drop_interval is not None and report.drop_interval[0] <= 0


def amount(report: Report, value: float | None) -> str:
    """A drop with its unit."""
    return f"{value or 0.0:.2f} {'points' if report.unit == '%' else report.unit}".strip()


def suspects(layers: tuple[LayerRow, ...]) -> tuple[str, str] | None:
    """The layer that most probably loses most, and a sentence with the first few.

    Measured where it was: the output of a layer has JUMP_DB less than that of the layer before it in the graph. Else
    by prediction: the noisiest quantized inputs.
    """
    jumps = _jumps(layers)
    if jumps:
        named = ", ".join(f"{row.name} (by {lost:.0f} dB to {row.output_db:.0f} dB)" for lost, row in jumps)
        return jumps[0][1].name, f"The signal over noise falls most at {named}."
    known = sorted((row.input_db, row.name) for row in layers if row.input_db is not None)[:NAMED]
    if not known:
        return None
    named = ", ".join(f"{name} ({left:.0f} dB)" for left, name in known)
    return known[0][1], f"The layers with the noisiest quantized inputs, by prediction: {named}."


def _jumps(layers: tuple[LayerRow, ...]) -> list[tuple[float, LayerRow]]:
    """The layers that lose JUMP_DB at least, the worst first; only INT8 layers can be given back.

    What the next layers win back, as an addition of a branch does, is not lost.
    """
    known = [(row.output_db, row) for row in layers if row.output_db is not None]
    found = []
    for place in range(1, len(known)):
        left = max(value for value, _ in known[place : place + 1 + RECOVERY])
        lost, row = known[place - 1][0] - left, known[place][1]
        if lost >= JUMP_DB and row.precision == "int8":
            found.append((lost, row))
    return sorted(found, key=lambda pair: -pair[0])[:NAMED]


def _noted(report: Report) -> float:
    return NOTED_POINTS if report.unit == "%" else NOTED_SHARE * abs(report.baseline or 0.0)


def _interval(report: Report) -> str:
    if report.drop_interval is None:
        return ""
    low, high = report.drop_interval
    return f" (95 %: {low:.2f} to {high:.2f})"


def _mixed(report: Report) -> str:
    """The other preset, where it was not taken; in the middle of a sentence."""
    other = option_words.mixed(report)
    return f", try {other}" if other else ""


def _rounded(count: float) -> int:
    """Two digits: it is an estimate."""
    return int(float(f"{count:.2g}"))

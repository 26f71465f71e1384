"""How the accuracy was kept: the promise, the front, the layers given back to float, the ranking, the trials."""

import re
from collections.abc import Callable, Sequence

from calibench.reports.page.figures import (
    MINUS,
    PERCENT,
    decibels,
    drop,
    drop_unit,
    interval,
    megabytes,
    milliseconds,
    number,
)
from calibench.reports.page.figures import fps as per_second
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.pick_command import pick_command
from calibench.reports.promise import asked
from calibench.reports.report import Report
from calibench.reports.search_report import FrontRow, RankedRow, SearchReport, TrialRow

STATES = {"int8": "INT8", "mended": "mended", "float": "float"}
MILLION = 1e6


def search_promise(report: Report) -> str:
    """The promise, as the page writes numbers."""
    return with_minus(report.search.promise) if report.search else ""


def with_minus(sentence: str) -> str:
    """A real minus sign before numbers."""
    return re.sub(r"(?<=[ (])-(?=\d)", MINUS, sentence)


def search_facts(report: Report) -> list[tuple[str, str]]:
    """Label and sentence, the ones that are known."""
    search = report.search
    if search is None:
        return []
    floats = [row for row in search.ranking if row.state == "float"]
    returned = sum(row.returned for row in search.ranking)
    facts = [
        ("Limits", limits_text(search, report.unit)),
        ("Layers in float", _floats(len(floats), len(search.ranking), search.float_multiply_adds_share)),
        ("Went back to INT8", f"{returned} that turned out not to matter" if returned else ""),
        ("Trials", f"{len(search.trials)}, of {search.most_trials} that it could have taken at most"),
        ("Held-out samples", with_minus(search.held_out.sentence) if search.held_out else ""),
        ("Samples needed", search.needed),
        ("Overlap", f"{search.overlap:,} samples are in more than one of the sets" if search.overlap else ""),
    ]
    return [fact for fact in facts if fact[1]]


def limits_text(search: SearchReport, unit: str) -> str:
    """All limits in words; those of many classes together."""
    whole = [row for row in search.limits if row.label is None]
    classes = [row for row in search.limits if row.label is not None]
    parts = [f"{asked(row.drop, unit if row.metric == search.metric else '')} of {row.metric}" for row in whole]
    if len(classes) == 1:
        parts.append(f"{asked(classes[0].drop, unit)} of class {classes[0].class_name or classes[0].label}")
    elif classes:
        parts.append(f"{asked(max(row.drop for row in classes), unit)} of any of {len(classes):,} classes")
    relative = "; asked for in percent of the FP32 scores" if search.drop_type == "relative" else ""
    return ", ".join(parts) + relative


def front_table(report: Report) -> Grid:
    """The models that no other beats in both accuracy and time, with the command that takes another."""
    search = report.search
    if search is None:
        return grid((), ())
    columns = (
        Column("Trial"),
        Column("Drop", _worse(report)),
        Column("95 % confidence", is_number=False),
        *(Column(name, "score") for name in _metrics(search.front)),
        Column("In float", "layers"),
        Column("Time", "ms, predicted"),
        Column("Throughput", "samples/s"),
        Column("Size", "MB"),
        Column("To take it", "OUT: folder of the result", is_number=False, kind="command"),
    )
    return grid(columns, [_front_row(point, report, search) for point in search.front])


def _front_row(point: FrontRow, report: Report, search: SearchReport) -> tuple[Cell, ...]:
    return (
        Cell(str(point.trial), point.trial),
        Cell(drop(point.drop, report.unit), point.drop),
        Cell(interval(point.drop_interval, report.unit) if point.drop_interval else ""),
        *(_known(point.scores.get(name), _score(report)) for name in _metrics(search.front)),
        Cell(str(len(point.floats)), len(point.floats)),
        _known(point.time_ms, milliseconds),
        _known(point.fps, per_second),
        _known(point.int8_bytes, megabytes),
        Cell("this model", tone="int8")
        if point.trial == search.best
        else Cell(pick_command(point, search.front) if point.folder else ""),
    )


def float_table(report: Report) -> Grid:
    """The layers that the search gave back to float, each with its reason."""
    search = report.search
    if search is None:
        return grid((), ())
    rows = {row.name: row for row in report.layers}
    floats = [row.layer for row in search.ranking if row.state == "float"]
    chosen = next((trial for trial in search.trials if trial.number == search.best), None)
    names = dict.fromkeys((*floats, *(chosen.floats if chosen else ())))
    cells = [
        (
            Cell(name),
            Cell(rows[name].type if name in rows else ""),
            Cell(rows[name].reason or "" if name in rows else ""),
        )
        for name in names
    ]
    columns = (
        Column("Layer", is_number=False, kind="name"),
        Column("Type", is_number=False),
        Column("Why it stays in float", is_number=False, kind="text"),
    )
    return grid(columns, cells)


def ranking_table(report: Report) -> Grid:
    """What every layer costs in accuracy and saves in time; bars are shares of the largest."""
    search = report.search
    if search is None:
        return grid((), ())
    ranking = search.ranking
    largest = {
        "share": max((row.share for row in ranking), default=0),
        "drop": max((row.drop for row in ranking), default=0),
        "saves": max((row.saves_ms or 0 for row in ranking), default=0),
    }
    columns = (
        Column("Rank"),
        Column("Layer", is_number=False, kind="name"),
        Column("Is in", is_number=False),
        Column("Error", "share of all, %"),
        Column("Signal over noise", "it alone in INT8, dB"),
        Column("Drop", f"{drop_unit(report.unit)}, estimated".lstrip(", ")),
        Column("INT8 saves", "ms"),
        Column("Multiply-adds", "millions"),
        Column("Tried", is_number=False, kind="text"),
    )
    return grid(columns, [_ranking_row(i + 1, row, largest, report.unit) for i, row in enumerate(ranking)])


def _ranking_row(rank: int, row: RankedRow, largest: dict[str, float], unit: str) -> tuple[Cell, ...]:
    noise = None if row.error_db is None else -row.error_db
    saves = row.saves_ms
    tried = [*row.repairs, *(["float, then INT8 again"] if row.returned else [])]
    return (
        Cell(str(rank), rank),
        Cell(row.layer),
        Cell(STATES[row.state], tone="float" if row.state == "float" else "int8"),
        Cell(number(100 * row.share, 1), row.share, share=_part(row.share, largest["share"]), tone="int8"),
        _known(noise, decibels),
        Cell(drop(row.drop, unit), row.drop, share=_part(row.drop, largest["drop"]), tone="worse"),
        Cell()
        if saves is None
        else Cell(milliseconds(saves), saves, share=_part(saves, largest["saves"]), tone="better"),
        Cell(number(row.multiply_adds / MILLION, 2), row.multiply_adds),
        Cell(", ".join(tried)),
    )


def trial_table(report: Report) -> Grid:
    """Every model that was evaluated, in the order of the run."""
    search = report.search
    if search is None:
        return grid((), ())
    columns = (
        Column("Trial"),
        Column("Tried", is_number=False, kind="text"),
        Column("Verdict", is_number=False, kind="text"),
        Column("Drop", _worse(report)),
        *(Column(name, "score") for name in _metrics(search.trials)),
        Column("Samples", "evaluated"),
        Column("In float", "layers"),
        Column("Time", "ms, predicted"),
        Column("It took", "s"),
    )
    return grid(columns, [_trial_row(trial, report, search) for trial in search.trials])


def _trial_row(trial: TrialRow, report: Report, search: SearchReport) -> tuple[Cell, ...]:
    return (
        Cell(str(trial.number), trial.number),
        Cell(trial.purpose),
        Cell(_verdict(trial, trial.number == search.best)),
        _known(trial.drop, lambda value: drop(value, report.unit)),
        *(_known(trial.scores.get(name), _score(report)) for name in _metrics(search.trials)),
        Cell(f"{trial.evaluated:,}" if trial.is_exact else f"{trial.evaluated:,} of {trial.total:,}", trial.evaluated),
        Cell(str(len(trial.floats)), len(trial.floats)),
        _known(trial.time_ms, milliseconds),
        Cell(number(trial.seconds, 1), trial.seconds),
    )


def _verdict(trial: TrialRow, is_best: bool) -> str:
    if trial.holds:
        words = "holds" if trial.is_exact else "holds so far"
    else:
        by = f" by {number(trial.excess, 2)}" if trial.is_exact and trial.excess is not None else ""
        words = f"misses {trial.broken or 'a limit'}{by}"
    return f"{words}; returned" if is_best else words


def _floats(count: int, total: int, share: float | None) -> str:
    if not count:
        return "none had to be given back"
    part = "" if share is None else f", {number(100 * share, 1)} % of their multiply-adds"
    return f"{count} of {total} that were ranked{part}"


def _metrics(rows: Sequence[FrontRow] | Sequence[TrialRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row.scores))


def _score(report: Report) -> Callable[[float], str]:
    digits = 2 if report.unit == PERCENT else None
    return lambda value: number(value, digits)


def _known(value: float | None, text: Callable[[float], str]) -> Cell:
    return Cell() if value is None else Cell(text(value), value)


def _part(value: float, largest: float) -> float:
    return min(max(value / largest, 0.0), 1.0) if largest > 0 else 0.0


def _worse(report: Report) -> str:
    return ", ".join(filter(None, (drop_unit(report.unit), "positive is worse")))

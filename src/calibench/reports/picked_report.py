"""The report of another point of the front: what is known of it takes the place of what was measured of the first."""

from datetime import UTC, datetime
from math import inf
from typing import Any

from calibench.reports.advice import advise
from calibench.reports.promise import float_reason, promise
from calibench.reports.report import LayerRow, Report
from calibench.reports.search_report import FrontRow, RankedRow, SearchReport
from calibench.reports.searched import certified
from calibench.reports.speeds import speed_fields
from calibench.search.values import Ranked

HERE = "."
"""The folder of the point that is the result itself."""

UNKNOWN: dict[str, Any] = {
    **{"agreement": None, "sqnr_db": None, "cosine": None, "batch_agreement": None, "int8_memory_mb": None},
    **{"details": {}, "classes": (), "samples": (), "differing": None, "advice": ()},
}
"""What was measured of the returned model only."""


def picked_report(report: Report, search: SearchReport, point: FrontRow, int8_bytes: int) -> Report:
    """The report as if the search had returned this point.

    Args:
        search: of the report.
        int8_bytes: size of the files of the point.
    """
    if point.trial == search.best:
        return report.model_copy(update={"search": search.model_copy(update={"front": _front(search, point)})})
    trial = next(each for each in search.trials if each.number == point.trial)
    changed = report.model_copy(
        update={
            **UNKNOWN,
            **_speed(report, point),
            "layers": tuple(_layer(row, search, point, report.unit) for row in report.layers),
            "int8": point.scores.get(search.metric),
            "drop_points": point.drop,
            "drop_interval": point.drop_interval,
            "evaluated": trial.evaluated,
            "int8_bytes": int8_bytes,
            "runtime_layers": {name: layers for name, layers in report.runtime_layers.items() if name != "int8"},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "notes": (*report.notes, _note(point)),
        }
    )
    changed = changed.model_copy(update={"search": _search(changed, search, point)})
    return changed.model_copy(update={"advice": advise(changed)})


def _note(point: FrontRow) -> str:
    return (
        f"Picked from the front: trial {point.trial}. Agreement, classes, samples and the times of layers were not "
        "measured for it; `calibench compare` does."
    )


def _speed(report: Report, point: FrontRow) -> dict[str, Any]:
    """Of INT8 the throughput of the front, whose rounds were shorter, is all there is."""
    others = {name: speed for name, speed in report.speeds.items() if name != "int8"}
    fields = {**speed_fields(others), "int8_fps": point.fps}
    for name, other in (("speedup", fields["default_fps"]), ("speedup_fp32", fields["fp32_fps"])):
        fields[name] = point.fps / other if point.fps and other else None
    return fields


def _layer(row: LayerRow, search: SearchReport, point: FrontRow, unit: str) -> LayerRow:
    """A layer of the point; its ranges are known where the returned model has it in INT8 as well."""
    unmeasured: dict[str, Any] = {
        "output_db": None,
        "runtime_precision": None,
        "output_precisions": None,
        "int8_ms": None,
    }
    best = next(each for each in search.trials if each.number == search.best)
    if row.name in point.floats:
        reason = row.reason if row.name in best.floats else _reason(row.name, search, unit)
        return row.model_copy(update={**unmeasured, "precision": "float", "reason": reason, "quantizers": ()})
    if row.name in best.floats:
        return row.model_copy(update={**unmeasured, "precision": "int8", "reason": None})
    return row.model_copy(update=unmeasured)


def _reason(name: str, search: SearchReport, unit: str) -> str:
    row = next((each for each in search.ranking if each.layer == name), None)
    if row is None:
        return "kept in float to hold the accuracy limit"
    own_db = -inf if row.own_db is None else row.own_db  # JSON knows no infinity
    ranked = Ranked(row.layer, row.error_db, own_db, row.share, row.drop, row.multiply_adds, row.saves_ms)
    return float_reason(ranked, row.repairs, unit)


def _search(report: Report, search: SearchReport, point: FrontRow) -> SearchReport:
    trial = next(each for each in search.trials if each.number == point.trial)
    total = sum(row.multiply_adds for row in search.ranking)
    floats = sum(row.multiply_adds for row in search.ranking if row.layer in point.floats)
    return search.model_copy(
        update={
            "is_reached": trial.holds,
            "why_not": "" if trial.holds else "This point was picked from the front for another limit.",
            "promise": promise(certified(report), label_free=search.label_free),
            "best": point.trial,
            "ranking": tuple(_ranked(row, point) for row in search.ranking),
            "front": _front(search, point),
            "float_multiply_adds_share": floats / total if total else None,
            "held_out": None,
        }
    )


def _ranked(row: RankedRow, point: FrontRow) -> RankedRow:
    mended = "mended" if row.repairs and point.repair != "none" else "int8"
    state = "float" if row.layer in point.floats else mended
    return row.model_copy(update={"state": state, "returned": False})


def _front(search: SearchReport, point: FrontRow) -> tuple[FrontRow, ...]:
    """The whole front, of which only the files of this point are in the new folder."""
    return tuple(row.model_copy(update={"folder": HERE if row.trial == point.trial else ""}) for row in search.front)

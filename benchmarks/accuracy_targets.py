"""What `benchmarks.accuracy_aware` has found, as a table, and what the project wants of it beside what was reached."""

from collections.abc import Callable
from statistics import median
from typing import Any

Row = dict[str, Any]

NOISE = 0.03
"""Share of throughput by which two measurements of one model differ on a shared machine."""
ENOUGH_IN_FLOAT = 2.0
"""Percent of the multiply-adds: where the peer leaves less in float, so much is allowed."""


def best_peer(row: Row) -> Row:
    """The better of the peer's results: one that meets the limit, the faster found of several; else the least drop."""
    finished = [each for each in row["peer"].values() if isinstance(each, dict) and "seconds" in each]
    met = [each for each in finished if each.get("is_met")]
    if met:
        return min(met, key=lambda each: each["seconds"])
    return min(finished, key=lambda each: (each.get("drop", float("inf")), each["seconds"]))


def peer_graph(row: Row) -> str:
    """On which graph the better result was found."""
    best = best_peer(row)
    return str(next(name for name, each in row["peer"].items() if each is best))


def has_reverted(row: Row) -> bool:
    """Whether the peer had to give layers back: plain INT8 did not do."""
    best = best_peer(row)
    return bool(best["reverted"] or not best["is_finished"])


def ratio(row: Row) -> float:
    """Our time over the peer's."""
    return float(row["ours"]["seconds"] / best_peer(row)["seconds"])


def allowed_share(row: Row) -> float | None:
    """Percent of the multiply-adds that we may leave in float; None where the peer does not meet the limit."""
    best = best_peer(row)
    if not best.get("is_met"):
        return None
    share = float(best["float_share"])
    return share / 2 if share > ENOUGH_IN_FLOAT else ENOUGH_IN_FLOAT


def speed_ratio(row: Row) -> float | None:
    """Our throughput over that of the peer's result; None where that does not meet the limit, or was not measured."""
    if not best_peer(row).get("is_met") or "fps" not in row:
        return None
    return float(median(row["fps"]["ours"]) / median(row["fps"][peer_graph(row)]))


def targets(rows: list[Row]) -> list[str]:
    """What the project wants to reach, beside what was reached."""
    rows = [row for row in rows if "ours" in row and "peer" in row]
    if not rows:
        return ["no row has both sides yet"]
    hard, easy = [row for row in rows if has_reverted(row)], [row for row in rows if not has_reverted(row)]
    met = [row for row in rows if best_peer(row).get("is_met")]
    return [
        *_apart(rows),
        _times("time where NNCF reverted layers", hard, 0.2),
        f"its median: {_median(map(ratio, hard))} (target 0.10)",
        _times("time where NNCF did not", easy, 0.5),
        _count("limit met where NNCF meets it", met, lambda row: bool(row["ours"]["is_met"])),
        _count("limit met where NNCF does not", [r for r in rows if r not in met], lambda r: bool(r["ours"]["is_met"])),
        _count("float multiply-adds at most half of NNCF's, or 2 %", met, _is_share_kept),
        _count(f"throughput no lower than NNCF's ({NOISE:.0%} are noise)", met, _is_as_fast),
    ]


def _is_share_kept(row: Row) -> bool:
    allowed = allowed_share(row)
    return allowed is None or row["ours"]["float_share"] <= allowed + 1e-9


def _is_as_fast(row: Row) -> bool:
    found = speed_ratio(row)
    return found is None or found >= 1 - NOISE


def _apart(rows: list[Row]) -> list[str]:
    """A warning where both sides of a row are not of one run."""
    apart = [_name(row) for row in rows if row["ours"].get("run") != row["peer"].get("run")]
    return [f"NOT OF ONE RUN: {', '.join(apart)}"] if apart else []


def _times(what: str, rows: list[Row], most: float) -> str:
    slow = [f"{_name(row)} ({ratio(row):.2f})" for row in rows if ratio(row) > most]
    return f"{what}: at most {most} of it in {len(rows) - len(slow)} of {len(rows)}{_missed(slow)}"


def _count(what: str, rows: list[Row], is_good: Callable[[Row], bool]) -> str:
    bad = [_name(row) for row in rows if not is_good(row)]
    return f"{what}: {len(rows) - len(bad)} of {len(rows)}{_missed(bad)}"


def _missed(names: list[str]) -> str:
    return f"; missed: {', '.join(names)}" if names else ""


def _median(values: Any) -> str:
    found = list(values)
    return f"{median(found):.2f}" if found else "-"


def _name(row: Row) -> str:
    return f"{row['network']} at {row['limit']:g}"


def table(rows: list[Row]) -> list[str]:
    """One line a row, in Markdown; the peer's figures in brackets."""
    lines = [
        "| Network | Metric | FP32 | Limit | Drop (NNCF) | Seconds (NNCF) | Ratio | Layers given back (NNCF) "
        "| Float multiply-adds % (NNCF) | fps over NNCF | over FP32 | Validations (NNCF) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return [*lines, *(_line(row) for row in rows if "ours" in row and "peer" in row)]


def _line(row: Row) -> str:
    ours, peer = row["ours"], best_peer(row)
    late = "" if peer["is_finished"] else "> "
    fps = row.get("fps")
    cells = (
        row["network"],
        f"{row['says']}, {row['samples']['validation']}",
        f"{row['fp32']:.2f}",
        f"{row['limit']:g}",
        f"{_drop(ours)} ({_drop(peer)})",
        f"{ours['seconds']:.1f} ({late}{peer['seconds']:.0f})",
        f"{ratio(row):.2f}",
        f"{ours['reverted']} ({peer['reverted']})",
        f"{ours['float_share']:.1f} ({_number(peer.get('float_share'))})",
        _number(speed_ratio(row), 2),
        _number(median(fps["ours"]) / median(fps["fp32"]) if fps else None, 2),
        f"{ours['validations']} ({peer['validations']})",
    )
    return f"| {' | '.join(cells)} |"


def _drop(side: Row) -> str:
    """With a mark where the limit is missed."""
    if "drop" not in side:
        return "no result"
    return f"{side['drop']:+.2f}{'' if side['is_met'] else ' missed'}"


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

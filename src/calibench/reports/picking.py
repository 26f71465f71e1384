"""Another point of the front of a search, with its files and its report, without any inference."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path
from typing import Any

from calibench.errors import JobError, SettingsError
from calibench.models.read import hash_of
from calibench.reports.picked_report import HERE, picked_report
from calibench.reports.promise import points
from calibench.reports.report import Report, read_report
from calibench.reports.result import result_folder, write_result
from calibench.reports.run_file import is_unfinished
from calibench.reports.search_report import FrontRow, SearchReport

ROUNDING = 1e-9
"""In the unit of the metric: a drop of 0.3 is within 0.3, whatever the last digit of the float."""


@dataclass(frozen=True)
class Picked:
    """A point of the front, or why there is none.

    Attributes:
        point: the nearest to what was asked for where none qualifies.
        is_reached: it is what was asked for.
        why_not: one sentence where it is not.
        source: the folder where its model lies.
        folder: the folder that was written; None where none was asked for, or nothing qualifies.
        metric, unit: of its drop.
    """

    point: FrontRow
    is_reached: bool
    why_not: str
    source: Path
    folder: Path | None
    metric: str
    unit: str

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        where = f"Written to {self.folder}" if self.folder else f"Its model lies in {self.source}"
        return (f"{said(self.point, self.metric, self.unit)}.", f"{where}: model.xml, model.bin")

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "point": self.point.model_dump(mode="json"),
            "is_reached": self.is_reached,
            "why_not": self.why_not,
            "source": str(self.source),
            "folder": str(self.folder) if self.folder else None,
        }


def pick(
    out: Path | str,
    max_drop: float | None = None,
    min_fps: float | None = None,
    target: Path | str | None = None,
    force: bool = False,
) -> Picked:
    """Take the fastest model of a search within a drop, or the most accurate one that is fast enough.

    Args:
        out: the result of an accuracy-aware run.
        max_drop: largest measured drop, in the unit of the metric; give this or `min_fps`.
        min_fps: least throughput as measured, samples a second.
        target: folder for a complete result; None: nothing is written.
        force: replace a result that is there.

    Raises:
        SettingsError: not exactly one of `max_drop` and `min_fps` is given, or `target` lies in `out`.
        JobError: `out` holds no search, its files are gone, speed was not measured, or nothing can be written.
    """
    out, target = Path(out), None if target is None else Path(target)
    if (max_drop is None) == (min_fps is None):
        raise SettingsError("pick: give either --max-drop or --min-fps.")
    if max_drop is not None and isnan(max_drop):
        raise SettingsError("--max-drop nan: is no number. Give the drop that is allowed, such as 1.")
    if min_fps is not None and not 0 <= min_fps < inf:
        raise SettingsError(f"--min-fps {min_fps:g}: is no speed. Give samples a second, such as 30.")
    if target is not None and target.resolve().is_relative_to(out.resolve()):
        raise SettingsError(f"-o {target}: lies in the result that is picked from. Give another folder.")
    report, search = _read(out)
    rows = [_with_speed(row, report, search) for row in search.front]
    point, is_reached, why_not = _choose(rows, max_drop, min_fps, search, report.unit, out)
    source = out / point.folder if point.folder != HERE else out
    found = Picked(point, is_reached, why_not, source, None, search.metric, report.unit)
    if not is_reached:
        return found
    _check_files(point, source, out)
    if target is None:
        return found
    with result_folder(target, force=force) as folder:
        for name in ("model.xml", "model.bin"):
            shutil.copyfile(source / name, folder / name)
        size = sum((folder / name).stat().st_size for name in ("model.xml", "model.bin"))
        picked = picked_report(report, search, point, size)
        write_result(picked.model_copy(update={"int8_sha256": hash_of(folder / "model.xml")}), folder)
    return Picked(point, True, "", source, target, search.metric, report.unit)


def said(point: FrontRow, metric: str, unit: str) -> str:
    """A point in one line: drop, speed, layers in float."""
    ends = point.drop_interval
    sure = "" if ends is None else f" (95 %: {ends[0]:.2f} to {ends[1]:.2f})"
    speed = [] if point.fps is None else [f"{point.fps:.1f} samples a second"]
    speed += [] if point.time_ms is None else [f"{point.time_ms:.3g} ms predicted"]
    layers = {0: "all layers in INT8", 1: "1 layer in float"}.get(
        len(point.floats), f"{len(point.floats)} layers in float"
    )
    return ", ".join((f"Trial {point.trial}: drop {points(point.drop, unit)} of {metric}{sure}", *speed, layers))


def _read(out: Path) -> tuple[Report, SearchReport]:
    if is_unfinished(out) and not (out / "report.json").exists():
        raise JobError(f"{out}: its search has not ended. Go on with calibrate --resume {out}, and pick then.")
    report = read_report(out / "report.json")
    if report.search is None or not report.search.front:
        raise JobError(
            f"{out}: holds no front to pick from. Give the result of an accuracy-aware run: calibrate --max-drop ..."
        )
    return report, report.search


def _with_speed(row: FrontRow, report: Report, search: SearchReport) -> FrontRow:
    """The returned model was measured in any case; where it is alone on the front, only there."""
    return row.model_copy(update={"fps": report.int8_fps}) if row.trial == search.best and row.fps is None else row


def _choose(
    rows: Sequence[FrontRow],
    max_drop: float | None,
    min_fps: float | None,
    search: SearchReport,
    unit: str,
    out: Path,
) -> tuple[FrontRow, bool, str]:
    """The point, whether it is what was asked for, and else why there is none."""
    if max_drop is not None:
        inside = [row for row in rows if row.drop <= max_drop + ROUNDING]
        if inside:
            return min(inside, key=_speed(rows)), True, ""
        nearest = min(rows, key=lambda row: row.drop)
        wanted = f"loses at most {points(max_drop, unit)} of {search.metric}"
    else:
        measured = [row for row in rows if row.fps is not None]
        if not measured:
            raise JobError(f"{out}: speed was not measured there (--no-benchmark). Pick by --max-drop.")
        fast = [row for row in measured if (row.fps or 0.0) >= (min_fps or 0.0)]
        if fast:
            return min(fast, key=lambda row: (row.drop, -(row.fps or 0.0))), True, ""
        nearest = max(measured, key=lambda row: row.fps or 0.0)
        wanted = f"runs {min_fps:g} samples a second"
    return nearest, False, f"No model of the front {wanted}; the nearest: {said(nearest, search.metric, unit)}."


def _speed(rows: Sequence[FrontRow]) -> Callable[[FrontRow], tuple[float, float, int]]:
    """Faster is smaller: by throughput where all were measured, else by predicted time, else by layers in float."""
    if all(row.fps is not None for row in rows):
        return lambda row: (-(row.fps or 0.0), row.drop, len(row.floats))
    return lambda row: (inf if row.time_ms is None else row.time_ms, float(len(row.floats)), row.trial)


def _check_files(point: FrontRow, source: Path, out: Path) -> None:
    missing = [name for name in ("model.xml", "model.bin") if not (source / name).is_file()]
    if not point.folder or missing:
        raise JobError(
            f"{out}: the model of trial {point.trial} is not there. Pick from the folder in which the search ran."
        )

"""What the benchmark of the Workbench has found, as a section of docs/reference/benchmarks.md."""

import statistics
from typing import Any

from benchmarks.task_table import where

Row = dict[str, Any]


def workbench_section(result: Row) -> list[str]:
    """Figures beside what the Workbench wants to reach."""
    rows = result["rows"]
    return [
        "## The Workbench",
        "",
        f"`python -m benchmarks.workbench`; {where(result)}.",
        "One server, one Chromium, the demo's network. The browser and the jobs share the machine with the server.",
        "Seconds to the first page count from the opened link to its heading, in a browser whose window is there, and",
        "that has nothing of the page;",
        "delays of progress from the line that a job writes to the bar that moves in the page. All values:",
        "`benchmarks/results/workbench.json`.",
        "",
        "| What | Measured | Wanted |",
        "| --- | --- | --- |",
        *(f"| {what} | {found} | {wanted} |" for what, found, wanted in _lines(rows)),
        "",
        _same(rows["same"]),
    ]


def _lines(rows: Row) -> list[tuple[str, str, str]]:
    starts, delays, pages, jobs, projects = (rows[name] for name in ("starts", "progress", "pages", "jobs", "projects"))
    first, link = _values(starts, "first_page_s"), _values(starts, "to_link_s")
    order = "in order" if jobs["in_order"] else "NOT in order"
    return [
        ("From the command to the link, s", _range(link), "-"),
        ("First page after that, s", _range(first), "1"),
        ("Memory of the server, idle, MB", f"{rows['idle']['rss_mb']:.0f}", "200"),
        ("Processor of the server, idle, % of a core", f"{rows['idle']['cpu_percent']:.1f}", "-"),
        ("Progress in the page, ms: median, 95 % below, largest", _ms(delays), "300"),
        (f"Memory with {pages['pages']} pages open, MB", f"{pages['rss_mb']:.0f}", "-"),
        (f"A new name in all {pages['pages']} pages, s", f"{pages['all_changed_s']:.1f}", "-"),
        (f"{jobs['jobs']} queued jobs: {order}; between two, s", f"{jobs['gap_s']['median']:.2f}", "-"),
        (f"{projects['projects']:,} projects: the page, s", f"{projects['page_s']:.2f}", "-"),
        ("The first 100 of them by REST, ms", _ms(projects["rest_100_s"]), "-"),
    ]


def _values(rows: list[Row], name: str) -> list[float]:
    return [row[name] for row in rows]


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}, {len(values)} starts)"


def _ms(spread: Row) -> str:
    """Median, 95th percentile and maximum."""
    return ", ".join(f"{1000 * spread[name]:.0f}" for name in ("median", "p95", "largest"))


def _same(ways: Row) -> str:
    """Whether each way of asking gave the same bytes."""
    first = next(iter(ways.values()))
    parts = [part for part in first if any(found[part] != first[part] for found in ways.values())]
    asked = "command line, REST and the page Optimize INT8"
    if parts:
        return f"The same calibration by {asked} differs in: {', '.join(parts)}."
    return f"The same calibration by {asked} gives the same model.xml and model.bin, and the same decided fields."

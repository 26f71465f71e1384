"""report.html: one file without any outside request, drawn from the report alone."""

import base64
import gzip
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from calibench.reports.page import glance, layer_table, making, search_section, shown_samples, time_spent
from calibench.reports.page.class_table import class_table
from calibench.reports.page.search_plot import search_plot
from calibench.reports.page.verdict import verdict
from calibench.reports.per_class import classes_csv
from calibench.reports.report import Report, without_nan
from calibench.reports.searched import search_verdict
from calibench.reports.whole_file import write_whole

PARTS = "calibench.reports.page"

HARMLESS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script element, as JSON writes it."""


def render_html(report: Report) -> str:
    """The page. It needs no network, no other file and, for tables and pictures, no JavaScript.

    Equal for equal reports and packages: nothing of the moment or the machine of drawing is in it.
    """
    return _template().render(**_sections(report), **_assets(report))


@cache
def _template() -> Template:
    return _environment().from_string(_part("report.html.j2"))


def write_html(report: Report, path: Path) -> None:
    """Write `render_html`.

    Raises:
        JobError: the file cannot be written.
    """
    write_whole(path, render_html(report))


def _sections(report: Report) -> dict[str, Any]:
    types, precisions = time_spent.by_type(report), time_spent.by_precision(report)
    return {
        "report": report,
        "title": making.title(report),
        "verdict": verdict(report),
        "machine": making.machine_line(report),
        "date": making.date_line(report),
        "names": glance.model_names(report),
        "tiles": glance.tiles(report),
        "bars": glance.speed_bars(report),
        "spread_note": glance.spread_note(report),
        "quantities": glance.quantities(report),
        "details": glance.details(report),
        **_search(report),
        "cards": shown_samples.cards(report),
        "differing": shown_samples.differing(report),
        "time_tables": (time_spent.spent_table(types, "Type"), time_spent.spent_table(precisions, "Precision")),
        "time_totals": time_spent.totals(report),
        "slowest": time_spent.slowest(report),
        "classes": class_table(report),
        "layers": layer_table.layer_table(report),
        "facts": making.facts(report),
        "tried": making.tried(report),
        "changed": making.changed_settings(report.settings),
        "settings": making.all_settings(report.settings),
    }


def _search(report: Report) -> dict[str, Any]:
    return {
        "kept": search_section.with_minus(search_verdict(report)),
        "promise": search_section.search_promise(report),
        "kept_facts": search_section.search_facts(report),
        "plot": search_plot(report),
        "front": search_section.front_table(report),
        "floats": search_section.float_table(report),
        "ranking": search_section.ranking_table(report),
        "trials": search_section.trial_table(report),
    }


def _assets(report: Report) -> dict[str, Any]:
    csv = f"data:text/csv;charset=utf-8,{quote(classes_csv(report))}" if report.classes else ""
    return {
        "css": Markup(_part("report.css")),
        "js": Markup(_part("report.js")),
        "csv": csv,
        "data": Markup(embedded(_page_data(report))),
        "plotly": _packed_plotly(),
        "licence": _licence(),
    }


def _page_data(report: Report) -> dict[str, Any]:
    """What charts are drawn from."""

    def spent(found: list[time_spent.Spent]) -> dict[str, list[Any]]:
        return {
            "names": [each.name for each in found],
            "fp32": [round(each.fp32_ms, 4) for each in found],
            "int8": [round(each.int8_ms, 4) for each in found],
        }

    return {
        "types": spent(time_spent.by_type(report)),
        "precisions": spent(time_spent.by_precision(report)),
        "layers": layer_table.layer_details(report),
    }


def embedded(value: Any) -> str:
    """JSON that can stand inside a script element, whatever the texts in it; what is no number becomes null."""
    plain = without_nan(value)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(HARMLESS)


@cache
def _packed_plotly() -> str:
    """The library of charts, gzipped, base64: 2 MB instead of 4.8."""
    return base64.b64encode(gzip.compress(_plotly().encode(), mtime=0)).decode()


def _licence() -> str:
    """What the library says of itself in its first comment."""
    comment = _plotly().partition("*/")[0]
    return ". ".join(filter(None, (line.strip(" */.") for line in comment.splitlines())))


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # imported here: it takes as long as everything else

    text: str = get_plotlyjs()
    return text


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _part(name: str) -> str:
    return (files(PARTS) / name).read_text(encoding="utf-8")

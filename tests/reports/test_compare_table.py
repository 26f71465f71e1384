import io
from typing import Any

from report_samples import comparison_report, rich_report
from rich.console import Console

from calibench.reports.compare_table import LAYERS_SHOWN, chosen_layers, layers, render_comparison, samples
from calibench.reports.report import LayerRow, Report
from calibench.reports.table import int8_words


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(render_comparison(report))
    return console.file.getvalue()  # type: ignore[attr-defined]


def line(text: str, start: str) -> list[str]:
    return next(each.split() for each in text.splitlines() if each.startswith(start))


def row(name: str, **fields: Any) -> LayerRow:
    return LayerRow(**{"name": name, "type": "Convolution", "precision": "int8", **fields})


def test_quantities_stand_side_by_side_with_the_difference() -> None:
    text = printed(comparison_report())
    assert line(text, "throughput, fps")[2:] == ["40.0", "100", "2.50x"]
    assert line(text, "latency, ms")[2:] == ["25", "10.4", "0.42x"]


def test_where_lower_is_better_a_drop_is_a_rise() -> None:
    report = comparison_report().model_copy(update={"baseline": 3.0, "int8": 4.5, "drop_points": 1.5})
    text = printed(report)
    assert line(text, "cer, %")[2:] == ["3.00", "4.50", "+1.50", "points"]
    assert line(text, "drop, points")[2:] == ["+1.50"]


def test_what_was_not_measured_has_no_row() -> None:
    text = printed(comparison_report())
    for label in ("memory", "agreement", "95 %", "layer"):
        assert label not in text


def test_everything_fits_80_columns() -> None:
    assert max(len(each) for each in printed(rich_report()).splitlines()) <= 80


def test_the_layers_that_moved_most_come_first_whichever_way() -> None:
    rows = (row("a", fp32_ms=1.0, int8_ms=0.9), row("b", fp32_ms=1.0, int8_ms=3.0), row("c", fp32_ms=2.0, int8_ms=0.5))
    assert [each.name for each in chosen_layers(rows)] == ["b", "c", "a"]


def test_without_times_the_noisiest_layers_are_shown() -> None:
    rows = (row("a", output_db=30.0), row("b", output_db=12.0), row("c"))
    assert [each.name for each in chosen_layers(rows)] == ["b", "a"]


def test_no_more_layers_than_fit_a_screen() -> None:
    rows = tuple(row(str(i), fp32_ms=1.0, int8_ms=0.1 * i) for i in range(50))
    assert len(chosen_layers(rows)) == LAYERS_SHOWN


def test_nothing_to_show_is_no_table() -> None:
    assert layers(comparison_report()) is None
    assert samples(comparison_report()) is None


def test_only_samples_that_lost_are_said_to_have_lost() -> None:
    first, *_ = rich_report().samples
    worse, better = (first.model_copy(update=each) for each in ({"name": "l.jpg"}, {"name": "g.jpg", "worse": -3.0}))
    report = rich_report().model_copy(update={"samples": (worse, better), "differing": 7})
    text = " ".join(printed(report).split())
    assert "The score of 7 of " in text and "Those that lost most:" in text
    assert ("l.jpg" in text, "g.jpg" in text) == (True, False)
    gained = " ".join(printed(report.model_copy(update={"samples": (better,)})).split())
    assert "None of them lost; those that gained least:" in gained and "g.jpg" in gained


def test_layers_without_weights_are_told_apart() -> None:
    rows = (row("a"), row("b", type="Add"), row("c", precision="float"))
    assert int8_words(rows) == "2 of 3 layers are INT8, 1 of them with weights"
    assert int8_words(rows[:1]) == "1 of 1 layers are INT8"


def test_advice_stands_below_the_tables() -> None:
    text = printed(rich_report())
    assert text.index("Advice: 12 % of the INT8 time") > text.index("The score of ")

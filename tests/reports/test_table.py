from io import StringIO
from pathlib import Path

import pytest
from report_samples import WORST, full_report, missed_report, searched_report, small_report, speed
from rich.console import Console

from calibench.inference.profile import LayerTime
from calibench.inference.side_by_side import BenchmarkResult
from calibench.machine import describe_machine
from calibench.reports.report import Report
from calibench.reports.speed_table import render_speeds
from calibench.reports.table import print_report

GOLDEN = Path(__file__).parent / "golden" / "table.txt"


def printed(report: Report) -> str:
    stream = StringIO()
    print_report(report, Console(file=stream, width=80))
    return stream.getvalue()


def test_the_table_looks_as_agreed() -> None:
    assert printed(full_report()) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("report", [small_report(), full_report(), searched_report(), missed_report()])
def test_plain_output_fits_80_columns_and_has_no_colours(report: Report) -> None:
    text = printed(report)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert text.isascii()


def test_the_search_is_said_with_promise_reasons_and_front() -> None:
    text = " ".join(printed(searched_report()).split())
    assert "The limit is kept: 0.31 of 0.5 points allowed. INT8 loses 0.31 points of top1 on 5,000 images" in text
    assert "3 of 58 ranked layers were given back to float, 3.4 % of the multiply-adds:" in text
    assert f"{WORST[0]} costs too much accuracy: alone in INT8" in text
    assert "calibench pick OUT --max-drop X" in text
    assert "0.31 3 3.25 616 this model" in text
    assert text.count("costs too much accuracy") == 3
    assert "3 given back to keep the accuracy, as said above 1 ignored by name" in text


def test_a_limit_that_was_missed_is_said_with_the_reason() -> None:
    text = " ".join(printed(missed_report()).split())
    assert "Not reached: 0.61 of 0.5 points allowed. The time budget of 60 s was spent" in text


def test_many_layers_in_float_are_not_all_named() -> None:
    text = printed(searched_report(best=11))
    assert text.count("costs too much accuracy") == 8
    assert "and 8 more, in report.html" in text


def test_what_was_not_measured_has_no_row() -> None:
    text = printed(full_report().model_copy(update={"sqnr_db": None, "agreement": None}))
    assert "SQNR" not in text
    assert "agreement" not in text


def test_a_metric_that_is_no_share_is_shown_as_it_is() -> None:
    text = printed(full_report().model_copy(update={"metric": "mine:psnr", "unit": "dB", "baseline": 31.25}))
    assert "mine:psnr, dB" in text
    assert "accuracy drop, dB" in text
    assert "31.25 " in text


def test_square_brackets_in_names_are_no_markup() -> None:
    assert "[12.1 dB]" in printed(full_report())


def test_the_benchmark_table_fits_80_columns() -> None:
    long = "model/with/a/very/long/name/that/does/not/fit/into/eighty/columns/conv"
    layers = tuple(LayerTime(f"{long}{i}", "Convolution", "k", float(i), "U8", "U8", ()) for i in range(20))
    speeds = {"lite0 (f32)": speed(312.2, 6.6), "lite0 (default bf16)": speed(560, 3.3)}
    result = BenchmarkResult(describe_machine(), "random data", speeds, {"lite0 (f32)": layers})
    stream = StringIO()
    Console(file=stream, width=80).print(render_speeds(result))
    lines = stream.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 80
    assert any("1.79x" in line for line in lines)
    assert "time in U8 100%" in stream.getvalue()

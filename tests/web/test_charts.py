"""What the charts hold, without a browser."""

import json
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.web import layer_charts, point_charts, search_chart


def point(fps: float, latency_ms: float, series: str = "int8", **more: Any) -> dict[str, Any]:
    return {"series": series, "batch": 1, "streams": 2, "fps": fps, "latency_ms": latency_ms, **more}


POINTS = [point(100, 4.0, "fp32"), point(300, 12.0), point(220, 2.5), point(260, 5.0)]


def trial(number: int, drop: float | None, **more: Any) -> dict[str, Any]:
    return {
        "number": number, "purpose": "all in INT8", "drop": drop, "time_ms": 10.0 - number, "is_exact": True,
        "evaluated": 100, "total": 100, "floats": [], **more,
    }  # fmt: skip


def test_the_best_point_has_the_highest_throughput_whose_latency_keeps_the_limit() -> None:
    assert point_charts.best_under(POINTS, 5.0) is POINTS[3]
    assert point_charts.best_under(POINTS, None) is POINTS[1]


def test_a_limit_that_no_point_keeps_has_no_best_point_but_a_nearest_one() -> None:
    assert point_charts.best_under(POINTS, 1.0) is None
    assert point_charts.nearest(POINTS) is POINTS[2]
    assert point_charts.nearest([]) is None


def test_the_chosen_point_is_marked_and_the_limit_is_drawn() -> None:
    chart = point_charts.points_chart(POINTS, 5.0, POINTS[3])
    items = [item for series in chart["series"] for item in series["data"]]
    assert [item["value"] for item in items if "label" in item] == [[5.0, 260]]
    assert chart["series"][0]["markLine"]["data"] == [{"xAxis": 5.0}]


def test_series_stand_in_a_fixed_order_with_their_fixed_colours() -> None:
    chart = point_charts.points_chart([*POINTS, point(120, 3.0, "default")], None, None)
    assert [series["name"] for series in chart["series"]] == ["FP32", "Default precision", "INT8"]
    assert [series["itemStyle"]["color"] for series in chart["series"]] == [
        "var(--fp32)", "var(--default)", "var(--int8)",
    ]  # fmt: skip


def test_the_axis_of_latency_ends_beyond_every_point() -> None:
    assert [point_charts.nice_end(value) for value in (0.04, 3.0, 12.0, 99.0)] == [0.05, 4.0, 15.0, 120.0]


def test_charts_are_plain_values_that_json_can_hold() -> None:
    trials = [trial(1, 2.0), trial(2, 0.2), trial(3, None)]
    front = [{"trial": 2, "drop": 0.2, "time_ms": 8.0}]
    values = {"low": -1.0, "high": 3.0, "counts": [1, 5, 9, 2]}
    json.dumps(point_charts.points_chart(POINTS, 5.0, None), allow_nan=False)
    json.dumps(search_chart.search_chart(trials, front, 0.5, {"best": 2}), allow_nan=False)
    json.dumps(layer_charts.histogram_chart(values, -0.5, 2.0), allow_nan=False)


def test_the_ends_of_a_range_stand_inside_its_histogram() -> None:
    values = {"low": -1.0, "high": 3.0, "counts": [1, 5, 9, 2]}
    for low, high in ((-0.5, 2.0), (-1.0, 3.0), (-4.0, 4.0)):
        across = layer_charts.histogram_chart(values, low, high)["xAxis"]
        assert across["min"] < min(low, -1.0)
        assert across["max"] > max(high, 3.0)


def test_a_search_without_trials_gives_an_empty_plot() -> None:
    chart = search_chart.search_chart([], [], 0.5, {})
    assert chart["series"][0]["data"] == []


def test_trials_stand_by_their_number_until_two_times_are_known() -> None:
    first = trial(1, 1.0)
    assert search_chart.search_chart([first], [], 0.5, {})["series"][0]["data"][0]["value"][0] == 1
    both = search_chart.search_chart([first, trial(2, 0.3)], [], 0.5, {})
    assert [item["value"][0] for item in both["series"][0]["data"]] == [9.0, 8.0]


def test_a_drop_far_beyond_the_limit_stands_at_the_edge_as_a_triangle() -> None:
    chart = search_chart.search_chart([trial(1, 60.0), trial(2, 0.3)], [], 0.5, {"best": 2})
    off = chart["series"][0]["data"][0]
    assert off["symbol"] == "triangle"
    assert off["value"][1] == chart["yAxis"]["max"]


def test_the_allowed_drop_gives_the_fastest_model_of_the_front_within_it() -> None:
    front = [{"trial": 1, "drop": 0.1, "fps": 100.0}, {"trial": 2, "drop": 0.4, "fps": 150.0},
             {"trial": 3, "drop": 2.0, "fps": 170.0}]  # fmt: skip
    assert search_chart.fastest_within(front, 0.5) is front[1]
    assert search_chart.fastest_within(front, 5.0) is front[2]
    assert search_chart.fastest_within(front, 0.05) is None
    assert search_chart.most_accurate(front) is front[0]


def test_time_is_summed_by_type_and_what_does_not_fit_stands_together() -> None:
    rows = [{"type": f"T{i}", "time_ms": float(20 - i)} for i in range(12)]
    by_type = layer_charts.time_by_type({"fp32": rows})
    assert len(by_type) == layer_charts.MOST_TYPES
    assert by_type[-1] == ("other types", {"fp32": 11.0 + 10.0 + 9.0})


def test_a_precision_in_which_a_series_spends_no_time_takes_no_room_in_its_bar() -> None:
    rows = {
        "fp32": [{"precision": "FP32", "time_ms": 4.0, "share": 1.0, "count": 9}],
        "int8": [{"precision": "U8", "time_ms": 3.0, "share": 0.75, "count": 6},
                 {"precision": "FP32", "time_ms": 1.0, "share": 0.25, "count": 3}],
    }  # fmt: skip
    chart = layer_charts.shares_chart(rows)
    bars = {series["name"]: [item["value"] for item in series["data"]] for series in chart["series"]}
    assert bars == {"FP32": [100.0, 25.0], "U8": [0, 75.0]}


def test_the_share_of_values_beyond_the_range_is_counted_by_bins() -> None:
    values = {"low": 0.0, "high": 10.0, "counts": [10] * 10}
    assert layer_charts.clipped_share(values, 0.0, 10.0) == 0.0
    assert layer_charts.clipped_share(values, 0.0, 4.0) == pytest.approx(0.5)


def test_fp32_is_compared_by_the_points_that_were_measured_in_turns_with_int8() -> None:
    before, beside, int8 = point(57, 20.0, "default"), point(11, 90.0, "default"), point(20, 50.0)
    assert point_charts.measured_together({"a": [before], "b": [beside, int8]}) == {"a": [beside], "b": [int8]}
    assert point_charts.measured_together({"a": [before], "b": [int8]}) == {"a": [before], "b": [int8]}
    assert point_charts.measured_together({"a": [], "b": [int8]}) == {"a": [], "b": [int8]}

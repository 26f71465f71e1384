"""The section of the page: verdict, plot, front, ranking and trials say what the search found."""

import math

import pytest
from report_samples import WORST, full_report, missed_report, searched_report
from test_html import HARM, Page

from calibench.reports.html import render_html
from calibench.reports.page import search_section
from calibench.reports.page.glance import tiles
from calibench.reports.page.search_plot import BOTTOM, TOP, search_plot
from calibench.reports.pick_command import pick_command
from calibench.reports.report import Report
from calibench.reports.search_report import FrontRow, LimitRow, TrialRow
from calibench.reports.searched import search_verdict


def with_search_fields(report: Report, **fields) -> Report:
    assert report.search is not None
    return report.model_copy(update={"search": report.search.model_copy(update=fields)})


def front(*drops: float) -> tuple[FrontRow, ...]:
    return tuple(FrontRow(trial=i + 1, drop=drop, time_ms=3.0 - 0.1 * i) for i, drop in enumerate(drops))


def column(grid, title: str) -> list[str]:
    place = [each.title for each in grid.columns].index(title)
    return [row[place].text for row in grid.rows]


def test_the_verdict_says_how_much_of_the_limit_is_used() -> None:
    assert search_verdict(searched_report()) == "The limit is kept: 0.31 of 0.5 points allowed."
    assert search_verdict(missed_report()) == (
        "Not reached: 0.61 of 0.5 points allowed. The time budget of 60 s was spent before a model within the limit "
        "was found."
    )


def test_the_tiles_say_what_was_allowed_and_what_is_float() -> None:
    drop, floats = tiles(searched_report())[:2]
    assert (drop.value, drop.unit) == ("0.31", "of 0.50 points allowed")
    assert (floats.value, floats.unit, floats.note) == ("3", "of 58", "3.4 % of their multiply-adds")


def test_int8_that_keeps_the_limit_at_once_ranks_nothing_and_says_so() -> None:
    plain = searched_report(best=2, front=())
    report = with_search_fields(plain, ranking=(), is_reached=True)
    tile = tiles(report)[1]
    assert (tile.value, tile.unit, tile.note) == ("0", "of 58", "no layer had to be")
    assert dict(search_section.search_facts(report))["Layers in float"] == "none had to be given back"
    assert Page(render_html(report)).open == []


def test_the_command_beside_a_point_takes_this_point_and_no_faster_one() -> None:
    points = front(0.061, 0.0649, 0.31)
    asked = [float(pick_command(point, points).rsplit(" ", 1)[1]) for point in points]
    for limit, point in zip(asked, points, strict=True):
        taken = max((each for each in points if each.drop <= limit), key=lambda each: each.drop)
        assert taken == point
    assert pick_command(points[2], points) == "calibench pick OUT --max-drop 0.31"


def test_points_that_gain_are_taken_with_a_drop_of_nothing_where_that_is_unique() -> None:
    points = front(-0.2, -0.1, 0.3)
    assert pick_command(points[1], points) == "calibench pick OUT --max-drop 0.00"
    assert pick_command(points[0], points) == ""


def test_a_point_that_measured_slower_than_a_more_accurate_one_has_no_command() -> None:
    points = tuple(
        FrontRow(trial=i, drop=drop, time_ms=time_ms, fps=fps)
        for i, (drop, time_ms, fps) in enumerate([(0.1, 3.2, 500.0), (0.2, 3.1, 490.0), (0.3, 3.0, 520.0)])
    )
    assert [bool(pick_command(point, points)) for point in points] == [True, False, True]


def test_a_point_whose_files_are_elsewhere_has_no_command() -> None:
    report = searched_report()
    assert report.search is not None
    points = tuple(point.model_copy(update={"folder": ""}) for point in report.search.front)
    assert set(column(search_section.front_table(with_search_fields(report, front=points)), "To take it")) == {
        "",
        "this model",
    }


def test_the_front_names_the_model_that_is_here() -> None:
    grid = search_section.front_table(searched_report())
    assert column(grid, "To take it").count("this model") == 1
    assert column(grid, "To take it")[column(grid, "Trial").index("8")] == "this model"
    assert column(grid, "95 % confidence")[0] == "\N{MINUS SIGN}0.06 to 0.18"


def test_every_layer_in_float_has_its_reason() -> None:
    grid = search_section.float_table(searched_report())
    assert column(grid, "Layer") == list(WORST[:3])
    assert all(
        "dB of signal over noise" in text and "tried before" in text for text in column(grid, "Why it stays in float")
    )


def test_the_longest_bar_is_the_largest_value_and_nothing_saved_has_none() -> None:
    grid = search_section.ranking_table(searched_report())
    places = {each.title: i for i, each in enumerate(grid.columns)}
    for title in ("Error", "Drop", "INT8 saves"):
        cells = [row[places[title]] for row in grid.rows]
        longest = max(cells, key=lambda cell: cell.share or 0)
        assert longest.share == 1 and longest.value == max(cell.value for cell in cells)
    slower = [row[places["INT8 saves"]] for row in grid.rows if (row[places["INT8 saves"]].value or 0) < 0]
    assert slower and all(cell.share == 0 for cell in slower)


def test_a_trial_that_was_stopped_says_on_how_many_samples_and_claims_no_excess() -> None:
    grid = search_section.trial_table(searched_report())
    verdicts = column(grid, "Verdict")
    assert column(grid, "Samples")[0] == "820 of 5,000" and verdicts[0] == "misses top1"
    assert verdicts[1] == "misses top1 by 0.62"
    assert [i + 1 for i, text in enumerate(verdicts) if text == "holds; returned"] == [8]


def test_limits_of_many_classes_are_said_together() -> None:
    report = searched_report()
    assert report.search is not None
    many = tuple(LimitRow(metric="top1", drop=2.0, label=i, class_name=f"c{i}") for i in range(1000))
    search = report.search.model_copy(update={"limits": (report.search.limits[0], *many)})
    assert search_section.limits_text(search, "%") == "0.5 points of top1, 2 points of any of 1,000 classes"
    one = search.model_copy(update={"limits": search.limits[:2], "drop_type": "relative"})
    assert search_section.limits_text(one, "%") == (
        "0.5 points of top1, 2 points of class c0; asked for in percent of the FP32 scores"
    )


def test_in_the_plot_what_is_better_stands_lower_and_to_the_left() -> None:
    report = searched_report()
    plot = search_plot(report)
    assert plot is not None and report.search is not None
    pairs = list(zip(report.search.trials, plot.marks, strict=True))
    for a, mark_a in pairs:
        for b, mark_b in pairs:
            assert a.time_ms is not None and b.time_ms is not None
            assert (a.time_ms < b.time_ms) == (mark_a.x < mark_b.x)
            if a.drop < b.drop and not (mark_a.is_off or mark_b.is_off):
                assert mark_a.y > mark_b.y
    assert all(TOP <= mark.y <= BOTTOM and 0 <= mark.x <= 100 for _, mark in pairs)


def test_the_limit_parts_the_trials_that_hold_from_those_that_do_not() -> None:
    report = searched_report()
    plot = search_plot(report)
    assert plot is not None and plot.limit is not None and report.search is not None
    for trial, mark in zip(report.search.trials, plot.marks, strict=True):
        assert (mark.y >= plot.limit) == trial.holds


def test_marks_tell_exact_from_stopped_and_the_one_that_is_returned() -> None:
    report = searched_report()
    plot = search_plot(report)
    assert plot is not None and report.search is not None
    kinds = {trial.number: mark.kind for trial, mark in zip(report.search.trials, plot.marks, strict=True)}
    assert kinds[1] == "early" and kinds[8] == "exact front best" and kinds[7] == "exact"
    assert plot.marks[0].is_off and "triangle" in plot.note
    assert "stopped after 820 of 5,000 samples" in plot.marks[0].title
    assert len(plot.joints) == len(report.search.front) - 1


def test_without_times_the_trials_stand_in_their_order() -> None:
    report = searched_report()
    assert report.search is not None
    trials = tuple(trial.model_copy(update={"time_ms": None}) for trial in report.search.trials)
    plot = search_plot(with_search_fields(report, trials=trials))
    assert plot is not None and plot.across_title == "Number of the trial" and plot.joints == ()
    places = [mark.x for mark in plot.marks]
    assert places == sorted(places)


def test_a_trial_whose_drop_is_no_number_is_only_in_the_table() -> None:
    report = searched_report()
    assert report.search is not None
    first, *rest = report.search.trials
    report = with_search_fields(report, trials=(first.model_copy(update={"drop": None}), *rest))
    plot = search_plot(report)
    assert plot is not None
    assert len(plot.marks) == len(rest)
    assert column(search_section.trial_table(report), "Drop")[0] == ""


def test_a_trial_without_a_time_is_counted_where_others_have_one() -> None:
    report = searched_report()
    assert report.search is not None
    first, *rest = report.search.trials
    plot = search_plot(with_search_fields(report, trials=(first.model_copy(update={"time_ms": None}), *rest)))
    assert plot is not None
    assert len(plot.marks) == len(rest) and "only in the table: 1" in plot.note


def one_trial(number: int, drop: float, time_ms: float) -> TrialRow:
    return TrialRow(
        number=number, purpose="x", drop=drop, evaluated=9, total=9, is_exact=True, holds=True, time_ms=time_ms
    )


@pytest.mark.parametrize("drops", [(0.0, 0.0), (-0.4, -0.2), (40.0, 0.1), (1e-9, 1e-9)])
@pytest.mark.parametrize("limit", [0.0, 0.5])
def test_odd_drops_and_limits_still_make_a_plot(drops, limit) -> None:
    trials = tuple(one_trial(i, drop, 3.0) for i, drop in enumerate(drops))
    report = with_search_fields(
        searched_report(), trials=trials, best=1, front=(), limits=(LimitRow(metric="top1", drop=limit),)
    )
    plot = search_plot(report)
    assert plot is not None
    assert all(math.isfinite(mark.y) and TOP <= mark.y <= BOTTOM for mark in plot.marks)
    assert plot.up and plot.across


def test_one_trial_alone_is_no_plot() -> None:
    report = with_search_fields(searched_report(), trials=(one_trial(8, 0.1, 3.0),))
    assert search_plot(report) is None
    assert Page(render_html(report)).open == []


@pytest.mark.parametrize("make", [searched_report, missed_report])
def test_the_page_has_the_section_after_the_glance(make) -> None:
    page = Page(render_html(make()))
    assert page.open == []
    assert page.headings[:2] == ["At a glance", "How the accuracy was kept"]
    addresses = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "href", "action")]
    assert [each for each in addresses if not (each or "").startswith(("#", "data:"))] == []


def test_without_a_search_there_is_no_section() -> None:
    text = render_html(full_report())
    assert "How the accuracy was kept" not in text and 'class="search-plot"' not in text


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    report = searched_report()
    assert report.search is not None
    trials = tuple(trial.model_copy(update={"purpose": HARM, "broken": HARM}) for trial in report.search.trials)
    ranking = tuple(row.model_copy(update={"layer": HARM, "repairs": (HARM,)}) for row in report.search.ranking)
    harmful = with_search_fields(report, trials=trials, ranking=ranking, promise=HARM, why_not=HARM, notes=(HARM,))
    page = Page(render_html(harmful))
    assert page.open == []
    assert "<b>bold</b>" not in render_html(harmful)
    assert page.cells.count(HARM) >= len(ranking)

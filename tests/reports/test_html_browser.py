"""The page in a real browser: charts, clicks, keys, phone, paper; no message on the console and no request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report_samples import comparison_report, full_report, missed_report, rich_report, searched_report
from test_html import harmful

from calibench.reports.html import write_html
from calibench.reports.report import Report

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = (360, 740), (1280, 900)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium fonts-dejavu-core"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'calibench[dev]'")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def show(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Open the page of a report; in the end there must have been no message and no request but for the file."""
    pages: list[Any] = []
    found: list[str] = []
    tmp_path = tmp_path_factory.mktemp("pages")

    def start(report: Report, size: tuple[int, int] = DESKTOP, scheme: str = "light", has_charts: bool = True) -> Any:
        write_html(report, tmp_path / "report.html")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        page = context.new_page()
        page.on("console", lambda message: found.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("request", lambda request: found.append(request.url) if is_outside(request.url) else None)
        page.goto((tmp_path / "report.html").as_uri())
        if has_charts:
            page.wait_for_selector("html[data-charts=drawn]", timeout=120_000)
        pages.append(context)
        return page

    yield start
    for context in pages:
        context.close()
    assert found == []


@pytest.fixture(scope="module")
def opened(show: Callable[..., Any]) -> Any:
    """One page for all tests that only look and click: drawing it takes the most time."""
    return show(rich_report())


@pytest.fixture
def rich(opened: Any) -> Any:
    """The page without filters and with no layer chosen."""
    opened.keyboard.press("Escape")
    opened.fill("[data-filters=table-layers]", "")
    opened.select_option("[data-precision=table-layers]", "")
    return opened


def is_outside(address: str) -> bool:
    return not address.startswith(("data:", "blob:")) and not address.endswith("/report.html")


def layers_shown(page: Any) -> list[str]:
    rows = page.locator("#table-layers tbody tr:visible")
    return [text.split("\t")[0].strip() for text in rows.all_inner_texts()]


def test_all_charts_are_drawn_offline(rich) -> None:
    page = rich
    for chart in ("#chart-types", "#chart-precisions", "#chart-signal"):
        assert page.locator(f"{chart} .main-svg").count() > 0
    bars = page.locator("#chart-types .bars .point path")
    assert bars.count() >= 7
    assert bars.first.evaluate("bar => getComputedStyle(bar).fill") == "rgb(138, 147, 161)"


def test_a_click_on_a_layer_shows_its_activations_weights_and_error(rich) -> None:
    page = rich
    assert page.locator("#detail").is_hidden()
    page.locator("#table-layers tbody tr").nth(2).locator("td").nth(2).click()
    detail = page.locator("#detail")
    assert detail.locator("h2").inner_text().startswith("features.2/")
    text = detail.inner_text()
    assert "Range \N{MINUS SIGN}2.022 to 4.04, step 0.02377, 256 levels" in text
    assert "30.5 dB, measured" in text
    assert detail.locator("#detail-ranges .bars .point").count() == 128
    assert detail.locator("#detail-ranges .shapelayer path").count() >= 4
    assert detail.locator("#detail-weights .bars .point").count() == 24


def test_a_layer_left_in_float_says_why(rich) -> None:
    page = rich
    page.locator("#table-layers tbody tr").nth(5).click()
    assert "float: its predicted output is poor [12.1 dB]" in page.locator("#detail").inner_text()


def test_layers_are_reached_and_left_by_keys(rich) -> None:
    page = rich
    page.locator("#table-layers tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    name = page.locator("#detail-name")
    assert name.inner_text().startswith("features.1/")
    page.keyboard.press("ArrowDown")
    assert name.inner_text().startswith("features.2/")
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    assert page.evaluate("document.activeElement.dataset.layer") == "2"


def test_layers_are_filtered_by_word_and_by_precision(rich) -> None:
    page = rich
    page.fill("[data-filters=table-layers]", "matmul features.1")
    assert {number[-1] for number in layers_shown(page)} <= {"1", "3", "5", "7", "9"}
    assert page.locator("#table-layers-count").inner_text() == f"{len(layers_shown(page))} of 300 layers"
    page.fill("[data-filters=table-layers]", "")
    page.select_option("[data-precision=table-layers]", "float")
    assert len(layers_shown(page)) == 13
    page.locator("#table-layers tbody tr:visible").first.click()
    page.keyboard.press("ArrowDown")  # to the next that is shown
    assert page.locator("#detail-name").inner_text().startswith("features.28/")


def test_a_click_on_a_heading_sorts_and_what_is_not_known_stays_last(rich) -> None:
    page = rich
    button = page.locator("#table-classes th button", has_text="Drop")

    def drops() -> list[str]:
        return page.locator("#table-classes tbody td.bar").all_inner_texts()

    button.click()
    values = [float(text.replace("\N{MINUS SIGN}", "-")) for text in drops()[:-1]]
    assert values == sorted(values, reverse=True)
    assert drops()[-1] == ""
    button.click()
    assert [float(text.replace("\N{MINUS SIGN}", "-")) for text in drops()[:-1]] == sorted(values)
    assert drops()[-1] == ""
    assert page.locator("#table-classes th[aria-sort=ascending]").count() == 1


def test_the_classes_are_saved_as_csv(rich) -> None:
    page = rich
    with page.expect_download() as waiting:
        page.get_by_text("Save as CSV").click()
    assert waiting.value.suggested_filename == "classes.csv"
    assert Path(waiting.value.path()).read_text().startswith("class,name,count,fp32,int8,drop,metric,unit,direction")


def test_colours_follow_the_system_and_the_button(show) -> None:
    page = show(rich_report(), scheme="dark")

    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground() == "rgb(21, 24, 29)"
    page.click("#theme")
    assert ground() == "rgb(255, 255, 255)"
    page.click("#theme")
    assert ground() == "rgb(21, 24, 29)"


@pytest.mark.parametrize("make", [rich_report, comparison_report, full_report, searched_report])
def test_a_phone_needs_no_scrolling_sideways(make, show) -> None:
    page = show(make(), PHONE, has_charts=make is not comparison_report)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    if make is rich_report:
        page.locator("#table-layers tbody tr").nth(2).click()
        assert page.evaluate("document.querySelector('#detail').scrollWidth") <= PHONE[0]


def test_every_trial_is_a_mark_and_the_chosen_one_is_ringed_below_the_limit(show) -> None:
    page = show(searched_report())
    plot = page.locator(".search-plot > svg")
    marks = plot.locator(".mark")
    assert marks.count() == 12 and plot.locator(".mark.best .ring").count() == 1
    best = plot.locator(".mark.best .ring").bounding_box()
    limit = plot.locator("line.limit").evaluate("line => line.getBoundingClientRect().top")
    assert best["y"] > limit - best["height"] / 2
    assert "trial 8: 3 worst layers in float; drop 0.31" in plot.locator(".mark.best title").text_content()
    early, exact = (plot.locator(f".mark.{kind} circle:not(.ring)").first for kind in ("early", "exact"))
    assert early.evaluate("mark => getComputedStyle(mark).fill") == "rgb(255, 255, 255)"
    assert exact.evaluate("mark => getComputedStyle(mark).fill") == "rgb(47, 123, 224)"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("make", [searched_report, missed_report])
def test_marks_are_round_and_nothing_leaves_the_plot(make, size, show) -> None:
    page = show(make(), size)
    frame = page.locator(".search-plot").first.bounding_box()
    ring = page.locator(".mark.best .ring").bounding_box()
    assert ring["width"] == pytest.approx(ring["height"], abs=0.5)
    for part in (page.locator(".search-plot .mark circle"), page.locator(".search-plot text")):
        for box in (each.bounding_box() for each in part.all()):
            assert box["x"] >= frame["x"] - 1 and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_in_the_dark_hollow_marks_show_the_ground(show) -> None:
    page = show(searched_report(), scheme="dark")
    early = page.locator(".search-plot > svg .mark.early circle").first
    assert early.evaluate("mark => getComputedStyle(mark).fill") == "rgb(21, 24, 29)"


def test_the_ranking_is_sorted_by_what_int8_saves(show) -> None:
    page = show(searched_report())
    page.locator("#table-ranking th button", has_text="saves").click()
    values = page.locator("#table-ranking tbody tr td:nth-child(7)").evaluate_all(
        "cells => cells.map(cell => Number(cell.dataset.value))"
    )
    assert values == sorted(values, reverse=True) and len(values) == 58


def test_on_paper_the_whole_ranking_and_all_trials_are_there(show) -> None:
    page = show(searched_report(), scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for table in ("#table-ranking", "#table-trials"):
        assert page.evaluate(f"getComputedStyle(document.querySelector('{table}')).maxHeight") == "none"
    assert page.locator("#table-ranking tbody tr:visible").count() == 58


def test_on_a_phone_an_odd_number_of_figures_leaves_no_hole(show) -> None:
    page = show(rich_report().model_copy(update={"default_precision": "f32"}), PHONE)
    whole, last = page.locator(".tiles").bounding_box(), page.locator(".tile").last.bounding_box()
    assert page.locator(".tile").count() == 3
    assert last["width"] >= whole["width"] - 2


def test_on_paper_there_are_no_buttons_all_rows_and_a_white_ground(show) -> None:
    page = show(rich_report(), scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("button:visible, nav:visible, input:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('#table-layers')).maxHeight") == "none"
    assert page.locator(".advice li:visible").count() == 3


def test_boxes_lie_on_their_picture(rich) -> None:
    page = rich
    panel = page.locator(".card").first.locator(".panel").nth(2)
    picture, box = panel.locator("svg").bounding_box(), panel.locator("rect.line").bounding_box()
    left = (box["x"] - picture["x"]) / picture["width"]
    bottom = (box["y"] + box["height"] - picture["y"]) / picture["height"]
    assert (left, bottom) == pytest.approx((0.12, 0.86), abs=0.02)


def test_names_that_look_like_markup_do_no_harm(show) -> None:
    page = show(harmful(rich_report()))
    assert page.locator("b", has_text="bold").count() == 0
    page.locator("#table-layers tbody tr").first.click()
    assert "</script><b>bold</b>" in page.locator("#detail-name").inner_text()
    assert page.locator("#detail b").count() == 0
    assert "<b>bold</b>" in page.locator("#chart-types").text_content()

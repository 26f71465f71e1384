"""The page of a project in a real browser: tabs, limits, layers, a search that goes on, refusals with their way out."""

from collections.abc import Callable
from typing import Any

import pytest
from page_site import PHONE, Site, fits, go

pytestmark = pytest.mark.browser

TABS = ("perform", "layers", "time", "pictures", "search", "settings", "export")
OpenPage = Callable[..., Any]


def choose(page: Any, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()


@pytest.mark.parametrize("project", [1, 2, 3, 4, 6])
def test_every_tab_is_drawn_and_fits_a_phone_in_every_state_of_a_project(
    open_page: OpenPage, site: Site, project: int
) -> None:
    page = open_page(f"/projects/{project}", size=PHONE, scheme="dark")
    for tab in TABS:
        go(page, f"{site.address}/projects/{project}?tab={tab}")
        page.locator(".tab-content > *").first.wait_for()
        assert page.get_by_role("tab", selected=True).inner_text().lower() == tab
        assert fits(page), tab


def test_what_a_person_should_know_of_a_project_stands_below_its_numbers(open_page: OpenPage) -> None:
    assert open_page("/projects/6").get_by_text("stored as FP16; they are computed as FP32").is_visible()


def test_a_chosen_tab_stays_after_a_reload(open_page: OpenPage) -> None:
    page = open_page("/projects/2")
    choose(page, "Export")
    page.get_by_role("heading", name="Files").wait_for()
    page.wait_for_function("location.search.includes('tab=export')")
    page.reload()
    page.get_by_role("heading", name="Files").wait_for()


def test_the_headline_says_what_int8_costs_and_what_was_not_measured(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/2")
    headline = page.get_by_label("Headline").inner_text()
    for words in ("0.88", "points lost", "0.31 to 1.45 points", "689 fps", "11.9", "MB"):
        assert words in headline
    go(page, f"{site.address}/projects/1")
    assert "after calibration" in page.get_by_label("Headline").inner_text()


def test_the_best_point_under_a_limit_is_said_and_a_limit_that_none_keeps_leads_out(open_page: OpenPage) -> None:
    page = open_page("/projects/2")
    field = page.get_by_label("Latency limit, ms").first
    field.fill("5")
    page.get_by_text("Best at 5.00 ms at most").wait_for()
    assert page.get_by_text("Default precision: no point is so quick").is_visible()
    field.fill("0.5")
    page.get_by_text("No measured point answers within 0.50 ms").wait_for()
    page.get_by_role("button", name="Set the limit to").click()
    page.get_by_text("at most:").wait_for()


def test_the_slider_of_the_limit_moves_by_keys(open_page: OpenPage) -> None:
    page = open_page("/projects/2")
    page.locator(".limit-line .q-slider__track-container").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("at most:").wait_for()
    assert page.get_by_label("Latency limit, ms").first.input_value() != ""


def test_more_points_are_measured_as_they_were_typed(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/2")
    page.get_by_text("Measure more points").click()
    batches = page.get_by_label("Batches")
    batches.fill("1, x")
    page.get_by_text("'x' is no whole number").wait_for()
    batches.fill("1, 16")
    page.get_by_text("6 points, about").wait_for()
    page.get_by_role("button", name="Measure", exact=True).click()
    assert "batches=(1, 16), streams=(0, 1, 2)" in site.asked("benchmark")[0]


def test_optimize_is_greyed_out_with_its_reason_and_the_button_that_mends_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/6?sub=optimize")
    page.get_by_role("checkbox", name="INT8").wait_for()
    button = page.get_by_role("button", name="Optimize", exact=True).last
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    page.get_by_role("button", name="Run it").click()
    page.get_by_text("Queued").first.wait_for()
    assert "/optimize" not in page.url
    go(page, f"{site.address}/projects/2?sub=optimize")
    assert page.get_by_role("link", name="Go to its parent").get_attribute("href") == "/projects/1"


def test_ticking_int8_and_optimize_lead_to_the_page_that_asks_how(open_page: OpenPage) -> None:
    page = open_page("/projects/1")
    page.get_by_role("button", name="Optimize", exact=True).click()
    page.get_by_role("checkbox", name="INT8").wait_for()
    page.get_by_role("link", name="Optimize", exact=True).click()
    page.wait_for_url("**/projects/1/optimize")


def test_a_layer_is_found_chosen_by_the_keyboard_and_put_away_again(open_page: OpenPage) -> None:
    page = open_page("/projects/2?tab=layers")
    page.get_by_label("Find a layer").fill("features.46/")
    page.locator(".ag-row").first.wait_for()
    page.wait_for_function("document.querySelectorAll('.ag-center-cols-container .ag-row').length < 5")
    page.locator(".ag-row .ag-cell").first.focus()
    page.keyboard.press("Space")
    sheet = page.get_by_label("The chosen layer")
    sheet.get_by_text("Activation: range").wait_for()
    assert sheet.locator("svg").count() >= 1
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")


def test_three_hundred_layers_are_filtered_to_those_in_float(open_page: OpenPage) -> None:
    page = open_page("/projects/2?tab=layers")
    page.get_by_text("layers, ").first.wait_for()
    page.get_by_role("button", name="Float", exact=True).click()
    page.wait_for_function(
        "[...document.querySelectorAll('.ag-center-cols-container .ag-row')].length > 3 && "
        "[...document.querySelectorAll('[col-id=decided].ag-cell')].every(cell => cell.innerText !== 'INT8')"
    )


def test_the_bar_of_a_running_job_moves_without_a_reload_and_the_result_is_drawn_when_it_ends(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/projects/4")
    site.tell("job", 6, "progress", stage="certify", progress=0.77, eta_s=[4, 9])
    page.locator(".job-panel").get_by_text("77 %").wait_for()
    site.post("/fake/jobs/6/change", {"state": "done", "progress": 1.0})
    site.post("/fake/projects/4/change", {"state": "done", "result": "a" * 64, "headline": {"int8_fps": 300.0}})
    page.get_by_text("300 fps").first.wait_for()
    page.locator(".job-panel").wait_for(state="detached")


def test_who_stands_on_cancel_by_keyboard_stays_there_when_the_job_begins(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/5")
    cancel = page.locator(".job-panel").get_by_role("button", name="Cancel")
    cancel.focus()
    site.post("/fake/jobs/10/change", {"state": "running", "stage": "read", "attempt": 1})
    site.post("/fake/projects/5/change", {"state": "running", "name": "it has begun"})
    page.locator(".job-panel").get_by_text("Running").wait_for()
    page.get_by_role("heading", name="it has begun").wait_for()
    page.keyboard.press("Enter")
    page.locator(".job-panel").get_by_text("Cancelling").first.wait_for()
    assert site.asked("cancel") == ["('cancel', 10)"]


def test_trials_of_a_running_search_appear_as_they_come(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/4?tab=search")
    page.get_by_text("5 models tried").wait_for()
    site.post("/fake/jobs/6/change", {"result": {"tried": 8}})
    site.tell("job", 6, "trial", number=8)
    page.get_by_text("8 models tried").wait_for()


def test_the_allowed_drop_shows_the_model_that_one_would_get_and_takes_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/3?tab=search")
    page.get_by_text("This is the model of this project.").wait_for()
    field = page.get_by_label("Allowed drop, points")
    field.fill("0.01")
    page.get_by_text("No model that was tried loses so little").wait_for()
    field.fill("0.8")
    page.get_by_text("Trial 3: drop 0.74 points").wait_for()
    page.get_by_role("button", name="Use this one").click()
    page.wait_for_function("location.pathname !== '/projects/3'")
    assert "max_drop=0.8" in site.asked("pick")[0]


def test_pictures_show_truth_and_both_answers_in_words_too(open_page: OpenPage) -> None:
    page = open_page("/projects/2?tab=pictures")
    page.get_by_text("differs between FP32 and INT8").wait_for()
    first = page.locator("article").first
    texts = [first.locator("img").nth(i).get_attribute("alt") for i in range(3)]
    assert [words.split(":")[0] for words in texts] == ["Truth", "FP32", "INT8"]
    assert first.locator("img").nth(2).evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    before = page.locator("article").count()
    page.get_by_role("button", name="Show").click()
    page.wait_for_function(f"document.querySelectorAll('article').length > {before}")


def test_what_repeats_the_job_is_copied(open_page: OpenPage) -> None:
    page = open_page("/projects/2?tab=export")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Command line").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("calibench calibrate")
    assert page.get_by_role("link", name="Download the INT8 model").get_attribute("href") == (
        "/api/v1/projects/2/model.zip?only_model=true"
    )


def test_a_failed_job_says_why_and_offers_the_ways_out(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/6")
    alert = page.get_by_role("alert").first
    assert "The process ended without a result, 3 times." in alert.inner_text()
    alert.get_by_role("button", name="Retry").click()
    assert site.asked("retry") == ["('retry', 11)"]


def test_a_cancelled_project_with_a_wicked_name_is_only_text(open_page: OpenPage) -> None:
    page = open_page("/projects/7")
    assert "cancelled before it was done" in page.get_by_role("alert").first.inner_text()
    assert page.locator("h1").inner_text().startswith("<script>")
    assert "owned" not in page.title().split("<")[0]
    for tab in ("Settings", "Export", "Layers"):
        choose(page, tab)
    assert page.evaluate("document.title").startswith("<script>")


def test_deleting_asks_and_leads_to_the_projects(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/3")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{site.address}/")
    assert site.asked("delete project") == ["('delete project', 3)"]


def test_a_project_that_was_deleted_elsewhere_says_so(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/5")
    site.tell("project", 5, "deleted")
    page.get_by_text("This project was deleted.").wait_for()


def test_two_projects_are_compared_with_their_differences(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/2")
    page.get_by_role("link", name="Compare with FP32").click()
    page.wait_for_url("**/compare?a=1&b=2")
    table = page.get_by_label("Numbers side by side")
    table.wait_for()
    assert "-0.88 points" in table.inner_text()
    page.get_by_text("Only what has changed").click()
    page.get_by_role("button", name="Change sides").click()
    page.wait_for_url("**/compare?a=2&b=1")
    go(page, f"{site.address}/compare?a=1&b=6")
    page.get_by_text("are of two families").wait_for()


def test_the_comparison_fits_a_phone(open_page: OpenPage) -> None:
    page = open_page("/compare?a=2&b=3", size=PHONE)
    page.get_by_role("heading", name="Layers side by side").wait_for()
    assert fits(page)


def test_a_finished_baseline_leads_to_int8_and_a_finished_int8_model_to_its_download(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/projects/2")
    with page.expect_download() as download:
        page.route(
            "**/model.zip*", lambda route: route.fulfill(body="zip", headers={"Content-Disposition": "attachment"})
        )
        page.get_by_role("button", name="Download the INT8 model").click()
    assert download.value.url.endswith("/projects/2/model.zip?only_model=true")
    page.get_by_label("Verdict").wait_for()
    go(page, f"{site.address}/projects/1")
    page.get_by_role("link", name="Calibrate to INT8").click()
    page.wait_for_url("**/projects/1/optimize")


def test_what_fp32_gets_wrong_is_shown_once_the_settings_were_tried_and_the_way_there_before(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/projects/1?tab=pictures")
    page.get_by_role("link", name="Try them").click()
    page.wait_for_url("**/models/1/accuracy?dataset=1")
    page.locator(".job-panel").wait_for()
    site.post(f"/fake/jobs/{max(site.get('/fake/jobs'))}/change", {"state": "done", "progress": 1.0})
    wrong = page.locator("figure.is-wrong").first
    wrong.wait_for()
    assert "wrong" in wrong.inner_text()
    go(page, f"{site.address}/projects/1?tab=pictures")
    page.get_by_text("on which the accuracy settings were tried").wait_for()
    assert page.locator("figure.is-wrong").count() == page.locator("article").count() > 0


def test_the_open_tab_is_seen_on_a_phone(open_page: OpenPage) -> None:
    page = open_page("/projects/2?tab=export", size=PHONE)
    page.wait_for_function(
        "(box => box.left >= 0 && box.right <= window.innerWidth)"
        "(document.querySelector('.project-tabs .q-tab--active').getBoundingClientRect())"
    )
    assert page.evaluate("window.scrollY") == 0

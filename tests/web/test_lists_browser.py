"""Lists of projects, models, datasets and jobs in a real browser: sorted, filtered, live; deletion asks first."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from canned_things import SCRIPT
from page_site import DESKTOP, PHONE, Site

from calibench.web import looks
from calibench.web.data_grid import SHORT
from calibench.web.upload_box import SIZE

pytestmark = pytest.mark.browser

NUMBERS = (0, 0.004, 0.0994, 0.1, 0.256, 9.994, 10, 87.46, 99.94, 100, 1240.4, 1234567, -0.043, -12.34)
SIZES = (0, 999, 1000, 99_949, 999_400, 1_260_000, 123_456_789, 2_500_000_000)

OpenPage = Callable[..., Any]


def names(page: Any) -> list[str]:
    """The links in the first column."""
    found: list[str] = page.locator(".listing tbody td:first-child a").all_inner_texts()
    return found


def test_a_thousand_projects_are_turned_by_pages_and_sorted_by_headings(open_page: OpenPage, site: Site) -> None:
    site.fill(many=1000)
    page = open_page("/")
    page.get_by_text("1 to 25 of 1,007").wait_for()
    assert page.locator(".listing tbody tr").count() == 25
    page.get_by_role("button", name="Next page").click()
    page.get_by_text("26 to 50 of 1,007").wait_for()
    page.get_by_role("button", name="Speed-up").click()
    page.locator("th[aria-sort=descending]").wait_for()
    page.get_by_text("1 to 25 of 1,007").wait_for()
    assert page.locator(".listing tbody tr").first.inner_text().count("4.60x") == 1
    page.get_by_role("button", name="Speed-up").click()
    page.locator("th[aria-sort=ascending]").wait_for()
    assert "1.00x" in page.locator(".listing tbody tr").first.inner_text()


def test_projects_are_filtered_by_words_state_and_archive(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Filter projects").fill("within flowers")
    page.wait_for_function("document.querySelectorAll('.listing tbody tr').length === 1")
    page.get_by_label("Filter projects").fill("")
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Failed").click()
    page.wait_for_function("document.querySelectorAll('.listing tbody tr').length === 1")
    page.get_by_role("switch", name="Archive").click()
    page.get_by_text("No project matches.").wait_for()
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="All states").click()
    page.get_by_role("link", name="an old one").wait_for()


def test_a_project_row_moves_with_its_job_and_shows_its_end_without_a_reload(open_page: OpenPage, site: Site) -> None:
    page = open_page("/")
    row = page.locator("tr", has_text="INT8 mixed")
    assert "42 %" in row.inner_text()
    site.tell("job", 6, "progress", stage="report", progress=0.91, eta_s=[1, 2])
    row.get_by_text("91 % · report").wait_for()
    site.post("/fake/projects/4/change", {"state": "done"})
    site.post("/fake/job/6", {"state": "done"})
    row.get_by_text("Done").wait_for()


def test_the_first_visit_shows_three_steps_and_ticks_what_is_there(open_page: OpenPage, site: Site) -> None:
    site.fill(is_empty=True)
    page = open_page("/")
    assert page.locator(".step h2").all_inner_texts() == ["A model", "A dataset", "A project"]
    page.get_by_role("button", name="Try it with the sample").click()
    page.locator(".sample").get_by_role("link", name="Job and log").wait_for()
    assert "('sample',)" in site.calls()
    page.get_by_role("link", name="Import a model").click()
    page.wait_for_url("**/models/import?back=/")


def test_a_dialog_stays_with_what_was_typed_when_the_page_behind_it_is_drawn_anew(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/models/1")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("half typed")
    site.post("/fake/models/1/change", {"name": "renamed elsewhere"})
    page.get_by_role("heading", name="renamed elsewhere").wait_for()
    field = page.get_by_role("dialog").get_by_label("Name")
    assert field.input_value() == "half typed"
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def test_deleting_a_model_asks_and_says_what_goes_with_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/models/1")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("2 INT8 models").wait_for()
    assert "Frees 46.8 MB" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert site.calls() == []
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/models")
    assert "('delete model', 1)" in site.calls()


def test_what_a_job_works_with_cannot_be_deleted_and_the_dialog_says_why(open_page: OpenPage, site: Site) -> None:
    page = open_page("/models/7")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("cancel the job first").wait_for()
    assert dialog.get_by_role("button", name="Delete").is_disabled()


def test_a_name_that_is_taken_or_empty_is_refused_beside_the_field(open_page: OpenPage, site: Site) -> None:
    page = open_page("/models/1")
    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("detector-from-another-tool")
    page.keyboard.press("Enter")
    dialog.get_by_role("alert").get_by_text("is taken").wait_for()
    dialog.get_by_label("Name").fill("   ")
    dialog.get_by_role("button", name="Rename").click()
    dialog.get_by_text("A name is needed.").wait_for()
    dialog.get_by_label("Name").fill("flowers 2")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="flowers 2", exact=True).wait_for()


def test_a_model_that_somebody_renames_elsewhere_is_drawn_anew(open_page: OpenPage, site: Site) -> None:
    page = open_page("/models/1")
    site.post("/fake/models/1/change", {"name": "renamed elsewhere"})
    page.get_by_role("heading", name="renamed elsewhere").wait_for()


def test_what_cannot_be_calibrated_is_greyed_out_with_its_reason_to_see_and_to_hear(open_page: OpenPage) -> None:
    page = open_page("/models/2")
    button = page.get_by_role("button", name="Calibrate to INT8")
    assert button.get_attribute("aria-disabled") == "true"
    reason = page.locator(f"#{button.get_attribute('aria-describedby')}")
    assert reason.is_visible() and "INT8 already" in reason.inner_text()
    button.hover()
    page.locator(".q-tooltip", has_text="INT8 already").wait_for()
    button.click(force=True)
    assert page.get_by_role("dialog").count() == 0
    page.get_by_role("link", name="Go to its FP32 model").click()
    page.wait_for_url("**/models/1")


def test_calibrate_on_the_model_page_asks_for_the_project(open_page: OpenPage) -> None:
    page = open_page("/models/1")
    page.get_by_role("button", name="Calibrate to INT8").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("resnet18-flowers on flowers-val").wait_for()
    assert dialog.get_by_role("link", name="Calibrate here").get_attribute("aria-disabled") == "false"


def test_the_family_shows_what_each_int8_model_costs_and_gains(open_page: OpenPage) -> None:
    page = open_page("/models/1")
    row = page.locator("tr", has_text="within 0.5")
    for words in ("accuracy-aware", "mixed", "0.39 points", "212 fps", "601 fps", "12.7 MB"):
        assert words in row.inner_text()
    assert row.get_by_role("link", name="Compare").get_attribute("href") == "/compare?a=1&b=3"


def test_a_job_is_cancelled_and_retried_from_the_list(open_page: OpenPage, site: Site) -> None:
    page = open_page("/jobs")
    page.get_by_role("button", name="Cancel Calibrate resnet18-flowers, half").click()
    page.locator(".listing tr", has_text="resnet18-flowers, half").get_by_text("Cancelled").wait_for()
    assert "('cancel', 10)" in site.calls()
    page.get_by_role("button", name=f"Retry Import {SCRIPT}").click()
    page.locator(".queue", has_text=SCRIPT).wait_for()
    assert "('retry', 7)" in site.calls()


def test_the_page_of_a_job_follows_it_to_its_end(open_page: OpenPage, site: Site) -> None:
    page = open_page("/jobs/6")
    main = page.locator("main")
    assert "resumed after an interruption" in main.inner_text()
    bar = main.get_by_role("progressbar")
    assert bar.get_attribute("aria-valuenow") == "0.42"
    site.tell("job", 6, "progress", stage="report", progress=0.9, eta_s=[1, 3])
    main.get_by_text("90 % · report · 1 s to 3 s left").wait_for()
    main.get_by_role("button", name="Cancel").click()
    main.get_by_text("Cancelling").wait_for()
    site.post("/fake/job/6", {"state": "failed", "failure": {"kind": "ModelError", "message": "No room is left."}})
    main.get_by_role("alert").get_by_text("No room is left.").wait_for()
    assert main.get_by_role("progressbar").count() == 0
    assert "<b>not bold</b>" in main.get_by_role("log").inner_text()


def test_the_trials_of_a_search_are_drawn_while_it_runs(open_page: OpenPage) -> None:
    page = open_page("/jobs/6")
    page.get_by_text("5 models evaluated, 0 within the limit.").wait_for()
    page.locator(".trials svg path").nth(10).wait_for(state="attached")


def test_the_target_says_what_it_means_for_int8_and_is_looked_at_on_request(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/1")
    page.get_by_text("INT8 runs in VNNI").wait_for()
    page.get_by_text("37 %").wait_for()
    page.get_by_role("button", name="Check").click()
    page.get_by_text("This machine is being looked at.").wait_for()
    assert "('check target', 1)" in site.calls()


def test_a_dataset_shows_its_classes_with_counts_and_what_is_wrong_with_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/datasets/1")
    page.get_by_role("button", name="Count").click()
    page.locator("th[aria-sort=descending]").wait_for()
    assert "16" in page.locator(".listing tbody tr").first.inner_text()
    page.goto(site.address + "/datasets/2")
    page.get_by_text("img_0031.jpg cannot be decoded").wait_for()


def test_the_browser_writes_numbers_and_sizes_as_the_server_does(open_page: OpenPage) -> None:
    page = open_page("/help")
    assert page.evaluate(f"numbers => numbers.map({SHORT})", NUMBERS) == [looks.short(each) for each in NUMBERS]
    assert page.evaluate(f"sizes => sizes.map({SIZE})", SIZES) == [looks.size(each) for each in SIZES]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_breadcrumbs_with_long_names_are_cut_with_dots_and_never_overlap(
    open_page: OpenPage, site: Site, size: tuple[int, int]
) -> None:
    site.post("/fake/projects/1/change", {"name": "resnet 18 with a name " * 4 + "end"})
    page = open_page("/projects/2", size=size)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.crumbs li')].map(e => e.getBoundingClientRect()).filter(r => r.width)"
        ".map(r => [r.left, r.right])"
    )
    assert all(after[0] >= before[1] - 0.5 for before, after in pairwise(boxes))
    assert boxes[-1][1] <= page.locator(".search").bounding_box()["x"]
    if size == DESKTOP:
        link = page.locator(".crumbs a").last
        assert link.get_attribute("title") == link.inner_text()
        assert page.locator(".crumbs a").first.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_the_sample_stays_on_offer_beside_own_imports_until_it_is_there(open_page: OpenPage, site: Site) -> None:
    for path in ("/models", "/datasets"):
        page = open_page(path)
        page.get_by_role("button", name="Try it with the sample").wait_for()
    page.get_by_role("button", name="Try it with the sample").click()
    page.locator(".sample").get_by_role("link", name="Job and log").wait_for()
    site.post(f"/fake/jobs/{max(site.get('/fake/jobs'))}/change", {"state": "done"})
    page.locator(".sample").wait_for(state="detached")


def test_a_list_of_projects_says_the_accuracy_and_what_int8_lost(open_page: OpenPage) -> None:
    page = open_page("/")
    row = page.locator("tr", has_text="within 0.5").inner_text()
    assert "88.92 %" in row and "0.39 points lost" in row
    assert "89.31 %" in page.locator("tr", has_text="resnet18-flowers on flowers-val").first.inner_text()


def test_the_menu_of_a_phone_says_the_name_and_closes_on_escape(open_page: OpenPage) -> None:
    page = open_page("/models", size=PHONE)
    page.get_by_role("button", name="Menu").click()
    name = page.get_by_role("link", name="Calibench", exact=True)
    page.wait_for_function("document.querySelector('.brand').getBoundingClientRect().left >= 0")
    assert name.get_attribute("href") == "/"
    page.keyboard.press("Escape")
    page.wait_for_function("document.querySelector('.brand').getBoundingClientRect().right <= 0")


def test_what_a_job_left_on_a_target_is_said_and_deleted_all_the_same_when_asked_again(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/jobs/12")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("It may still run on rack, or have files there: that is ended and removed first.").wait_for()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_text("Removing what is left on rack ...").wait_for()
    dialog.get_by_text("could not be removed: rack: does not answer").wait_for()
    assert site.calls() == []
    dialog.get_by_role("button", name="Delete all the same").click()
    page.wait_for_url("**/jobs")
    assert site.asked("delete job") == ["('delete job', 12)"]


def test_a_project_whose_jobs_left_something_on_a_target_is_deleted_when_asked_again(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/projects/7")
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Delete all the same").click()
    assert site.asked("delete project") == ["('delete project', 7)"]

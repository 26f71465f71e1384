"""The pages in a real browser: drawn, reached by keyboard, on a phone, in the dark; live without a reload."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from canned_things import SCRIPT
from page_site import DESKTOP, PATIENCE_S, PHONE, Site, becomes, fits

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/projects/new",
    "/models",
    "/models/1",
    "/models/2",
    "/models/6",
    "/models/import",
    "/datasets",
    "/datasets/1",
    "/datasets/2",
    "/datasets/import",
    "/targets",
    "/targets/new",
    "/targets/2",
    "/targets/3",
    "/targets/5",
    "/targets/3/change",
    "/jobs",
    "/jobs/6",
    "/jobs/10",
    "/jobs/11",
    "/search?words=flowers",
    "/help",
)
FOCUS = """(() => {
    const at = document.activeElement;
    const name = (at.ariaLabel || at.innerText || '').trim().split('\\n').pop().trim();
    return [name, getComputedStyle(at).outlineStyle, !!at.closest('.q-field, .q-toggle'), at === document.body];
})()"""
"""What has the focus: its name, whether it has an outline, and whether it is a field, which shows it by its border."""

OpenPage = Callable[..., Any]


def in_head(page: Any) -> Any:
    return page.locator(".job-strip")


def test_every_page_has_a_heading_and_a_title_and_fits_a_phone(open_page: OpenPage, site: Site) -> None:
    page = open_page(PAGES[0])
    for path in PAGES:
        page.goto(site.address + path)
        page.wait_for_selector("main h1")
        assert page.locator("main h1").count() == 1, path
        assert page.title().endswith("· Calibench"), path
        assert page.evaluate("document.documentElement.lang") == "en-US"
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert fits(page), path
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


def test_no_script_in_a_name_runs(open_page: OpenPage) -> None:
    page = open_page("/models/6")
    assert page.title().startswith(SCRIPT)
    assert page.locator("main h1").inner_text() == SCRIPT


def test_on_a_phone_the_rail_is_a_drawer_behind_a_button(open_page: OpenPage) -> None:
    page = open_page("/", size=PHONE)
    models = page.get_by_role("navigation", name="Main").get_by_role("link", name="Models")
    assert not models.is_visible() or models.bounding_box()["x"] < 0
    page.get_by_role("button", name="Menu").click()
    models.click()
    page.wait_for_url("**/models")


def test_a_person_reaches_everything_by_keyboard_and_sees_where_the_focus_is(open_page: OpenPage) -> None:
    page = open_page("/")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline, is_field, is_end = page.evaluate(FOCUS)
        if is_end:
            break
        seen.append(name)
        assert outline != "none" or is_field, name
    wanted = ("Skip to content", "Search everything", "Light or dark", "Models", "Datasets", "Targets", "New project")
    assert [name for name in seen if name in wanted] == list(wanted)
    assert {"Filter projects", "Speed-up", "resnet18-flowers INT8 half"} <= set(seen)


def test_the_skip_link_leads_into_the_content(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.classList.contains('page')")


def test_the_page_follows_the_system_until_one_chooses_and_then_remembers(open_page: OpenPage) -> None:
    page = open_page("/help", scheme="dark")
    page.wait_for_selector("body.body--dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_selector("body.body--light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.wait_for_function("document.cookie.includes('calibench_theme=light')")
    page.reload()
    page.wait_for_selector("main h1")
    page.wait_for_selector("body.body--light")


def test_progress_moves_the_bar_of_every_page_and_never_backwards(open_page: OpenPage, site: Site) -> None:
    page = open_page("/help")
    assert "42 %" in in_head(page).inner_text()
    site.tell("job", 6, "progress", stage="measure", progress=0.73, eta_s=[10, 20])
    page.wait_for_function("document.querySelector('.job-strip').innerText.includes('73 %')")
    assert "measure" in in_head(page).inner_text()
    site.tell("job", 6, "progress", stage="measure", progress=0.5, eta_s=None)
    site.tell("job", 6, "progress", stage="report", progress=0.5, eta_s=None)
    page.wait_for_function("document.querySelector('.job-strip').innerText.includes('report')")
    assert "73 %" in in_head(page).inner_text()
    in_head(page).click()
    page.wait_for_url("**/jobs/6")


def test_the_bar_goes_when_nothing_runs_any_more_and_the_badge_with_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/help")
    assert page.locator(".rail .badge").inner_text() == "1"
    site.post("/fake/job/6", {"state": "done", "progress": 1.0})
    in_head(page).wait_for(state="hidden")
    page.locator(".rail .badge").wait_for(state="hidden")


def test_a_search_finds_projects_models_and_datasets(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Search everything").fill("flowers")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?words=flowers")
    for name in ("Projects", "Models", "Datasets"):
        page.get_by_role("heading", name=name, exact=True).wait_for()


def test_an_address_without_a_page_says_so(page_browser: Any, site: Site) -> None:
    context = page_browser.new_context()
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    nowhere = ("/nowhere", "/models/abc", "/compare?a=x&b=y")
    for path, words in (*((path, "There is no such page") for path in nowhere), ("/models/999", "This is not here")):
        answer = page.goto(site.address + path)
        assert answer.status == 404
        page.get_by_role("heading", name=words).wait_for()
        page.get_by_role("link", name="To the projects").wait_for()
    context.close()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_button_that_leads_to_a_page_is_a_link_for_the_keyboard_too(open_page: OpenPage, key: str) -> None:
    page = open_page("/projects")
    page.get_by_role("link", name="New project").focus()
    page.keyboard.press(key)
    page.wait_for_url("**/projects/new")


def test_a_button_that_leads_to_a_page_opens_in_a_new_tab_by_the_middle_key(open_page: OpenPage) -> None:
    page = open_page("/targets")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Add a target").click(button="middle")
    opened.value.wait_for_url("**/targets/new")
    assert page.url.endswith("/targets")


def test_what_is_chosen_for_a_new_project_comes_along_to_an_import(open_page: OpenPage) -> None:
    page = open_page("/projects/new?model=1")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="detector-from-another-tool").click()
    page.wait_for_url(re.compile(r"/projects/new\?model=(?!1\b)\d+"))
    chosen = page.url.partition("model=")[2].partition("&")[0]
    link = page.get_by_role("link", name="Import a dataset", exact=True)
    becomes(lambda: f"model%3D{chosen}" in (link.get_attribute("href") or ""), True)

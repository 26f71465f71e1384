"""The pages of a real server by keyboard alone, on a phone, and in the dark."""

from typing import Any

import pytest
from page_site import fits
from story_server import StoryServer
from watched_pages import PHONE, WatchedPages, arrive, go

pytestmark = pytest.mark.browser

TABS = ("perform", "layers", "time", "pictures", "search", "settings", "export")
FOCUSED = """(() => {
    const at = document.activeElement;
    return (at.ariaLabel || at.innerText || '').trim().split('\\n').pop().trim();
})()"""


@pytest.fixture(scope="module")
def paths(imported: dict[str, int], measured: int, calibrated: int) -> tuple[str, ...]:
    """Every page, with things on it."""
    return (
        "/",
        "/projects/new",
        f"/projects/{measured}",
        f"/projects/{measured}?sub=optimize",
        *(f"/projects/{calibrated}?tab={tab}" for tab in TABS),
        f"/projects/{measured}/optimize",
        f"/compare?a={measured}&b={calibrated}",
        "/models",
        f"/models/{imported['model']}",
        f"/models/{imported['model']}/accuracy",
        "/models/import",
        "/datasets",
        f"/datasets/{imported['dataset']}",
        "/datasets/import",
        "/targets",
        "/jobs",
        "/jobs/1",
        "/search?words=shapes",
        "/help",
    )


def test_no_page_is_wider_than_a_phone_and_all_are_dark_at_night(
    pages: WatchedPages, server: StoryServer, paths: tuple[str, ...]
) -> None:
    page = pages.open(size=PHONE, scheme="dark")
    for path in paths:
        go(page, server.address + path)
        assert fits(page), path
        assert page.evaluate("document.body.classList.contains('body--dark')"), path


def tab_to(page: Any, name: str, most: int = 60) -> None:
    """Press Tab until the focus is on something of this name."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if seen[-1] == name:
            return
    raise AssertionError(f"{name} was not reached: {seen}")


def test_a_calibration_is_asked_for_by_keyboard_alone(pages: WatchedPages, server: StoryServer, measured: int) -> None:
    page = pages.open()
    tab_to(page, "shapes on shapes-validation")
    page.keyboard.press("Enter")
    arrive(page, f"{server.address}/projects/{measured}")
    tab_to(page, "Optimize")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="INT8").wait_for()
    tab_to(page, "INT8")
    tab_to(page, "Optimize")
    page.keyboard.press("Enter")
    arrive(page, f"{server.address}/projects/{measured}/optimize")
    tab_to(page, "Default")
    page.keyboard.press("ArrowRight")
    page.get_by_label("Maximum accuracy drop, points").wait_for()
    tab_to(page, "Seconds a measurement")
    page.keyboard.type("60")  # so that it still runs when its page is there
    tab_to(page, "Calibrate")
    page.keyboard.press("Enter")
    arrive(page, f"{server.address}/projects/#")
    tab_to(page, "Cancel")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("cancelled before it was done").wait_for()

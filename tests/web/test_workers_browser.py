"""Worker processes in a real browser: asked for where the server itself calibrates, else greyed with the reason."""

from collections.abc import Callable
from typing import Any

import pytest
from page_site import Site

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]


def test_worker_processes_are_asked_for_here_and_greyed_with_the_reason_on_another_machine(
    open_page: OpenPage, site: Site
) -> None:
    site.fill(is_elsewhere="true")
    page = open_page("/projects/20/optimize")
    page.get_by_text("Advanced settings").click()
    page.get_by_text("Only on the server's own machine; this runs on lab.").wait_for()
    assert page.get_by_label("Worker processes").is_disabled()
    page.goto(site.address + "/projects/1/optimize")
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Worker processes").fill("2")
    page.get_by_role("button", name="Calibrate", exact=True).click()
    (asked,) = site.asked("calibrate")
    assert "workers=2" in asked

"""Jobs over a real server: reload, two tabs, cancel, failure, and a server that is killed while they run."""

import os
import signal
from typing import Any

import pytest
from page_site import becomes
from story_server import StoryServer, let_go_on
from watched_pages import WatchedPages, arrive, button, go, number_in

pytestmark = pytest.mark.browser

GONE = "WebSocket|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_SOCKET|Failed to fetch|reloading because"
"""What a browser says while the server is away."""


def start_calibration(server: StoryServer, project: int, name: str, seconds: float) -> dict[str, Any]:
    """A calibration that measures points for so many seconds each."""
    asked = {"name": name, "points": {"batches": [1], "streams": [1, 2], "seconds": seconds, "rounds": 2}}
    child: dict[str, Any] = server.send(f"/api/v1/projects/{project}/calibrations", asked)
    return child


def percent(page: Any) -> int:
    return int(page.locator(".job-panel").inner_text().split(" %")[0].split()[-1])


def runs(page: Any) -> None:
    page.locator(".job-panel").get_by_text("Running").wait_for()
    page.wait_for_function("/[1-9]\\d? %/.test(document.querySelector('.job-panel').innerText)")


def goes_on_alone(server: StoryServer, job: dict[str, Any]) -> None:
    """Let a job that is held make a step while no server looks."""
    events = server.data / f"jobs/{job['id']}/events.jsonl"
    told = events.stat().st_size
    let_go_on(job)
    becomes(lambda: events.stat().st_size > told, True)
    os.killpg(job["pid"], signal.SIGSTOP)


def test_a_job_outlives_reloads_two_tabs_and_a_killed_server(
    pages: WatchedPages, server: StoryServer, measured: int
) -> None:
    child = start_calibration(server, measured, "outlives", seconds=0.5)
    path = f"/projects/{child['id']}"
    with server.held(child["job_id"]) as job:
        page = pages.open(path, allowed=GONE)
        other = pages.tab(page, path, allowed=GONE)
        runs(page)
        before = percent(page)
        page.reload()
        runs(page)
        assert percent(page) >= before
        runs(other)
        server.kill()
        page.get_by_text("Connection lost").wait_for()
        goes_on_alone(server, job)
        server.start()
        assert server.read(f"/api/v1/jobs/{job['id']}")["state"] == "running"
    for tab in (page, other):
        tab.locator(".job-panel").wait_for(state="detached")
        tab.get_by_label("Headline").get_by_text("INT8", exact=True).first.wait_for()
    after = server.read(f"/api/v1/jobs/{job['id']}")
    assert (after["state"], after["attempt"]) == ("done", 1)
    assert (after["pid"] or job["pid"], after["started"]) == (job["pid"], job["started"])
    assert server.read(f"/api/v1/jobs?kind=calibrate&project_id={child['id']}") == [after]


def test_a_job_is_cancelled_from_the_page_and_can_be_configured_again(
    pages: WatchedPages, server: StoryServer, measured: int
) -> None:
    child = start_calibration(server, measured, "cancelled", seconds=60)
    page = pages.open(f"/projects/{child['id']}")
    page.locator(".job-panel").get_by_text("Running").wait_for()
    button(page, "Cancel").click()
    page.get_by_role("alert").get_by_text("cancelled before it was done. Nothing of it was kept.").wait_for()
    assert server.read(f"/api/v1/jobs/{child['job_id']}")["state"] == "cancelled"
    button(page, "Configure again").click()
    arrive(page, f"{server.address}/projects/*/optimize")


def test_a_failed_job_says_why_and_is_configured_again_with_all_entries(
    pages: WatchedPages, server: StoryServer, measured: int
) -> None:
    page = pages.open(f"/projects/{measured}/optimize")
    page.get_by_label("Name of the INT8 model").fill("without a layer")
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Layers to keep in float").fill("no such layer")
    page.get_by_label("Layers to keep in float").press("Tab")
    button(page, "Calibrate").click()
    arrive(page, f"{server.address}/projects/#")
    failed = number_in(page)
    alert = page.get_by_role("alert").first
    alert.get_by_text("no such layer").wait_for()
    assert "Calibration failed." in alert.inner_text()
    button(page, "Log").click()
    arrive(page, f"{server.address}/jobs/#")
    page.get_by_role("log").get_by_text("no such layer").first.wait_for()
    go(page, f"{server.address}/projects/{failed}")
    button(page, "Configure again").click()
    arrive(page, f"{server.address}/projects/*/optimize")
    page.get_by_label("Name of the INT8 model").wait_for()
    assert page.get_by_label("Name of the INT8 model").input_value() == "without a layer"
    page.get_by_text("Advanced settings").click()
    field = page.get_by_label("Layers to keep in float")
    assert field.input_value() == "no such layer"
    field.fill("")
    page.get_by_label("Seconds a measurement").fill("60")
    button(page, "Calibrate").click()
    arrive(page, f"{server.address}/projects/#")
    runs(page)  # past the choice of layers, where the first one ended
    button(page, "Cancel").click()
    page.get_by_role("alert").get_by_text("cancelled before it was done").wait_for()

"""The main story over a real server: from the link to an INT8 model that is compared and taken along."""

import json
import zipfile
from pathlib import Path

import pytest
from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button, number_in

pytestmark = pytest.mark.browser


def test_an_own_model_and_dataset_become_a_project_with_its_baseline(server: StoryServer, measured: int) -> None:
    project = server.read(f"/api/v1/projects/{measured}")
    assert project["result"] is not None
    assert project["headline"]["baseline"] > 60  # of six classes; settings were found by trying
    assert project["headline"]["fp32_fps"] > 0


def test_calibrate_gives_a_new_project_that_keeps_what_was_entered(server: StoryServer, calibrated: int) -> None:
    project = server.read(f"/api/v1/projects/{calibrated}")
    ask = project["ask"]
    assert project["state"] == "done"
    assert (ask["method"], ask["max_drop"], ask["preset"], ask["subset_percent"]) == (
        "accuracy-aware",
        0.5,
        "mixed",
        50,
    )
    assert ask["points"]["streams"] == [1, 2]
    dataset = server.read(f"/api/v1/datasets/{project['calibration_dataset_id']}")
    assert dataset["name"] == "ranges"
    assert project["headline"]["drop_points"] <= 0.5


def test_the_model_page_shows_the_family_with_what_int8_costs(
    pages: WatchedPages, server: StoryServer, imported: dict[str, int], calibrated: int
) -> None:
    page = pages.open(f"/models/{imported['model']}")
    family = page.get_by_label("The FP32 model and its INT8 models")
    row = family.get_by_role("row").filter(has=page.get_by_role("link", name="shapes in INT8", exact=True))
    assert {"accuracy-aware", "mixed"} <= set(row.inner_text().split())
    assert "points" in row.inner_text() and "fps" in row.inner_text()
    row.get_by_role("link", name="Compare").click()
    arrive(page, f"{server.address}/compare?a=#&b={calibrated}")
    button(page, "Change sides").wait_for()


def test_only_the_fp32_model_can_be_calibrated_and_the_int8_one_leads_to_it(
    pages: WatchedPages, server: StoryServer, calibrated: int
) -> None:
    page = pages.open(f"/projects/{calibrated}?sub=optimize")
    optimize = button(page, "Optimize").last
    assert optimize.get_attribute("aria-disabled") == "true"
    assert page.get_by_role("checkbox", name="INT8").get_attribute("aria-disabled") == "true"
    page.get_by_role("link", name="Go to the FP32 project").click()
    arrive(page, f"{server.address}/projects/#")
    assert number_in(page) != calibrated


def test_the_table_of_layers_shows_u8_where_the_model_runs_in_int8(pages: WatchedPages, calibrated: int) -> None:
    page = pages.open(f"/projects/{calibrated}?tab=layers")
    page.locator(".ag-row").first.wait_for()
    assert "U8" in page.locator("[col-id=output].ag-cell").all_inner_texts()
    page.get_by_label("Find a layer").fill("conv2")
    page.wait_for_function("[...document.querySelectorAll('.ag-row')].every(row => row.innerText.includes('conv2'))")
    page.locator(".ag-row", has_text="Convolution").locator(".ag-cell").first.click()
    page.get_by_label("The chosen layer").get_by_text("Activation: range").wait_for()


def test_the_slider_of_the_search_offers_another_model_which_becomes_a_project(
    pages: WatchedPages, server: StoryServer, calibrated: int
) -> None:
    page = pages.open(f"/projects/{calibrated}?tab=search")
    page.get_by_role("slider", name="Allowed drop").locator("[tabindex='0']").focus()
    page.keyboard.press("End")
    take = button(page, "Use this one")
    take.wait_for()
    take.click()
    page.wait_for_function(
        f"location.pathname.startsWith('/projects/') && !location.pathname.endsWith('/{calibrated}')"
    )
    other = number_in(page)
    job = server.ended(server.read(f"/api/v1/projects/{other}")["job_id"])
    assert (job["kind"], job["state"]) == ("pick", "done"), job
    page.get_by_label("Headline").get_by_text("INT8", exact=True).first.wait_for()
    first, second = (server.read(f"/api/v1/projects/{id}")["headline"] for id in (calibrated, other))
    assert second["drop_points"] > first["drop_points"]


def test_int8_is_compared_with_the_original_number_by_number(
    pages: WatchedPages, server: StoryServer, calibrated: int
) -> None:
    page = pages.open(f"/projects/{calibrated}")
    button(page, "Compare with FP32").click()
    arrive(page, f"{server.address}/compare?a=#&b={calibrated}")
    numbers = page.get_by_label("Numbers side by side").inner_text()
    for word in ("Accuracy", "Throughput", "Latency", "Size"):
        assert word.lower() in numbers.lower()
    page.get_by_role("heading", name="Layers side by side").wait_for()


def test_model_report_and_the_lines_that_repeat_it_are_taken_along(
    pages: WatchedPages, calibrated: int, tmp_path: Path
) -> None:
    page = pages.open(f"/projects/{calibrated}?tab=export")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the INT8 model (zip)").click()
    taken.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert {"model.xml", "model.bin"} <= {Path(name).name for name in archive.namelist()}
    with page.expect_download() as taken:
        page.get_by_role("link", name="report.json").click()
    taken.value.save_as(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["model"]
    lines = page.locator("pre").all_inner_texts()
    assert any(line.startswith("calibench calibrate") and "--max-drop 0.5" in line for line in lines)
    assert any("calibrate(" in line and "mixed" in line for line in lines)

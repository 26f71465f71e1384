"""The main story in chapters, each told by mouse and keyboard in the pages of a real server."""

from typing import Any

from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button, import_file, number_in


def first_visit(server: StoryServer, pages: WatchedPages, files: Any) -> dict[str, int]:
    """The link opens three steps; both imports lead back to them."""
    page = pages.open()
    assert "token" not in page.url
    page.get_by_role("heading", name="Is INT8 worth it for your model on this machine?").wait_for()
    page.get_by_text("After the first two.").wait_for()
    button(page, "Import a model").click()
    arrive(page, f"{server.address}/models/import*")
    import_file(page, files.network)
    arrive(page, f"{server.address}/")
    button(page, "Import a dataset").click()
    arrive(page, f"{server.address}/datasets/import*")
    import_file(page, files.validation)
    arrive(page, f"{server.address}/")
    page.locator(".step").get_by_text("Ready").nth(1).wait_for()
    page.get_by_role("link", name="shapes", exact=True).wait_for()
    button(page, "New project").wait_for()
    models, datasets = server.read("/api/v1/models"), server.read("/api/v1/datasets")
    assert [each["name"] for each in (*models, *datasets)] == ["shapes", "shapes-validation"]
    return {"model": models[0]["id"], "dataset": datasets[0]["id"]}


def baseline(server: StoryServer, pages: WatchedPages, imported: dict[str, int]) -> int:
    """A new project measures the FP32 model; its page shows the numbers when they are there."""
    page = pages.open()
    button(page, "New project").click()
    arrive(page, f"{server.address}/projects/new?model={imported['model']}&dataset={imported['dataset']}")
    page.get_by_text("The classes of shapes-validation are counted in the order of the alphabet").wait_for()
    button(page, "Create and measure the baseline").click()
    arrive(page, f"{server.address}/projects/#")
    project = number_in(page)
    bar = page.locator(".job-panel")
    with server.held(server.read(f"/api/v1/projects/{project}")["job_id"]):
        bar.get_by_role("progressbar", name="Progress").wait_for()
        page.locator(".job-strip").get_by_text("Baseline of shapes on shapes-validation").wait_for()
    bar.wait_for(state="detached")
    headline = page.get_by_label("Headline")
    headline.get_by_text("on 180 samples").wait_for()
    assert "top1" in headline.inner_text() and "after calibration" in headline.inner_text()
    return project


def calibration(server: StoryServer, pages: WatchedPages, project: int, files: Any) -> int:
    """Perform > Optimize > INT8 > the page that asks how > a new project at once, and its result."""
    page = pages.open(f"/projects/{project}")
    page.get_by_role("tab", name="Perform").click()
    button(page, "Optimize").click()
    assert page.get_by_role("checkbox", name="INT8").is_checked()
    button(page, "Optimize").last.click()
    arrive(page, f"{server.address}/projects/{project}/optimize")
    _enter(page)
    button(page, "Import").click()
    arrive(page, f"{server.address}/datasets/import*")
    import_file(page, files.calibration, name="ranges")
    arrive(page, f"{server.address}/projects/{project}/optimize?calibration=#")
    _still_entered(page)
    page.get_by_text("30 images of 60").wait_for()
    button(page, "Calibrate").click()
    arrive(page, f"{server.address}/projects/#")
    child = number_in(page)
    assert child != project
    with server.held(server.read(f"/api/v1/projects/{child}")["job_id"]):
        _watch(pages, page, project)
    page.get_by_role("tab", name="Search").click()
    page.get_by_text("model tried").or_(page.get_by_text("models tried")).first.wait_for()
    page.locator(".job-panel").wait_for(state="detached")
    page.get_by_label("Headline").get_by_text("INT8", exact=True).first.wait_for()
    return child


def _enter(page: Any) -> None:
    page.get_by_role("radio", name="AccuracyAware").click()
    page.get_by_label("Maximum accuracy drop, points").wait_for()
    assert page.get_by_label("Maximum accuracy drop, points").input_value() == "0.5"
    assert page.get_by_label("Subset size, %").first.input_value() == "100"
    page.get_by_label("Subset size, %").first.fill("50")
    page.get_by_text("45 images of 180").wait_for()  # one half of the dataset decides accuracy
    page.get_by_role("radio", name="Mixed").click()
    page.get_by_label("Streams").fill("1, 2")
    page.get_by_label("Seconds a measurement").fill("0.1")
    page.get_by_text("Advanced settings").click()
    page.get_by_role("combobox", name="Overflow guard").click()  # on: the same weights on every CPU
    page.get_by_role("option", name="on", exact=True).click()
    page.get_by_label("Name of the INT8 model").fill("shapes in INT8")
    page.get_by_label("Summary").get_by_text("AccuracyAware, at most 0.50 points").wait_for()


def _still_entered(page: Any) -> None:
    """Back from the import: every entry stands, and the new dataset is chosen."""
    page.get_by_role("combobox", name="Calibration dataset").wait_for()
    page.get_by_label("Summary").get_by_text("AccuracyAware, at most 0.50 points").wait_for()
    page.get_by_label("Summary").get_by_text("Mixed").wait_for()
    assert page.get_by_label("Subset size, %").first.input_value() == "50"
    assert page.get_by_label("Streams").input_value() == "1, 2"
    assert page.get_by_label("Seconds a measurement").input_value() == "0.1"
    assert page.get_by_label("Name of the INT8 model").input_value() == "shapes in INT8"
    page.locator(".dataset-field").get_by_text("ranges").wait_for()


def _watch(pages: WatchedPages, page: Any, project: int) -> None:
    """The bar is there, and another project can be used meanwhile."""
    page.locator(".job-panel").get_by_role("progressbar", name="Progress").wait_for()
    other = pages.tab(page, f"/projects/{project}?tab=layers")
    other.locator(".ag-row").first.wait_for()
    other.locator(".job-strip").wait_for()
    other.close()

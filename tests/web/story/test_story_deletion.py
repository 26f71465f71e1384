"""Deletions and names over a real server: it asks, it says what goes along, and two people do not overwrite."""

from collections.abc import Iterator
from typing import Any

import pytest
from shape_files import shapes_archive
from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def spare(server: StoryServer, imported: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A dataset of its own with a project that uses it."""
    dataset = server.import_("datasets", shapes_archive(tmp_path_factory.mktemp("spare") / "spare.zip", 12, seed=9))
    asked = {"model_id": imported["model"], "dataset_id": dataset, "run_baseline": False}
    yield {"dataset": dataset, "project": server.send("/api/v1/projects", asked)["id"]}


def dialog(page: Any) -> Any:
    return page.get_by_role("dialog")


def test_a_name_that_somebody_else_changed_meanwhile_is_not_overwritten(
    pages: WatchedPages, server: StoryServer, spare: dict[str, int]
) -> None:
    first = pages.open(f"/datasets/{spare['dataset']}")
    second = pages.tab(first, f"/datasets/{spare['dataset']}")
    for page, name in ((first, "spare one"), (second, "spare two")):
        button(page, "Rename").click()
        dialog(page).get_by_label("Name").fill(name)
    button(first, "Rename").last.click()
    dialog(first).wait_for(state="hidden")
    second.get_by_role("heading", name="spare one", level=1).wait_for()  # the other tab follows
    second.wait_for_function("document.title.startsWith('spare one')")
    assert "spare one" in second.get_by_role("navigation", name="Breadcrumbs").inner_text()
    button(second, "Rename").last.click()
    dialog(second).get_by_text("This dataset was changed meanwhile").wait_for()
    assert server.read(f"/api/v1/datasets/{spare['dataset']}")["name"] == "spare one"
    second.keyboard.press("Escape")
    dialog(second).wait_for(state="hidden")


def test_a_dataset_in_use_says_what_would_go_with_it_and_stays_when_one_thinks_better(
    pages: WatchedPages, server: StoryServer, spare: dict[str, int]
) -> None:
    page = pages.open(f"/datasets/{spare['dataset']}")
    page.get_by_role("heading", name="Projects that use it").wait_for()
    button(page, "Delete").click()
    words = dialog(page).inner_text()
    assert "project" in words and "Frees" in words
    dialog(page).get_by_role("button", name="Cancel").click()
    dialog(page).wait_for(state="hidden")
    assert server.ask("GET", f"/api/v1/projects/{spare['project']}")[0] == 200


def test_what_is_deleted_goes_with_all_that_was_said_and_its_pages_say_so(
    pages: WatchedPages, server: StoryServer, spare: dict[str, int]
) -> None:
    page = pages.open(f"/datasets/{spare['dataset']}")
    project = pages.tab(page, f"/projects/{spare['project']}")
    button(page, "Delete").click()
    dialog(page).get_by_role("button", name="Delete").click()
    arrive(page, f"{server.address}/datasets")
    project.get_by_text("This project was deleted.").wait_for()
    assert server.ask("GET", f"/api/v1/datasets/{spare['dataset']}")[0] == 404
    assert server.ask("GET", f"/api/v1/projects/{spare['project']}")[0] == 404


def test_a_dataset_cannot_be_deleted_while_a_job_reads_it(
    pages: WatchedPages, server: StoryServer, measured: int, imported: dict[str, int]
) -> None:
    asked = {"batches": [1], "streams": [1, 2], "seconds": 5, "rounds": 2}
    job = server.send(f"/api/v1/projects/{measured}/benchmarks", asked)
    page = pages.open(f"/datasets/{imported['dataset']}")
    button(page, "Delete").click()
    confirm = dialog(page).get_by_role("button", name="Delete")
    assert confirm.is_disabled()
    assert "job" in dialog(page).inner_text().lower()
    server.ask("POST", f"/api/v1/jobs/{job['id']}/cancel")
    server.ended(job["id"])

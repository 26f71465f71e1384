"""Imports and the new project in a real browser: files go to the server, and one is back with all entries kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_site import Site, go

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]


@pytest.fixture
def model_files(tmp_path: Path) -> list[Path]:
    """A model of two files with a name that a header cannot hold as it is."""
    files = [tmp_path / "größe 2.xml", tmp_path / "größe 2.bin"]
    for file in files:
        file.write_bytes(b"x" * 3000)
    return files


def choose(page: Any, *files: Path) -> None:
    """Give files to the field."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])


def test_a_model_of_two_files_is_sent_named_by_its_file_and_leads_to_its_page(
    open_page: OpenPage, site: Site, model_files: list[Path]
) -> None:
    page = open_page("/models/import")
    button = page.get_by_role("button", name="Import", exact=True)
    assert button.get_attribute("aria-disabled") == "true"
    page.get_by_text("Choose a file first.").wait_for()
    choose(page, *model_files)
    page.wait_for_function("document.querySelector('input[maxlength]').value === 'größe 2'")
    page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
    button.click()
    page.wait_for_url("**/models/8")
    page.get_by_role("heading", name="größe 2").wait_for()
    asked = next(call for call in site.calls() if "import model" in call)
    assert "'u1'" in asked and "'u2'" in asked and "name='größe 2'" in asked  # the smaller file may be there first


def test_a_name_that_the_person_typed_is_not_replaced_by_that_of_the_file(
    open_page: OpenPage, model_files: list[Path]
) -> None:
    page = open_page("/models/import")
    page.get_by_label("Name").fill("mine")
    choose(page, model_files[0])
    page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
    assert page.get_by_label("Name").input_value() == "mine"


def test_a_taken_name_is_refused_beside_the_field_and_the_upload_is_kept(
    open_page: OpenPage, model_files: list[Path]
) -> None:
    page = open_page("/models/import")
    choose(page, model_files[0])
    page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
    page.get_by_label("Name").fill("resnet18-flowers")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("is taken by another model").wait_for()
    page.get_by_label("Name").fill("another")
    page.get_by_text("is taken by another model").wait_for(state="hidden")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/models/8")


def test_an_upload_that_the_server_refuses_says_why_beside_the_field(open_page: OpenPage, tmp_path: Path) -> None:
    empty = tmp_path / "refused.zip"
    empty.write_bytes(b"x")
    page = open_page("/datasets/import", allowed="status of 422")
    choose(page, empty)
    page.get_by_role("alert").get_by_text("refused.zip: the server says no.").wait_for()
    assert page.get_by_role("button", name="Import", exact=True).get_attribute("aria-disabled") == "true"


def test_a_path_of_the_server_is_taken_only_below_allowed_folders(open_page: OpenPage, site: Site) -> None:
    page = open_page("/datasets/import")
    page.get_by_role("button", name="Path on the server").click()
    page.get_by_label("File or folder on the server").fill("/etc/secrets")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("lies in no folder that was allowed").wait_for()
    page.get_by_label("File or folder on the server").fill("/data/val set")
    page.get_by_label("Name").fill("val")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/datasets/6")
    assert any("/data/val set" in call for call in site.calls())


def test_after_an_import_from_another_page_one_is_back_there_with_the_new_thing_chosen(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    archive = tmp_path / "garden.tar.gz"
    archive.write_bytes(b"x")
    page = open_page("/projects/new?model=5")
    page.get_by_role("link", name="Import a dataset", exact=True).click()
    page.wait_for_url("**/datasets/import?back=*")
    choose(page, archive)
    page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/projects/new?model=5&dataset=6")
    page.get_by_text("garden (importing)").wait_for()
    button = page.get_by_role("button", name="Create and measure the baseline")
    assert button.get_attribute("aria-disabled") == "true"
    ready = {"state": "ready", "format": "coco", "title": "COCO", "samples": 9, "has_pictures": True}
    site.post("/fake/datasets/6/change", ready)
    page.get_by_text("They fit").wait_for()
    assert button.get_attribute("aria-disabled") == "false"


def test_a_dataset_that_does_not_fit_is_refused_before_the_project_is_made(open_page: OpenPage) -> None:
    page = open_page("/projects/new?model=1&dataset=5")
    page.get_by_role("alert").get_by_text("reviews holds texts").wait_for()
    page.get_by_role("combobox", name="Dataset").click()
    page.get_by_role("option", name="flowers-val").click()
    page.get_by_text("They fit").wait_for()
    page.wait_for_function("location.search.includes('dataset=1')")


def test_a_new_project_starts_its_baseline_and_leads_to_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/new?model=1&dataset=1")
    page.get_by_role("button", name="Create and measure the baseline").click()
    page.wait_for_url("**/projects/9")
    asked = next(call for call in site.calls() if "create project" in call)
    assert "model_id=1" in asked and "run_baseline=True" in asked


def test_files_that_cannot_be_a_model_are_refused_before_they_are_sent(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("/models/import")
    for name in ("notes.txt", "photo.JPG"):
        (tmp_path / name).write_bytes(b"x")
        choose(page, tmp_path / name)
        page.get_by_role("alert").get_by_text(f"{name} cannot be a model and was not sent.").wait_for()
    assert page.get_by_role("button", name="Import", exact=True).get_attribute("aria-disabled") == "true"


def test_a_file_of_a_taken_name_is_offered_with_the_next_free_one(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("/models/import")
    (tmp_path / "resnet18-flowers.onnx").write_bytes(b"x")
    choose(page, tmp_path / "resnet18-flowers.onnx")
    page.wait_for_function("document.querySelector('input[maxlength]').value === 'resnet18-flowers 2'")


def test_a_file_that_is_no_model_leads_to_another_file_and_not_to_the_same_again(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/jobs/7")
    page.get_by_role("link", name="Choose another file").wait_for()
    assert page.get_by_role("button", name="Retry").count() == 0
    go(page, f"{site.address}/models/6")
    page.get_by_role("link", name="Choose another file").wait_for()
    assert page.get_by_role("button", name="Retry").count() == 0
    page.get_by_role("link", name="Choose another file").click()
    page.wait_for_url("**/models/import")

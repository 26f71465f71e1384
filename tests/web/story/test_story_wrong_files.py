"""Wrong files over a real server: a clear sentence at the place, and the server goes on."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button, import_file, number_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("imported")]


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def int8_model(server: StoryServer, calibrated: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The INT8 model as its page gives it, by another name."""
    status, content = server.ask("GET", f"/api/v1/projects/{calibrated}/model.zip")
    assert status == 200
    path = tmp_path_factory.mktemp("int8") / "quantized elsewhere.zip"
    path.write_bytes(content)
    return path


def import_page(pages: WatchedPages, server: StoryServer, what: str, file: Path) -> Any:
    """Import a file by the pages; the page of what came of it."""
    page = pages.open(f"/{what}/import")
    import_file(page, file)
    arrive(page, f"{server.address}/{what}/#")
    return page


def failed(page: Any) -> str:
    """The sentence of an import that failed."""
    alert = page.get_by_role("alert").first
    alert.wait_for()
    words: str = alert.inner_text()
    return words


@pytest.mark.parametrize(
    ("name", "content"), [("notes.onnx", b"This is a letter, no network.\n" * 50), ("cut.onnx", None)]
)
def test_a_file_that_is_no_model_says_so_on_its_page(
    pages: WatchedPages,
    server: StoryServer,
    files: Any,
    tmp_path: Path,
    name: str,
    content: bytes | None,
) -> None:
    (tmp_path / name).write_bytes(content or files.network.read_bytes()[:5000])
    page = import_page(pages, server, "models", tmp_path / name)
    words = failed(page)
    assert name in words and str(server.data) not in words
    assert button(page, "Calibrate to INT8").get_attribute("aria-disabled") == "true"
    button(page, "Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    arrive(page, f"{server.address}/models")


@pytest.mark.parametrize("what", ["models", "datasets"])
def test_an_empty_file_is_refused_beside_the_field(pages: WatchedPages, tmp_path: Path, what: str) -> None:
    empty = tmp_path / ("nothing.onnx" if what == "models" else "nothing.zip")
    empty.touch()
    page = pages.open(f"/{what}/import", allowed="status of 422")
    page.locator("input[type=file]").set_input_files(str(empty))
    page.get_by_role("alert").get_by_text("empty").wait_for()
    assert button(page, "Import").get_attribute("aria-disabled") == "true"


def wrong_archives(folder: Path) -> dict[str, tuple[Path, str]]:
    """Archives by what is wrong with them, and a word of the sentence."""
    picture = (b"\x89PNG\r\n\x1a\n", b"no picture at all")
    broken = folder / "broken.zip"
    whole = archive(folder / "whole.zip", {"a/1.png": picture[0] * 400}).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    return {
        "no pictures": (archive(folder / "letters.zip", {"letters/a.doc": picture[1]}), "letters"),
        "damaged": (broken, "broken.zip"),
        "outside": (archive(folder / "outside.zip", {"../../outside.png": picture[0]}), "outside"),
    }


@pytest.mark.parametrize("wrong", ["no pictures", "damaged", "outside"])
def test_an_archive_that_is_no_dataset_says_so_on_its_page(
    pages: WatchedPages, server: StoryServer, tmp_path: Path, wrong: str
) -> None:
    path, word = wrong_archives(tmp_path)[wrong]
    page = import_page(pages, server, "datasets", path)
    words = failed(page)
    assert word in words and str(server.data) not in words
    assert not list(server.data.parent.rglob("outside.png"))
    id = number_in(page)
    assert server.read(f"/api/v1/datasets/{id}")["state"] == "failed"
    assert server.ask("DELETE", f"/api/v1/datasets/{id}")[0] == 204


def test_an_int8_model_is_imported_and_optimize_is_greyed_out_with_its_reason(
    pages: WatchedPages, server: StoryServer, imported: dict[str, int], int8_model: Path
) -> None:
    page = import_page(pages, server, "models", int8_model)
    model = number_in(page)
    page.get_by_text("It holds FakeQuantize or INT8 weights: it is quantized already.").first.wait_for()
    assert button(page, "Calibrate to INT8").get_attribute("aria-disabled") == "true"
    asked = {"model_id": model, "dataset_id": imported["dataset"], "run_baseline": False}
    project = server.send("/api/v1/projects", asked)["id"]
    page.goto(f"{server.address}/projects/{project}?sub=optimize")
    optimize = button(page, "Optimize").last
    optimize.wait_for()
    assert optimize.get_attribute("aria-disabled") == "true"
    why = page.locator(f"#{optimize.get_attribute('aria-describedby')}")
    assert "quantized already" in why.inner_text()
    optimize.focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Settings").click()
    page.wait_for_function("location.search.includes('tab=settings')")  # heard after the key, which led nowhere
    assert "/optimize" not in page.url.partition("?")[0]

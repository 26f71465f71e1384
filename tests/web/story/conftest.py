"""One real server with real jobs for all stories, and the chapters that several of them begin with.

A chapter is told once, by mouse and keyboard in the pages; a test that needs only what comes out of it names it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import story_chapters
from shape_files import shapes_archive, shapes_network
from story_server import StoryServer
from watched_pages import WatchedPages


@dataclass(frozen=True)
class Files:
    """What the person has on their disk."""

    folder: Path
    network: Path
    validation: Path
    calibration: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    return Files(
        folder,
        shapes_network(folder / "shapes.onnx"),
        shapes_archive(folder / "shapes-validation.zip", 180, seed=7),
        shapes_archive(folder / "shapes-calibration.zip", 60, seed=8),
    )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoryServer]:
    """A server with an empty data folder at first."""
    pytest.importorskip("nicegui", reason="needs NiceGUI: pip install 'calibench[serve]'")
    server = StoryServer(tmp_path_factory.mktemp("story") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def pages(server: StoryServer, page_browser: Any) -> Iterator[WatchedPages]:
    """Pages of the server; in the end nothing was on the console, and no other host was asked."""
    watched = WatchedPages(page_browser, server.address, server.link)
    yield watched
    watched.close()


@pytest.fixture(scope="session")
def imported(server: StoryServer, page_browser: Any, files: Files) -> dict[str, int]:
    """The first visit: model and dataset are there."""
    return _told(server, page_browser, story_chapters.first_visit, files)


@pytest.fixture(scope="session")
def measured(server: StoryServer, page_browser: Any, imported: dict[str, int]) -> int:
    """The project of the FP32 model, with its baseline."""
    return _told(server, page_browser, story_chapters.baseline, imported)


@pytest.fixture(scope="session")
def calibrated(server: StoryServer, page_browser: Any, files: Files, measured: int) -> int:
    """The project of an INT8 model that keeps a limit."""
    return _told(server, page_browser, story_chapters.calibration, measured, files)


def _told(server: StoryServer, browser: Any, chapter: Any, *known: Any) -> Any:
    watched = WatchedPages(browser, server.address, server.link)
    try:
        found = chapter(server, watched, *known)
    except BaseException:
        for context in watched.contexts:
            context.close()
        raise
    watched.close()
    return found

"""Export: the files of the result, and the lines that repeat the job."""

from urllib.parse import quote

from nicegui import ui

from calibench.web import looks
from calibench.web.copying import copy_block
from calibench.web.opened_project import OpenedProject
from calibench.web.words import text

WHAT = {
    "model.xml": "The INT8 model for OpenVINO: its graph. It needs model.bin beside it",
    "model.bin": "Its weights",
    "report.html": "The report, one file that opens in any browser",
    "report.json": "The report for programs",
    "deploy.py": "Runs the model exactly as it was measured",
    "classes.csv": "Accuracy of every class",
    "timings.json": "Times of the layers, to decide by the same ones again",
    "points.json": "Throughput and latency at every point",
    "baseline.json": "What was measured of the FP32 model",
}


def draw(opened: OpenedProject) -> None:
    """Files to download, command line and Python with copy buttons."""
    api = f"/api/v1/projects/{opened.id}"
    exports = opened.workbench.projects.exports(opened.id)
    if not exports:
        text("Files can be taken from here when there is a result.", "p").classes("note")
    else:
        _files(api, exports, opened.is_int8)
    snippets = opened.workbench.projects.snippets(opened.id)
    text("Repeat it on the command line", "h2")
    copy_block(snippets["cli"], "Command line")
    text("Repeat it in Python", "h2")
    copy_block(snippets["python"], "Python")


def _files(api: str, exports: list[dict[str, object]], is_int8: bool) -> None:
    text("Files", "h2")
    if is_int8:
        ui.link("Download the INT8 model (zip)", f"{api}/model.zip?only_model=true").classes("download").props(
            "download"
        )
    with ui.element("table").classes("listing exports"):
        with ui.element("thead"), ui.element("tr"):
            for title in ("File", "What it is"):
                text(title, "th").props('scope="col"')
            text("Size", "th").classes("number").props('scope="col"')
        with ui.element("tbody"):
            for each in exports:
                _file(api, str(each["name"]), int(str(each["size_bytes"])))


def _file(api: str, name: str, size: int) -> None:
    with ui.element("tr"):
        with ui.element("td"):
            ui.link(name, f"{api}/exports/{quote(name)}").props("download")
        text(WHAT.get(name, ""), "td").classes("quiet")
        text(looks.size(size), "td").classes("number")

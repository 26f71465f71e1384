"""Pictures of the Workbench for the documentation: starts a server, walks through its pages, writes PNG files.

Usage: .venv/bin/python -m tools.screenshots [--out DIR] [--model FILE --dataset ZIP --calibration ZIP]

Without files it takes the sample. Needs Chromium and playwright; takes some minutes. Not a test.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--hide-scrollbars")
OUT = Path(__file__).parents[1] / "docs/images"
DESKTOP, PHONE = (1280, 800), (360, 740)
TALLEST = 1500
"""Pixels; what is longer is cut below."""
LARGEST = 250_000
"""Bytes of a picture in the documentation."""
COLOURS = (256, 128, 64)
PATIENCE_MS = 30 * 60_000
"""For a whole calibration on a slow machine."""
START = "import sys; from calibench.cli.app import main; sys.argv = ['calibench', *sys.argv[1:]]; main()"


@dataclass
class Walk:
    """A person with a browser on their way through the pages."""

    page: Any
    address: str
    out: Path
    written: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page, and wait until it is drawn."""
        self.page.goto(self.address + path)
        self.drawn()

    def drawn(self) -> None:
        """Wait until a page is drawn and connected, and its charts have come to rest."""
        self.page.wait_for_selector("main h1")
        self.page.wait_for_function("window.did_handshake === true")
        self.page.wait_for_timeout(1200)

    def press(self, name: str, leads_to: str = "") -> None:
        """Press a button, or a link that looks like one; wait for the address that it leads to."""
        link = self.page.get_by_role("link", name=name, exact=True).and_(self.page.locator(".q-btn"))
        self.page.get_by_role("button", name=name, exact=True).or_(link).last.click()
        if leads_to:
            self.page.wait_for_url(lambda url: leads_to in url, wait_until="commit")
            self.drawn()

    def shot(self, name: str) -> None:
        """Write a picture of the whole page, as small as it must be: the window grows, so that bars stand right."""
        window = self.page.viewport_size
        height = min(self.page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        self.page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(800)
        path = self.out / f"workbench-{name}.png"
        path.write_bytes(small(self.page.screenshot()))
        self.page.set_viewport_size(window)
        self.written.append(f"{path} ({path.stat().st_size // 1000} kB)")


def small(png: bytes) -> bytes:
    """A picture with as many colours as fit into LARGEST bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    made = b""
    for colours in COLOURS:
        packed = io.BytesIO()
        image.quantize(colours).save(packed, "PNG", optimize=True)
        made = packed.getvalue()
        if len(made) <= LARGEST:
            break
    return made


@contextmanager
def served(data: Path) -> Iterator[str]:
    """A server on a free port; its link."""
    command = [sys.executable, "-c", START, "serve", "--port", "0", "--json", "--data-dir", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                sys.exit("The server did not start; it says why above.")
            said += line
        yield str(json.loads(said)["link"])
    finally:
        process.terminate()
        process.wait()


def first_visit(walk: Walk, files: Sequence[Path]) -> None:
    """The three steps, and the imports: of the sample, or of model, dataset and calibration dataset."""
    walk.shot("first-visit")
    if not files:
        walk.go("/models/import?back=/")
        walk.shot("import-model")
        walk.go("/")
        walk.press("Try it with the sample")
    for noun, file in zip(("models", "datasets", "datasets"), files, strict=False):
        walk.go(f"/{noun}/import")
        walk.page.locator("input[type=file]").set_input_files(str(file))
        walk.page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
        if noun == "models":
            walk.shot("import-model")
        walk.press("Import", f"/{noun}/")
        walk.page.get_by_role("heading", name="What it").wait_for()
    if files:
        walk.go("/")
    walk.page.get_by_role("link", name="New project").wait_for()
    walk.page.wait_for_function("document.querySelectorAll('.state-ready').length > 1")


def baseline(walk: Walk, dataset: str) -> str:
    """A new project with its baseline; its address."""
    walk.press("New project", "/projects/new")
    walk.page.get_by_role("combobox", name="Dataset").click()
    walk.page.get_by_role("option", name=dataset).click()
    walk.page.locator("button[aria-disabled=false]", has_text="Create and measure the baseline").wait_for()
    walk.shot("new-project")
    walk.press("Create and measure the baseline")
    walk.page.wait_for_url(re.compile(r"/projects/\d+$"), wait_until="commit")
    walk.page.wait_for_function("/[2-9]\\d %/.test(document.querySelector('.job-panel')?.innerText || '99 %')")
    walk.shot("baseline-runs")
    walk.page.locator(".job-panel").wait_for(state="detached")
    walk.drawn()
    walk.shot("project")
    return str(walk.page.url).removeprefix(walk.address).partition("?")[0]


def calibration(walk: Walk, project: str, dataset: str) -> str:
    """Optimize INT8 with the accuracy-aware method; the address of the INT8 project."""
    walk.press("Optimize")
    walk.page.get_by_role("checkbox", name="INT8").wait_for()
    walk.shot("perform-optimize")
    walk.press("Optimize", f"{project}/optimize")
    walk.page.get_by_role("combobox", name="Calibration dataset").click()
    walk.page.get_by_role("option", name=dataset).click()
    walk.page.get_by_role("radio", name="AccuracyAware").click()
    walk.page.get_by_label("Summary").get_by_text("AccuracyAware").wait_for()
    walk.shot("optimize-int8")
    walk.press("Calibrate")
    walk.page.wait_for_url(lambda url: "/projects/" in url and project not in url, wait_until="commit")
    walk.drawn()
    address = str(walk.page.url).removeprefix(walk.address).partition("?")[0]
    walk.page.get_by_role("tab", name="Search").click()
    walk.page.wait_for_function(
        "/([4-9]|\\d\\d) models tried/.test(document.body.innerText) || !document.querySelector('.job-panel')"
    )
    walk.shot("search-runs")
    walk.page.locator(".job-panel").wait_for(state="detached")
    return address


def results(walk: Walk, project: str, int8: str) -> None:
    """Every page that shows what came out."""
    pages = {
        "int8-project": int8,
        "layers": f"{int8}?tab=layers",
        "time": f"{int8}?tab=time",
        "pictures": f"{int8}?tab=pictures",
        "search": f"{int8}?tab=search",
        "export": f"{int8}?tab=export",
        "compare": f"/compare?a={project.rpartition('/')[2]}&b={int8.rpartition('/')[2]}",
        "projects": "/",
        "model": "/models/1",
        "accuracy-settings": "/models/1/accuracy",
        "dataset": "/datasets/1",
        "targets": "/targets",
        "jobs": "/jobs",
    }
    for name, path in pages.items():
        walk.go(path)
        if name == "layers":
            walk.page.locator(".ag-row", has_text="Convolution").nth(1).locator(".ag-cell").first.click()
            walk.page.get_by_label("The chosen layer").wait_for()
        if name == "accuracy-settings":
            walk.page.get_by_role("article").first.wait_for()
        walk.shot(name)


def others(walk: Walk, int8: str, suffix: str) -> None:
    """The same in the dark, or on a phone."""
    for name, path in (("int8-project", int8), ("search", f"{int8}?tab=search"), ("projects", "/")):
        walk.go(path)
        walk.shot(f"{name}-{suffix}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Walk, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=OUT)
    for name in ("model", "dataset", "calibration"):
        parser.add_argument(f"--{name}", type=Path)
    asked = parser.parse_args(arguments)
    files = [path for path in (asked.model, asked.dataset, asked.calibration) if path]
    if len(files) not in (0, 3):
        parser.error("give --model, --dataset and --calibration, or none of them")
    names = [path.stem for path in files[1:]] or ["Sample validation", "Sample calibration"]
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "data") as link, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        walk = begin(browser, link, asked.out, DESKTOP, "light")
        first_visit(walk, files)
        project = baseline(walk, names[0])
        int8 = calibration(walk, project, names[1])
        results(walk, project, int8)
        for size, scheme, suffix in ((DESKTOP, "dark", "dark"), (PHONE, "light", "phone")):
            further = begin(browser, link, asked.out, size, scheme)
            others(further, int8, suffix)
            walk.written += further.written
        browser.close()
    print("\n".join(walk.written))


def begin(browser: Any, link: str, out: Path, size: tuple[int, int], scheme: str) -> Walk:
    """A browser of its own that came by the link."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme).new_page()
    page.set_default_timeout(PATIENCE_MS)
    walk = Walk(page, link.partition("/?")[0], out)
    page.goto(link)
    walk.drawn()
    return walk


if __name__ == "__main__":
    main()

"""What a person feels of the Workbench: start, memory, how soon progress shows, many pages, jobs and projects.

    python -m benchmarks.workbench [--starts 5] [--scenes 60] [--out FILE]

One real server (`calibench serve`), one Chromium, the demo's network. No peer stands beside it: DL Workbench is no
longer to be had, and other tools of today have no server. Last it is looked at whether the command line, REST and the
pages give the same model.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.default_ptq import _commit, _versions
from calibench.client.client import Client
from calibench.demo.files import SAMPLE_SETTINGS, prepare
from calibench.machine import describe_machine
from calibench.things.asked import AskCalibration, Points

OUT = Path("benchmarks/results/workbench.json")
CACHE = Path(".cache/workbench")
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PAGES, JOBS, PROJECTS = 50, 20, 1000
WINDOW_S = 2.0
"""Until a new window of Chromium has put its own address bar together: half a second of both cores, which is none of
the page. Before 2026-11-26, 20:00 it was counted."""
MB = 1024 * 1024

WATCH = """() => {
  window.seen = [];
  const bar = document.querySelector('[aria-label="Progress"]');
  const note = () => window.seen.push([Date.now() / 1000, Number(bar.getAttribute('aria-valuenow'))]);
  new MutationObserver(note).observe(bar, {attributes: true});
}"""
"""Writes down when the bar of a job's page moves, and where to."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: psutil.Process
    link: str
    seconds: float
    """From the command to the link."""

    @property
    def address(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def rss_mb(self) -> float:
        return float(self.process.memory_info().rss) / MB


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=60, help="pictures in each of the two datasets")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="calibench-bench-") as place, sync_playwright() as playwright:
        data = Path(place) / "data"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        rows: Row = {"starts": [first_page(data, browser) for _ in range(options.starts + 1)][1:]}
        print(json.dumps(rows["starts"]), flush=True)
        with serving(data) as server, Client(server.link) as client:
            for name, found in _all(server, client, browser, options.scenes, Path(place)):
                rows[name] = found
                print(name, json.dumps(found), flush=True)
        rows["projects"] = many_projects(data, browser)
        print("projects", json.dumps(rows["projects"]), flush=True)
    result = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.workbench", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": rows,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _all(server: Server, client: Client, browser: Browser, scenes: int, place: Path) -> Iterator[tuple[str, Row]]:
    files = prepare(CACHE, scenes, print)
    yield "idle", idle(server)
    model = client.models.send(files.model)
    client.models.set_settings(model.id, SAMPLE_SETTINGS)
    calibration, validation = client.datasets.send(files.calibration), client.datasets.send(files.validation)
    project = client.projects.create(model.id, validation.id)
    yield "progress", progress(server, client, browser, project.job_id or 0, place / "data")
    yield "pages", many_pages(server, client, browser, project.id)
    yield "jobs", many_jobs(client, project.id)
    ask = AskCalibration(calibration_dataset_id=calibration.id, points=Points(seconds=0.2, rounds=1))
    rest = client.projects.calibrate(project.id, ask)
    client.wait(rest.job_id)
    client.projects.download(rest.id, place / "rest")
    pressed = press_calibrate(server, client, browser, project.id, calibration.name)
    client.projects.download(pressed, place / "pages")
    line = (
        client.projects.results.snippets(rest.id)["cli"].splitlines()[0].replace("--out int8", f"--out {place / 'cli'}")
    )
    subprocess.run([f"{Path(sys.executable).parent}/{line}"], shell=True, check=True, stderr=subprocess.DEVNULL)
    yield "same", {way: signature(place / way) for way in ("cli", "rest", "pages")}


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """A server on a free port, stopped at the end."""
    start = time.perf_counter()
    command = [str(Path(sys.executable).parent / "calibench"), "serve", "--port", "0", "--data-dir", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    link = process.stdout.readline().split()[-1]
    try:
        yield Server(psutil.Process(process.pid), link, time.perf_counter() - start)
    finally:
        process.terminate()
        process.wait(60)


def first_page(data: Path, browser: Browser) -> Row:
    """Start anew, and open the link in a browser that has nothing of it, and whose window is there."""
    with serving(data) as server:
        context = browser.new_context()
        page = context.new_page()
        page.wait_for_timeout(1000 * WINDOW_S)
        start = time.perf_counter()
        page.goto(server.link)
        page.get_by_role("heading", level=1).first.wait_for()
        seconds = time.perf_counter() - start
        context.close()
        return {"to_link_s": server.seconds, "first_page_s": seconds, "rss_mb": server.rss_mb}


def idle(server: Server) -> Row:
    """Memory, and the share of a core that doing nothing takes."""
    server.process.cpu_percent()
    time.sleep(10)
    return {"rss_mb": server.rss_mb, "cpu_percent": server.process.cpu_percent()}


def progress(server: Server, client: Client, browser: Browser, job: int, data: Path) -> Row:
    """From the line that a job writes to the bar that moves in a page."""
    page = _opened(browser, server, f"/jobs/{job}")
    page.evaluate(WATCH)
    client.wait(job)
    seen = page.evaluate("() => window.seen")
    page.context.close()
    lines = (data / "jobs" / str(job) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [event for event in map(json.loads, lines) if event["type"] == "progress"]
    delays = []
    for value in sorted({round(at, 3) for _, at in seen if 0 < at < 1}):
        told = next((event["time"] for event in events if event["progress"] >= value - 5e-4), None)
        shown = next(when for when, at in seen if at >= value - 5e-4)
        if told is not None and told >= seen[0][0]:
            delays.append(shown - told)
    return {"events": len(events), **_spread(delays)}


def many_pages(server: Server, client: Client, browser: Browser, project: int) -> Row:
    """Open pages side by side, then change a name that all of them show."""
    before, pages = server.rss_mb, []
    first = _opened(browser, server, "/projects")
    for _ in range(PAGES - 1):
        page = first.context.new_page()
        page.goto(server.address + "/projects")
        pages.append(page)
    for page in (first, *pages):
        page.get_by_role("heading", level=1).first.wait_for()
    name, start = f"renamed {time.time():.0f}", time.perf_counter()
    client.projects.rename(project, name)
    waits = []
    for page in (first, *pages):
        page.get_by_text(name).first.wait_for()
        waits.append(time.perf_counter() - start)
    found = {"pages": PAGES, "rss_mb": server.rss_mb, "grown_mb": server.rss_mb - before, "all_changed_s": max(waits)}
    first.context.close()
    return found


def many_jobs(client: Client, project: int) -> Row:
    """Queue short benchmarks; they run one after the other."""
    points = Points(seconds=0.05, rounds=1)
    ids = [client.projects.benchmark(project, points).id for _ in range(JOBS)]
    jobs = [client.wait(id) for id in ids]
    gaps = [
        (later.started - earlier.ended).total_seconds()
        for earlier, later in pairwise(jobs)
        if later.started and earlier.ended
    ]
    took = [(job.ended - job.started).total_seconds() for job in jobs if job.ended and job.started]
    return {
        "jobs": len(jobs),
        "in_order": all(gap >= 0 for gap in gaps),
        "job_s": statistics.median(took),
        "gap_s": _spread(gaps),
    }


def press_calibrate(server: Server, client: Client, browser: Browser, project: int, calibration: str) -> int:
    """The same calibration by the page Optimize INT8; the project that it makes."""
    page = _opened(browser, server, f"/projects/{project}/optimize")
    page.get_by_label("Calibration dataset").click()
    page.get_by_role("option", name=calibration).first.click()
    page.get_by_role("button", name="Calibrate", exact=True).click()
    page.wait_for_url(lambda url: "optimize" not in url)
    page.context.close()
    newest = client.projects.all()[0]
    client.wait(newest.job_id)
    return newest.id


def many_projects(data: Path, browser: Browser) -> Row:
    """List projects that are written straight into the database."""
    from calibench.store.data_folder import DataFolder
    from calibench.store.store import Store
    from calibench.things.kept import Project

    store = Store(DataFolder(data).url)
    like = store.all(Project)[-1]
    with store.together():
        for number in range(PROJECTS):
            fields = like.model_dump() | {"id": 0, "name": f"project {number}", "created": datetime.now(UTC)}
            store.add(Project.model_validate(fields | {"device": f"CPU.{number}"}))
    store.close()
    with serving(data) as server, Client(server.link) as client:
        reads = []
        for _ in range(10):
            start = time.perf_counter()
            client.connection.read("/projects", limit=100)
            reads.append(time.perf_counter() - start)
        page, start = _opened(browser, server, "/jobs"), time.perf_counter()
        page.goto(server.address + "/projects")
        page.get_by_text(f"project {PROJECTS - 1}").first.wait_for()
        seconds = time.perf_counter() - start
        page.context.close()
        return {"projects": PROJECTS, "rest_100_s": _spread(reads), "page_s": seconds, "rss_mb": server.rss_mb}


def signature(folder: Path) -> Row:
    """What must be the same, whichever way a model was asked for."""
    from calibench.reports.report import decided_view, read_report

    decided = json.dumps(decided_view(read_report(folder / "report.json")), sort_keys=True)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("model.xml", "model.bin")}
    return {**files, "decided": hashlib.sha256(decided.encode()).hexdigest()}


def _opened(browser: Browser, server: Server, path: str) -> Page:
    """A page of a new browser session, let in by the link."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(server.link)
    page.goto(server.address + path)
    page.get_by_role("heading", level=1).first.wait_for()
    return page


def _spread(values: Sequence[float]) -> Row:
    """Median, the value that one in twenty exceeds, and the largest, seconds."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0}
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"count": len(ordered), "median": statistics.median(ordered), "p95": high, "largest": ordered[-1]}


if __name__ == "__main__":
    main()

"""The model is calibrated by a real Slurm behind a login node: added by the form, waited for, cancelled in the page."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "targets"))

from shared_python import shared_python
from slurm_cluster import SlurmCluster, slurm_cluster
from ssh_server import SshServer, running_ssh_server
from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button, number_in

__all__ = ["slurm_cluster"]

pytestmark = [pytest.mark.browser, pytest.mark.root]


@dataclass(frozen=True)
class Cluster:
    """A Slurm, its login node, and the Python that its users have."""

    slurm: SlurmCluster
    login: SshServer
    python: Path

    def block(self) -> str:
        """Give both nodes to others; returns what the last of their jobs is."""
        line = ("sbatch", "--parsable", "--exclusive", "--nodes=2", "--chdir=/tmp", "--output=/dev/null")
        number = self.slurm.command(*line, "--wrap=sleep 600").strip()
        self.slurm.until(("squeue", "--noheader", f"--jobs={number}", "-o", "%T"), "RUNNING")
        return number


@pytest.fixture(scope="module")
def cluster(slurm_cluster: SlurmCluster) -> Iterator[Cluster]:
    with running_ssh_server() as login, shared_python() as python, login.environment(slurm_cluster.environment):
        yield Cluster(slurm_cluster, login, python)
        slurm_cluster.restore()


def add_the_queue(pages: WatchedPages, server: StoryServer, cluster: Cluster) -> int:
    """The check finds the queues; the form to change it offers them."""
    spec = cluster.login.spec()
    key = Path(shutil.copy(str(spec.key), server.allowed / "key-of-cluster"))
    page = pages.open("/targets/new")
    page.get_by_role("radio", name="Slurm queue").click()
    button(page, "A login node over SSH").click()
    page.get_by_label("Name", exact=True).fill("cluster")
    page.get_by_label("Machine", exact=True).fill(str(spec.host))
    page.get_by_label("User", exact=True).fill(str(spec.user))
    page.get_by_label("Port", exact=True).fill(str(spec.port))
    page.get_by_label("Private key file").fill(str(key))
    page.get_by_label("Python there").fill(str(cluster.python))
    page.get_by_label("Folder there").fill(spec.home)
    button(page, "Add and check").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("I have compared it: it is the same").click()
    button(dialog, "Trust this machine").click()
    arrive(page, "*/targets/#")
    target = number_in(page)
    page.locator(".head-of-page + .line").get_by_text("Good").wait_for()
    queues = page.get_by_role("table", name="Queues")
    queues.get_by_role("row", name="main (default), used").wait_for()
    assert "30 min" in queues.get_by_role("row", name="short").inner_text()
    button(page, "Change").click()
    arrive(page, f"*/targets/{target}/change")
    page.get_by_text("found there: main, short, closed").wait_for()
    page.get_by_label("Queue", exact=True).fill("short")
    page.get_by_label("Walltime, minutes").fill("20")
    button(page, "Save and check").click()
    arrive(page, f"*/targets/{target}")
    page.get_by_role("row", name="short, used").wait_for()
    page.locator(".head-of-page + .line").get_by_text("Good").wait_for()
    return target


def told(server: StoryServer, job: int) -> list[dict[str, Any]]:
    """What a job told of its way, in order."""
    lines = (server.data / "jobs" / str(job) / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == "progress"]


def is_one_way(events: list[dict[str, Any]], *stages: str) -> bool:
    """Does the bar only rise, and do these stages begin in this order?"""
    shares = [event["progress"] for event in events]
    begun = [next(n for n, event in enumerate(events) if event["stage"] == stage) for stage in stages]
    return shares == sorted(shares) and begun == sorted(begun)


def measure_there(pages: WatchedPages, server: StoryServer, cluster: Cluster, imported: dict[str, int]) -> int:
    """While others have the nodes, the page says what the queue says; then the bar goes its way to the numbers."""
    others = cluster.block()
    page = pages.open(f"/projects/new?model={imported['model']}&dataset={imported['dataset']}")
    page.get_by_role("radiogroup", name="Target").get_by_role("radio", name="cluster").click()
    button(page, "Create and measure the baseline").click()
    arrive(page, "*/projects/#")
    project = number_in(page)
    panel = page.locator(".job-panel")
    panel.locator(".stage-now", has_text="Queue").wait_for()
    panel.get_by_text(re.compile("Waiting in the queue of .*: Resources")).wait_for()
    cluster.slurm.command("scancel", others)
    panel.wait_for(state="detached")
    page.get_by_label("Headline").get_by_text("on 180 samples").wait_for()
    events = told(server, server.read(f"/api/v1/projects/{project}")["job_id"])
    assert is_one_way(events, "prepare", "upload", "queued", "inference", "download")
    return project


def calibrate_there(pages: WatchedPages, server: StoryServer, project: int) -> int:
    page = pages.open(f"/projects/{project}/optimize")
    page.get_by_label("Streams").fill("1")
    page.get_by_label("Seconds a measurement").fill("0.1")
    page.get_by_label("Name of the INT8 model").fill("by the queue")
    button(page, "Calibrate").click()
    arrive(page, f"{server.address}/projects/#")
    child = number_in(page)
    page.locator(".job-panel").wait_for(state="detached")
    page.get_by_label("Headline").get_by_text("INT8", exact=True).first.wait_for()
    found = server.read(f"/api/v1/projects/{child}")
    assert server.read(f"/api/v1/models/{found['model_id']}")["is_quantized"]
    assert is_one_way(told(server, found["job_id"]), "prepare", "upload", "calibrate", "inference", "download")
    return child


def cancel_while_it_waits(pages: WatchedPages, server: StoryServer, cluster: Cluster, project: int) -> None:
    """Cancel in the page ends the job in the queue too."""
    others = cluster.block()
    asked = {"name": "never", "points": {"batches": [1], "streams": [1], "seconds": 1, "rounds": 2}}
    child = server.send(f"/api/v1/projects/{project}/calibrations", asked)
    page = pages.open(f"/projects/{child['id']}")
    page.locator(".job-panel").get_by_text("Waiting in the queue").wait_for()
    assert len(cluster.slurm.jobs()) == 2
    button(page.locator(".job-panel"), "Cancel").click()
    page.get_by_text("cancelled before it was done").wait_for()
    assert cluster.slurm.jobs() == [others]


def test_a_model_is_calibrated_by_a_queue_behind_a_login_node(
    pages: WatchedPages, server: StoryServer, imported: dict[str, int], cluster: Cluster
) -> None:
    target = add_the_queue(pages, server, cluster)
    project = measure_there(pages, server, cluster, imported)
    calibrate_there(pages, server, project)
    cancel_while_it_waits(pages, server, cluster, project)
    home = cluster.login.here / "home"
    assert not list(home.glob("jobs/*")) and list(home.glob("blobs/*/*"))
    page = pages.open(f"/targets/{target}")
    button(page, "Clean").click()
    button(page.get_by_role("dialog"), "Clean").click()
    page.get_by_text("are free again").wait_for()
    assert not home.exists()

"""The model is calibrated on another machine, behind a real sshd: added and confirmed in the page, the cable pulled."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "targets"))

from shared_python import shared_python
from ssh_server import SshServer, running_ssh_server
from story_server import StoryServer
from watched_pages import WatchedPages, arrive, button, go, number_in

from calibench.targets.ssh_host_keys import fingerprint_of

pytestmark = pytest.mark.browser


@pytest.fixture
def lab() -> Iterator[SshServer]:
    with running_ssh_server() as server:
        yield server


@pytest.fixture
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


def add_the_lab(pages: WatchedPages, server: StoryServer, lab: SshServer, python: Path) -> int:
    """Nothing is kept before the fingerprint was compared; the check begins by itself."""
    spec = lab.spec()
    key = Path(shutil.copy(str(spec.key), server.allowed / "key"))
    page = pages.open("/targets")
    button(page, "Add a target").click()
    arrive(page, "*/targets/new")
    page.get_by_label("Name", exact=True).fill("lab")
    page.get_by_label("Machine", exact=True).fill(str(spec.host))
    page.get_by_label("User", exact=True).fill(str(spec.user))
    page.get_by_label("Port", exact=True).fill(str(spec.port))
    page.get_by_label("Private key file").fill(str(key))
    page.get_by_label("Python there").fill(str(python))
    page.get_by_label("Folder there").fill(spec.home)
    button(page, "Add and check").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(fingerprint_of(lab.host_key)).wait_for()
    assert button(dialog, "Trust this machine").is_disabled()
    dialog.get_by_text("I have compared it: it is the same").click()
    button(dialog, "Trust this machine").click()
    arrive(page, "*/targets/#")
    page.locator(".head-of-page + .line").get_by_text("Good").wait_for()
    page.locator("dt", has_text="Cores").wait_for()
    return number_in(page)


def measure_there(pages: WatchedPages, server: StoryServer, imported: dict[str, int], target: int) -> int:
    page = pages.open(f"/projects/new?model={imported['model']}&dataset={imported['dataset']}")
    page.get_by_role("radiogroup", name="Target").get_by_role("radio", name="lab").click()
    button(page, "Create and measure the baseline").click()
    arrive(page, "*/projects/#")
    project = number_in(page)
    page.locator(".job-panel").get_by_role("link", name="lab").wait_for()
    page.locator(".job-panel").wait_for(state="detached")
    page.get_by_label("Headline").get_by_text("on 180 samples").wait_for()
    assert server.read(f"/api/v1/projects/{project}")["target_id"] == target
    page.locator(".project-parts").get_by_role("link", name="lab, CPU").wait_for()
    return project


def calibrate_with_a_cut(pages: WatchedPages, server: StoryServer, lab: SshServer, project: int) -> int:
    """The connection is lost in the middle of the work, and the page says so until it is back."""
    asked = {"name": "there", "points": {"batches": [1], "streams": [1], "seconds": 1, "rounds": 2}}
    child = server.send(f"/api/v1/projects/{project}/calibrations", asked)
    page = pages.open(f"/projects/{child['id']}")
    panel = page.locator(".job-panel")
    panel.locator(".stage-done", has_text="Upload").wait_for()
    lab.relay.refuse()
    panel.get_by_text("was lost; trying again").wait_for()
    lab.relay.refuse(False)
    panel.wait_for(state="detached")
    page.get_by_label("Headline").get_by_text("INT8", exact=True).first.wait_for()
    job = server.read(f"/api/v1/jobs/{child['job_id']}")
    assert (job["state"], job["attempt"], job["target_id"]) == ("done", 1, child["target_id"])
    return int(child["id"])


def test_a_model_is_calibrated_on_a_machine_whose_connection_is_cut(
    pages: WatchedPages, server: StoryServer, imported: dict[str, int], lab: SshServer, python: Path
) -> None:
    target = add_the_lab(pages, server, lab, python)
    project = measure_there(pages, server, imported, target)
    child = calibrate_with_a_cut(pages, server, lab, project)
    model = server.read(f"/api/v1/projects/{child}")["model_id"]
    assert server.read(f"/api/v1/models/{model}")["is_quantized"]
    assert not list((lab.here / "home").glob("jobs/*"))
    page = pages.open(f"/targets/{target}")
    page.get_by_role("link", name=server.read(f"/api/v1/projects/{child}")["name"], exact=True).wait_for()
    button(page, "Remove").click()
    page.get_by_role("dialog").get_by_text("Delete what was measured there first").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    button(page, "Clean").click()
    button(page.get_by_role("dialog"), "Clean").click()
    page.get_by_text("are free again").wait_for()
    assert not list((lab.here / "home").glob("blobs/*/*"))
    go(page, f"{server.address}/targets")
    page.get_by_role("link", name="lab", exact=True).wait_for()

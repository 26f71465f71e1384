"""Targets in a real browser: listed, added with a confirmed host key, changed, cleaned, removed, chosen, compared."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from canned_things import HOST_KEY, NEW_HOST_KEY
from page_site import PHONE, Site, becomes, fits

from calibench.targets.ssh_host_keys import fingerprint_of

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def fill_host(page: Any, name: str, host: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Machine", exact=True).fill(host)


def test_targets_are_listed_with_their_state_features_and_load(open_page: OpenPage) -> None:
    page = open_page("/targets")
    rows = page.locator(".listing tbody tr")
    first, lab, rack = (rows.nth(number).inner_text() for number in (0, 1, 3))
    assert all(word in first for word in ("This machine", "Good", "VNNI", "37 %", "12.1 GB free", "idle"))
    assert all(word in lab for word in ("ssh://ana@lab.example:22", "neither VNNI nor AMX", "1 running, 1 queued"))
    assert "Faults" in rack and "does not answer" in rack
    assert "Not checked" in rows.nth(5).inner_text()
    cluster, moved = (rows.nth(number).inner_text() for number in (2, 4))
    assert "3 of 12 nodes idle" in cluster and "1 h 2 min ago" in cluster
    assert "70 %" in moved and "cannot be reached now, seen 3 min 10 s ago" in moved
    assert "cannot be reached now" in rack and "seen" not in rack


@pytest.mark.parametrize(("path", "words"), [("/targets", "{} s ago"), ("/targets/2", "Seen {} s ago.")])
def test_the_load_of_another_machine_goes_on_with_its_age(open_page: OpenPage, path: str, words: str) -> None:
    page = open_page(path)
    later = page.get_by_text(re.compile(re.escape(words).replace(re.escape("{}"), "([3-9]|[1-9][0-9])")))
    later.first.wait_for()


def test_the_page_of_a_target_says_how_busy_it_is_and_why_it_cannot_be_told(open_page: OpenPage) -> None:
    page = open_page("/targets/2")
    page.get_by_text("Load 2.4 of 8 cores in the last minute. 9.4 GB of memory").wait_for()
    assert page.get_by_role("progressbar", name="Processor").get_attribute("aria-valuenow") == "0.3"
    page = open_page("/targets/3")
    page.get_by_text("3 of 12 nodes idle.").wait_for()
    assert page.get_by_role("progressbar", name="Processor").count() == 0
    page = open_page("/targets/5")
    page.get_by_text("It cannot be reached now: WARNING: ssh://moved.example:22: its host key has changed").wait_for()


def test_where_this_machine_is_alone_the_page_says_what_a_target_is_for(open_page: OpenPage, site: Site) -> None:
    site.fill(is_empty="true")
    page = open_page("/targets")
    page.get_by_text("A target is where models are measured and calibrated").wait_for()
    page.get_by_role("link", name="Add a target").click()
    page.wait_for_url("**/targets/new")


def test_a_host_key_is_trusted_only_after_a_person_has_compared_it(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/new")
    fill_host(page, "new lab", "new.example")
    press(page, "Add and check")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(fingerprint_of(HOST_KEY)).wait_for()
    trust = dialog.get_by_role("button", name="Trust this machine")
    assert trust.is_disabled()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert not any("add target" in call for call in site.calls())
    press(page, "Add and check")
    page.get_by_role("dialog").get_by_text("I have compared it").click()
    page.get_by_role("dialog").get_by_role("button", name="Trust this machine").click()
    page.wait_for_url("**/targets/7")
    page.get_by_label("Check", exact=True).get_by_role("progressbar").wait_for()
    (added,) = [call for call in site.calls() if "add target" in call]
    assert HOST_KEY in added
    assert "('check target', 7)" in site.calls()


def test_a_host_that_known_hosts_knows_is_added_without_a_question(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/new")
    fill_host(page, "known lab", "known.example")
    press(page, "Add and check")
    page.wait_for_url("**/targets/7")
    assert "as known_hosts of the server's machine has it" in page.locator("main").inner_text()


def test_the_result_of_a_check_appears_without_a_reload(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/6")
    page.get_by_text("It was not looked at yet.").wait_for()
    press(page, "Check")
    page.get_by_label("Check", exact=True).wait_for()
    job = site.get("/fake/jobs")[-1]
    fault = {"cause": "disk", "sentence": "workers: no room.", "mend": "Free some room there, run `target clean`."}
    site.post("/fake/targets/6/change", {"state": "faulty", "faults": [fault]})
    site.post(f"/fake/job/{job}", {"state": "done"})
    page.get_by_role("alert").get_by_text("workers: no room.").wait_for()
    page.get_by_text("clean the target on its page").wait_for()


def test_wrong_values_stand_beside_their_fields(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/new")
    press(page, "Add and check")
    page.get_by_text("Give it a name.").wait_for()
    page.get_by_text("Name the machine.").wait_for()
    fill_host(page, "lab", "me@lab")
    page.get_by_label("Private key file").fill("id_rsa")
    press(page, "Add and check")
    page.get_by_text("user and port have fields of their own").wait_for()
    page.get_by_text("Give the whole path").wait_for()
    page.get_by_label("Private key file").fill("")
    page.get_by_label("Machine", exact=True).fill("gone.example")
    press(page, "Add and check")
    page.get_by_text("does not answer within 10 s").wait_for()
    page.get_by_label("Machine", exact=True).fill("known.example")
    press(page, "Add and check")
    page.get_by_text("There is a target 'lab' already").wait_for()
    assert not any("add target" in call for call in site.calls())


def test_a_queue_is_added_here_or_behind_a_login_node(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/new")
    page.get_by_role("radio", name="Slurm queue").click()
    page.get_by_label("Walltime, minutes").wait_for()
    assert page.get_by_label("Machine", exact=True).count() == 0
    press(page, "A login node over SSH")
    page.get_by_label("Machine", exact=True).wait_for()
    press(page, "This machine submits")
    page.get_by_label("Machine", exact=True).wait_for(state="detached")
    page.get_by_label("Name", exact=True).fill("own queue")
    page.get_by_label("Walltime, minutes").fill("90")
    page.get_by_label("Queue", exact=True).fill("short")
    press(page, "Add and check")
    page.wait_for_url("**/targets/7")
    (added,) = [call for call in site.calls() if "add target" in call]
    assert "walltime_s=5400" in added and "queue='short'" in added


def test_a_cluster_of_other_machines_is_added_by_the_owner_whose_command_is_said_at_once(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/targets/new?kind=dask")
    press(page, "Machines over SSH")
    command = page.get_by_label("Command for the owner of the server", exact=True)
    unsaid = "calibench target add NAME dask ssh://me@lab1 ssh://me@lab2 --data-dir /srv/calibench"
    becomes(command.inner_text, unsaid)
    assert page.get_by_role("button", name="Add and check").count() == 0
    page.get_by_label("Name", exact=True).fill("my farm")
    page.get_by_label("Machines", exact=True).fill("ssh://me@lab7")
    page.get_by_label("Workers", exact=True).fill("4")
    page.get_by_label("Private key file").fill("/keys/lab")
    said = "calibench target add 'my farm' dask ssh://me@lab7 --key /keys/lab --workers 4 --data-dir /srv/calibench"
    becomes(command.inner_text, said)
    press(page, "A scheduler that runs")
    becomes(lambda: "dask tls://head:8786" in command.inner_text(), True)
    press(page, "Slurm")
    command.wait_for(state="detached")
    page.get_by_role("button", name="Add and check").wait_for()
    assert not any("add target" in call for call in site.calls())


def test_a_cluster_out_of_a_queue_is_added_here_or_behind_a_login_node(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/new?kind=dask")
    page.get_by_label("Name", exact=True).fill("many")
    press(page, "A login node over SSH")
    page.get_by_label("Machine", exact=True).fill("known.example")
    page.get_by_label("Workers", exact=True).fill("8")
    press(page, "Add and check")
    page.wait_for_url("**/targets/7")
    (added,) = [call for call in site.calls() if "add target" in call]
    assert all(words in added for words in ("kind='dask'", "worker_queue='slurm'", "host='known.example'", "workers=8"))


def test_machines_of_a_cluster_are_shown_and_stay_when_it_is_changed(open_page: OpenPage, site: Site) -> None:
    hosts = [{"host": "lab1", "host_key": HOST_KEY}]
    site.post("/fake/targets/6/change", {"kind": "dask", "spec": {"kind": "dask", "hosts": hosts}})
    page = open_page("/targets/6/change")
    page.get_by_text("only the owner of the server changes that").wait_for()
    assert page.get_by_label("Machines", exact=True).get_attribute("readonly") is not None
    assert page.get_by_role("button", name="A scheduler that runs").count() == 0
    page.get_by_label("Workers", exact=True).fill("3")
    press(page, "Save and check")
    page.wait_for_url("**/targets/6")
    (changed,) = [call for call in site.calls() if "change target" in call]
    assert HOST_KEY in changed and "workers=3" in changed


def test_queues_that_were_found_are_offered_when_a_target_is_changed(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/3")
    page.get_by_role("table", name="Queues").get_by_text("12, 3 free").wait_for()
    page.get_by_role("link", name="Change").click()
    page.wait_for_url("**/targets/3/change")
    page.get_by_text("found there: short, long").wait_for()
    assert page.get_by_label("Walltime, minutes").input_value() == "90"
    page.get_by_label("Queue", exact=True).fill("long")
    press(page, "Save and check")
    page.wait_for_url("**/targets/3")
    (changed,) = [call for call in site.calls() if "change target" in call]
    assert "queue='long'" in changed
    assert "('check target', 3)" in site.calls()


def test_a_changed_host_key_is_a_warning_and_is_trusted_only_by_a_person(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/5")
    page.get_by_role("alert").get_by_text("its host key has changed").wait_for()
    press(page, "Look at the new key")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(fingerprint_of(NEW_HOST_KEY)).wait_for()
    assert fingerprint_of(HOST_KEY) in dialog.inner_text()
    assert not any("change target" in call for call in site.calls())
    dialog.get_by_text("I have compared it").click()
    dialog.get_by_role("button", name="Trust the new key").click()
    dialog.wait_for(state="hidden")
    (changed,) = [call for call in site.calls() if "change target" in call]
    assert NEW_HOST_KEY in changed
    assert "('check target', 5)" in site.calls()


def test_cleaning_asks_and_says_how_much_it_freed(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/2")
    press(page, "Clean")
    page.get_by_role("dialog").get_by_text("Results are here and stay.").wait_for()
    said = "It keeps 312 MB: environments 300 MB, files that were sent 12.0 MB, what is left of jobs 0 B."
    page.get_by_role("dialog").get_by_text(said).wait_for()
    assert not any("clean target" in call for call in site.calls())
    page.get_by_role("dialog").get_by_role("button", name="Clean").click()
    page.get_by_text("lab: 312 MB are free again.").wait_for()


def test_who_leaves_the_dialog_of_a_cleaning_is_told_all_the_same(open_page: OpenPage, site: Site) -> None:
    page = open_page("/targets/2")
    press(page, "Clean")
    page.get_by_role("dialog").get_by_role("button", name="Clean").click()
    page.get_by_text("lab is being cleaned").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("lab: 312 MB are free again.").wait_for()


def test_removing_asks_and_says_what_prevents_it(open_page: OpenPage, site: Site) -> None:
    site.fill(is_elsewhere="true")
    page = open_page("/targets/2")
    press(page, "Remove")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("was used by the project").wait_for()
    assert dialog.get_by_role("button", name="Remove").is_disabled()
    page.goto(site.address + "/targets/4")
    press(page, "Remove")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.wait_for_url("**/targets")
    assert "('delete target', 4)" in site.calls()


def test_a_new_project_is_made_on_the_chosen_target_and_not_on_one_with_faults(open_page: OpenPage, site: Site) -> None:
    page = open_page("/projects/new?model=1&dataset=1")
    group = page.get_by_role("radiogroup", name="Target")
    assert group.get_by_role("radio", name="This machine").is_checked()
    assert group.get_by_role("radio", name="rack").get_attribute("aria-disabled") == "true"
    group.get_by_text("does not answer within 10 s").wait_for()
    group.get_by_role("radio", name="lab").click()
    page.wait_for_function("location.search.includes('target=2')")
    press(page, "Create and measure the baseline")
    (created,) = site.asked("create project")
    assert "target_id=2" in created


def test_a_job_on_another_machine_shows_its_stages_bytes_and_notes(open_page: OpenPage, site: Site) -> None:
    site.fill(is_elsewhere="true")
    page = open_page("/jobs/13")
    panel = page.get_by_label("Progress of the job")
    panel.get_by_text("upload, 18.0 of 46.8 MB").wait_for()
    panel.get_by_role("link", name="lab").wait_for()
    now = panel.locator(".stage-now")
    assert now.inner_text() == "Upload"
    lost = "The connection to lab was lost; trying again. Reset by peer."
    site.tell("job", 13, "progress", stage="upload", progress=0.06, note=lost)
    panel.get_by_text(lost).wait_for()
    site.tell("job", 13, "progress", stage="calibrate", progress=0.4)
    panel.get_by_text(lost).wait_for(state="hidden")
    panel.get_by_text("40 % · calibrate").wait_for()
    site.tell("job", 13, "progress", stage="upload", progress=0.05, done=1, total=2)
    panel.get_by_text("40 % · upload").wait_for()
    assert now.inner_text() == "Calibrate"


def test_machines_are_compared_on_the_page_of_a_model_and_projects_across_targets(
    open_page: OpenPage, site: Site
) -> None:
    site.fill(is_elsewhere="true")
    page = open_page("/models/1")
    table = page.get_by_role("table", name="The model on several targets")
    table.get_by_text("INT8 does not pay here: ").wait_for()
    assert "3.24x" in table.inner_text() and "1.03x" in table.inner_text()
    press(page, "Measure on other machines")
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("checkbox", name="rack").is_disabled()
    dialog.get_by_role("checkbox", name="cluster").click()
    dialog.get_by_role("button", name="Measure").click()
    page.get_by_text("It is being measured on 1 further target").wait_for()
    assert any("'measure elsewhere', 1, [3]" in call for call in site.calls())
    page.goto(site.address + "/projects/1")
    page.get_by_text("The same on").wait_for()
    page.get_by_role("link", name="Compare with lab").click()
    page.wait_for_url("**/compare?a=1&b=20")
    page.get_by_text("A on This machine, CPU; B on lab, CPU").wait_for()
    assert page.get_by_role("combobox", name="B").input_value().endswith(", on lab")


@pytest.mark.parametrize("path", ["/targets", "/targets/new", "/targets/3", "/targets/5", "/targets/3/change"])
def test_pages_of_targets_fit_a_phone(open_page: OpenPage, path: str) -> None:
    page = open_page(path, size=PHONE)
    assert fits(page)

"""`calibench target`: targets of a data folder, added, listed, checked, cleaned and removed."""

import json

import pytest
import typer

from calibench.errors import TargetError
from calibench.targets import target_cache, target_check
from calibench.things.kept import Cleaned, Fault, HostKey, Target, TargetCache
from calibench.things.target_spec import TargetSpec

KEY = HostKey(key="ssh-ed25519 AAAAC3Nz", fingerprint="SHA256:abc", kind="ssh-ed25519")
MACHINE = {
    "home": "/home/me/.cache/calibench", "cpu": "A CPU", "flags": ["avx512_vnni"], "physical_cores": 4,
    "logical_cores": 8, "memory_mb": 2048, "memory_free_mb": 1024, "disk_free_mb": 3072, "system": "Linux",
    "python": "3.11.2", "load": [0.5, 0.4, 0.3], "calibench": None,
}  # fmt: skip


@pytest.fixture
def target(run, tmp_path):
    """Run `calibench target ...` on a data folder of its own."""
    return lambda command, *words: run("target", command, *words, "--data-dir", tmp_path / "data")


@pytest.fixture
def lab(monkeypatch):
    """A machine that answers as a test says: what a check finds, and what was asked."""

    class Lab:
        found = {"machine": MACHINE, "faults": ()}
        key = KEY
        asked: list[TargetSpec] = []
        cleaned = 0

    async def check(spec, passphrase=None):
        Lab.asked.append(spec)
        return Lab.found

    async def offered(spec):
        return Lab.key

    async def clean(spec, passphrase=None):
        Lab.cleaned += 1
        return Cleaned(freed_bytes=5_000_000, jobs_kept=2)

    async def cache(spec, passphrase=None):
        return TargetCache(environments_bytes=4_000_000, files_bytes=900_000, jobs_bytes=100_000)

    monkeypatch.setattr(target_cache, "cache_of", cache)
    for name, function in (("check_target", check), ("offered_key", offered), ("clean_target", clean)):
        monkeypatch.setattr(target_check, name, function)
    Lab.asked = []
    return Lab


def test_a_machine_is_added_listed_and_removed(target, lab):
    lab.key = KEY.model_copy(update={"is_known": True})
    added = target("add", "lab", "ssh://me@lab:2222", "--python", "python3.12")
    assert (added.exit_code, "calibench target check lab" in added.stdout) == (0, True)
    rows = json.loads(target("list", "--json").stdout)
    assert [row["name"] for row in rows] == ["This machine", "lab"]
    assert (rows[1]["spec"]["python"], rows[1]["spec"]["host_key"], rows[1]["state"]) == (
        "python3.12",
        None,
        "unchecked",
    )
    assert "ssh://me@lab:2222" in target("list").stdout
    assert target("remove", "LAB").exit_code == 0
    assert len(json.loads(target("list", "--json").stdout)) == 1


def test_a_queue_takes_what_its_jobs_ask_for(target):
    made = target("add", "q", "slurm", "--queue", "main", "--node-type", "amx", "--walltime", "1h30m", "--cores", "4",
                  "--memory", "2000", "--account", "us", "--json")  # fmt: skip
    queue = json.loads(made.stdout)["spec"]["queue"]
    assert queue == {"queue": "main", "node_type": "amx", "walltime_s": 5400, "cores": 4, "memory_mb": 2000,
                     "account": "us"}  # fmt: skip


def test_a_host_that_nobody_confirmed_is_not_added_without_a_terminal(target, lab):
    refused = target("add", "lab", "ssh://me@lab")
    assert refused.exit_code == 2
    assert "SHA256:abc" in refused.stderr and "--host-key 'ssh-ed25519 AAAAC3Nz'" in refused.stderr
    assert target("add", "lab", "ssh://me@lab", "--host-key", KEY.key).exit_code == 0


@pytest.mark.parametrize(("is_right", "code", "kept"), [(True, 0, 2), (False, 130, 1)])
def test_a_person_confirms_the_fingerprint_on_a_terminal(target, lab, monkeypatch, is_right, code, kept):
    monkeypatch.setattr("calibench.cli.host_key_question.is_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_words, **_more: is_right)
    answered = target("add", "lab", "ssh://me@lab")
    assert (answered.exit_code, "SHA256:abc" in answered.stderr) == (code, True)
    rows = json.loads(target("list", "--json").stdout)
    assert len(rows) == kept
    assert all(row["spec"]["host_key"] == KEY.key for row in rows[1:])


def test_what_is_no_address_or_a_taken_name_is_refused(target):
    assert target("add", "x", "ftp://me@lab").exit_code == 2
    assert target("add", "this machine", "slurm").exit_code == 2
    unknown = target("check", "nobody")
    assert (unknown.exit_code, "Known: This machine" in unknown.stderr) == (2, True)


def test_a_check_tells_what_it_is(target, lab):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key)
    checked = target("check", "lab")
    assert checked.exit_code == 0
    for words in ("reachable  yes", "the one that was confirmed", "3.11.2; Calibench is brought", "3.2 GB free at",
                  "VNNI: INT8 runs at full speed; no AMX", "4 physical, 8 logical; load 0.5", "1.1 of 2.1 GB",
                  "It is ready."):  # fmt: skip
        assert words in checked.stdout
    assert lab.asked[0].host == "lab"
    assert json.loads(target("list", "--json").stdout)[1]["state"] == "good"


def test_faults_come_with_their_mend_and_an_exit_code(target, lab):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key)
    fault = Fault(cause="python", sentence="me@lab: its Python is 3.9.2, too old.", mend="Install Python 3.11.")
    lab.found = {"machine": MACHINE, "faults": (fault,)}
    checked = target("check", "lab")
    assert (checked.exit_code, "reachable  yes" in checked.stdout) == (1, True)
    assert "Fault: me@lab: its Python is 3.9.2, too old. Install Python 3.11." in checked.stdout
    lab.found = {
        "machine": None,
        "faults": (target_check.as_fault(TargetError("lab: refused. Is it on?"), "unreachable"),),
    }
    away = target("check", "lab", "--json")
    assert (away.exit_code, json.loads(away.stdout)["faults"][0]["mend"]) == (1, "Is it on?")
    assert "reachable  no" in target("check", "lab").stdout


def test_queues_are_told(target, lab):
    target("add", "q", "slurm", "--queue", "main", "--walltime", "30m", "--cores", "4")
    queue = {"name": "main", "is_default": True, "state": "up", "nodes": 2, "idle": 1, "walltime_s": 7200,
             "features": ["amx"]}  # fmt: skip
    lab.found = {"machine": {**MACHINE, "queues": [queue]}, "faults": ()}
    checked = target("check", "q").stdout
    assert "queue      main (default): up, 2 nodes, 1 idle, at most 2 h, node types amx" in checked
    assert "asks for   queue main, 4 cores, 30 min" in checked
    target("add", "p", "pbs")
    queue |= {"nodes": 1, "walltime_s": 1800, "features": []}
    checked = target("check", "p").stdout
    assert "queue      main (default): up, 1 node, 1 idle, at most 30 min\n" in checked
    assert "asks for   the default queue, 1 core, as long as the queue lets them" in checked


def test_it_is_cleaned_but_not_this_machine(target, lab):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key)
    assert "5.0 MB are free again" in target("clean", "lab").stdout
    assert json.loads(target("clean", "lab", "--json").stdout) == {"freed_bytes": 5_000_000, "jobs_kept": 2}
    assert target("clean", "This machine").exit_code == 1


def test_what_a_cleaning_would_remove_is_said_and_asked_for_on_a_terminal(target, lab, monkeypatch):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key)
    told = "lab: 5.0 MB: environments 4.0 MB, files that were sent 0.9 MB, what is left of jobs 0.1 MB.\n"
    assert target("clean", "lab", "--dry-run").stdout == told
    assert json.loads(target("clean", "lab", "--dry-run", "--json").stdout)["files_bytes"] == 900_000
    monkeypatch.setattr("calibench.cli.host_key_question.is_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_words, **_more: False)
    refused = target("clean", "lab")
    assert (refused.exit_code, refused.stderr) == (130, f"{told}Nothing was removed.\n")
    assert lab.cleaned == 0
    assert "5.0 MB are free again" in target("clean", "lab", "--yes").stdout
    monkeypatch.setattr(typer, "confirm", lambda *_words, **_more: True)
    assert "5.0 MB are free again" in target("clean", "lab").stdout
    assert lab.cleaned == 2
    assert target("clean", "This machine", "--dry-run").exit_code == 1


def test_what_is_changed_is_unchecked_and_the_rest_stays(target, lab):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key, "--python", "python3.12")
    target("check", "lab")
    changed = json.loads(target("change", "LAB", "--name", "box", "--json").stdout)
    assert (changed["name"], changed["state"]) == ("box", "good")
    changed = json.loads(target("change", "box", "--home", "/scratch/me", "--json").stdout)
    assert (changed["spec"]["home"], changed["spec"]["python"], changed["state"]) == (
        "/scratch/me", "python3.12", "unchecked")  # fmt: skip
    assert changed["spec"]["host_key"] == KEY.key
    assert "calibench target check box" in target("change", "box", "ssh://other@lab").stdout  # the host is the same
    nothing = target("change", "box")
    assert (nothing.exit_code, "nothing to change was given" in nothing.stderr) == (2, True)
    assert target("change", "nobody", "--name", "x").exit_code == 2
    assert target("change", "This machine", "slurm").exit_code == 1


def test_another_host_shows_its_key_before_a_target_is_changed_to_it(target, lab):
    target("add", "lab", "ssh://me@lab", "--host-key", KEY.key)
    refused = target("change", "lab", "ssh://me@other")
    assert (refused.exit_code, "ssh://me@other: nobody has confirmed" in refused.stderr) == (2, True)
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjTN9yCNvB5yQ3OE0pfSOTHfBEcYTmjG5HWZX2MHkkn"
    changed = json.loads(target("change", "lab", "ssh://me@other", "--host-key", other, "--json").stdout)
    assert (changed["spec"]["host"], changed["spec"]["host_key"]) == ("other", other)
    changed = json.loads(target("change", "lab", "--host-key", KEY.key, "--json").stdout)  # it was set up anew
    assert changed["spec"]["host_key"] == KEY.key


def test_of_several_hosts_only_a_new_one_shows_its_key(target, lab, monkeypatch):
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjTN9yCNvB5yQ3OE0pfSOTHfBEcYTmjG5HWZX2MHkkn"
    added = target("add", "farm", "dask", "ssh://me@a", "ssh://me@b", "--host-key", KEY.key, "--host-key", other)
    assert added.exit_code == 0, added.stderr
    refused = target("change", "farm", "dask", "ssh://me@a", "ssh://me@c")
    assert (refused.exit_code, refused.stderr.count("nobody has confirmed")) == (2, 1)
    assert "ssh://me@c" in refused.stderr
    monkeypatch.setattr("calibench.cli.host_key_question.is_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_words, **_more: True)
    lab.key = KEY.model_copy(update={"key": other})
    changed = target("change", "farm", "dask", "ssh://me@a", "ssh://me@c", "--workers", "3", "--json")
    spec = json.loads(changed.stdout)["spec"]
    assert [(host["host"], host["host_key"]) for host in spec["hosts"]] == [("a", KEY.key), ("c", other)]
    assert spec["workers"] == 3


def test_a_queue_keeps_what_its_jobs_ask_for_until_it_is_none_any_more(target):
    target("add", "q", "slurm", "--queue", "main", "--cores", "4")
    changed = json.loads(target("change", "q", "pbs", "--walltime", "2h", "--json").stdout)["spec"]
    assert (changed["kind"], changed["queue"]["queue"], changed["queue"]["cores"]) == ("pbs", "main", 4)
    assert changed["queue"]["walltime_s"] == 7200
    changed = target("change", "q", "ssh://me@lab", "--host-key", KEY.key, "--json")
    assert json.loads(changed.stdout)["spec"]["queue"]["queue"] is None


def test_files_of_a_server_are_named_whole(target, run):
    refused = run("target", "add", "lab", "ssh://me@lab", "--key", "id_lab", "--server", "http://127.0.0.1:9")
    assert refused.exit_code == 2
    assert "--key id_lab with --server: is a file of the server's machine. Give its whole path." in refused.stderr


def test_a_server_may_run_on_the_folder_meanwhile(target, tmp_path):
    from calibench.store.data_folder import DataFolder
    from calibench.store.store import Store

    folder = DataFolder(tmp_path / "data")
    folder.make()
    folder.lock()
    store = Store(folder.url)
    store.hold()
    try:
        assert target("add", "q", "slurm").exit_code == 0
        assert [each.name for each in store.all(Target)] == ["q", "This machine"]
    finally:
        store.close()
        folder.unlock()


def test_a_walltime_that_is_too_short_for_a_warning_is_said(target, lab):
    for walltime, is_said in (("2m", True), ("3m", False)):
        added = target("add", f"q{walltime}", "slurm", "--walltime", walltime)
        lab.found = {"machine": MACHINE, "faults": ()}
        for said in (added.stdout, target("check", f"q{walltime}").stdout):
            assert ("too short for the queue to warn a job" in said) is is_said


def test_each_machine_of_a_cluster_has_a_key_of_its_own(target, lab):
    machines = ("add", "farm", "dask", "ssh://me@a", "ssh://b:2222", "--workers", "2")
    refused = target(*machines)
    assert refused.exit_code == 2 and "ssh://me@a:22: nobody has confirmed its host key" in refused.stderr
    refused = target(*machines, "--host-key", KEY.key)
    assert refused.exit_code == 2 and "--host-key: 1 given, and 2 hosts" in refused.stderr
    made = target(*machines, "--host-key", KEY.key, "--host-key", "ssh-ed25519 AAAAC3Nw", "--json")
    spec = json.loads(made.stdout)["spec"]
    assert [(host["host"], host["port"], host["host_key"]) for host in spec["hosts"]] == [
        ("a", 22, KEY.key), ("b", 2222, "ssh-ed25519 AAAAC3Nw"),
    ]  # fmt: skip
    assert spec["workers"] == 2


def test_what_a_check_of_a_cluster_saw_is_told_by_machine_and_by_worker(target, lab):
    target("add", "farm", "dask", "slurm", "--workers", "2")
    lab.found = {"machine": {"hosts": [{"address": "ssh://a:22", **MACHINE}, {"address": "ssh://b:22"}],
                             "workers": [{"address": "tls://c:1", "build": {"OpenVINO": "1"}, "error": ""}]},
                 "faults": ()}  # fmt: skip
    shown = target("check", "farm").stdout
    assert "ssh://a:22: A CPU (avx512_vnni), 4 cores; load 0.5, 1.1 of 2.1 GB free" in shown
    assert "ssh://b:22: not seen" in shown and "tls://c:1: OpenVINO 1" in shown


def test_an_option_is_taken_back(target):
    target("add", "hpc", "slurm", "--queue", "q", "--memory", "1000", "--node-type", "amx", "--python", "python3.12")
    changed = target("change", "hpc", "--reset", "memory", "--reset", "node-type", "--reset", "python", "--cores", "4")
    assert changed.exit_code == 0, changed.stderr
    assert target("change", "hpc", "--reset", "cores").exit_code == 0
    assert target("change", "hpc", "--cores", "4").exit_code == 0
    shown = json.loads(target("list", "--json").stdout)[1]["spec"]
    queue = shown["queue"]
    assert (queue["memory_mb"], queue["node_type"], queue["cores"], queue["queue"]) == (None, None, 4, "q")
    assert shown["python"] == "python3"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("change", "hpc", "--reset", "colour"), "--reset colour: is not known. Known: key, python"),
        (("change", "hpc", "--reset", "cores", "--cores", "2"), "--reset cores: is given as well"),
        (("add", "lab", "ssh://me@lab", "--key", "/no/such/key"), "--key /no/such/key: there is no such file"),
        (("add", "lab", "ssh://me@lab", "--wheels", "/no/wheels"), "--wheels /no/wheels: there is no such file"),
    ],
)
def test_what_cannot_be_set_or_taken_back_is_refused(target, words, said):
    target("add", "hpc", "slurm")
    refused = target(*words)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr

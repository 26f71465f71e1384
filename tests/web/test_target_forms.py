"""What the form of a target means, where a job on another machine is, why INT8 does not pay; without a browser."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from canned_things import HOST_KEY, targets
from fake_workbench import FakeWorkbench

from calibench.errors import SettingsError
from calibench.store.data_folder import usual_place
from calibench.targets.remote_record import NOT_REMOVED
from calibench.things.kept import Job, Target
from calibench.things.target_spec import QueueSettings, TargetSpec
from calibench.web.job_page import left_there
from calibench.web.job_stages import bytes_words, line_words, place_of, stages_of
from calibench.web.measured_elsewhere import other_targets
from calibench.web.owner_command import owner_command
from calibench.web.page_words import in_page
from calibench.web.project_job import failure_words
from calibench.web.target_choice import card_words, first_target, hindrance_of
from calibench.web.target_fields import entries_of, field_of, meant, way_of
from calibench.web.target_form import offered
from calibench.web.target_looks import int8_features


def named(name: str) -> Target:
    return next(each for each in targets() if each.name == name)


def test_entries_of_an_ssh_machine_become_a_target_and_come_back() -> None:
    entries = {"host": " lab.example ", "user": "ana", "port": 2222.0, "key": "/keys/id", "python": "", "home": ""}
    spec, faults = meant("ssh", True, entries)
    assert faults == {}
    assert spec is not None
    assert (spec.host, spec.user, spec.port, str(spec.key)) == ("lab.example", "ana", 2222, "/keys/id")
    assert (spec.python, spec.home) == (TargetSpec().python, TargetSpec().home)
    assert meant("ssh", True, entries_of(spec)) == (spec, {})


def test_a_queue_here_has_no_host_and_its_minutes_are_seconds() -> None:
    spec, faults = meant("slurm", False, {"host": "left over", "queue.queue": "short", "queue.walltime_s": 90.0})
    assert faults == {}
    assert spec is not None
    assert (spec.host, spec.queue) == (None, QueueSettings(queue="short", walltime_s=5400))
    assert entries_of(spec)["queue.walltime_s"] == 90


@pytest.mark.parametrize(
    ("way", "entries", "address"),
    [
        ("hosts", {"hosts": "ssh://me@a ssh://b:2222", "workers": 2.0}, "dask ssh://me@a:22 ssh://b:2222"),
        ("slurm", {"queue.queue": "short", "workers": 8.0, "hosts": "ssh://left-over"}, "dask slurm"),
        ("pbs", {"host": "login", "workers": 8.0}, "dask pbs ssh://login:22"),
        ("scheduler", {"scheduler": "tls://head:8786", "workers": 8.0}, "tls://head:8786"),
    ],
)
def test_a_cluster_is_one_of_three_and_comes_back(way: Any, entries: dict[str, Any], address: str) -> None:
    spec, faults = meant("dask", "host" in entries, entries, way)
    assert faults == {}
    assert spec is not None
    assert (spec.address, way_of(spec)) == (address, way)
    assert meant("dask", "host" in entries, entries_of(spec), way) == (spec, {})


def test_machines_of_a_cluster_that_are_no_addresses_are_said_of_their_field() -> None:
    for entry, words in (("", "Name the machines"), ("lab1 lab2", "not an address"), ("ssh://a:0", "no host")):
        spec, faults = meant("dask", True, {"hosts": entry}, "hosts")
        assert spec is None
        assert words in faults["hosts"]


@pytest.mark.parametrize(
    ("kind", "entries", "field", "words"),
    [
        ("ssh", {}, "host", "Name the machine."),
        ("ssh", {"host": "ana@lab"}, "host", "fields of their own"),
        ("ssh", {"host": "lab", "port": 70_000.0}, "port", "65535"),
        ("ssh", {"host": "lab", "key": "id_rsa"}, "key", "whole path"),
        ("pbs", {"host": "lab", "queue.cores": 0.0}, "queue.cores", "1"),
        ("pbs", {"host": "lab", "queue.walltime_s": 0.5}, "queue.walltime_s", "1 minute"),
        ("dask", {}, "scheduler", "tls://"),
        ("dask", {"scheduler": "head:8786"}, "scheduler", "TLS"),
    ],
)
def test_a_wrong_value_is_said_of_its_field(kind: Any, entries: dict[str, Any], field: str, words: str) -> None:
    spec, faults = meant(kind, True, entries)
    assert spec is None
    assert set(faults) == {field}
    assert words in faults[field]


def test_what_the_workbench_refuses_stands_beside_the_field_that_it_names() -> None:
    assert field_of(SettingsError("name: there is a target 'lab' already.")) == (
        "name",
        "There is a target 'lab' already.",
    )
    assert field_of(SettingsError("spec.host: no host is named.")) == ("host", "No host is named.")
    assert field_of(SettingsError("lab: does not answer.")) == ("", "lab: does not answer.")


def test_a_queue_is_not_judged_by_its_login_node() -> None:
    cluster = named("cluster")
    assert cluster.machine is not None and "cpu" in cluster.machine
    assert card_words(cluster).startswith("Slurm queue")
    assert cluster.machine["cpu"] not in card_words(cluster)
    assert "VNNI" not in card_words(cluster)


def test_queues_and_node_types_that_a_check_found_are_offered() -> None:
    cluster = named("cluster")
    assert offered(cluster, "queue.queue") == ["short", "long"]
    assert offered(cluster, "queue.node_type", "long") == ["amx"]
    assert offered(cluster, "queue.node_type") == ["amx", "avx512_vnni", "skylake"]
    assert offered(None, "queue.queue") == offered(cluster, "queue.account") == []


def test_a_target_with_faults_cannot_be_chosen_and_says_why() -> None:
    rack = named("rack")
    assert "does not answer" in hindrance_of(rack)
    assert first_target(targets(), rack.id) == 1
    assert first_target(targets(), named("lab").id) == 2
    assert first_target(targets(), None) == 1
    assert hindrance_of(named("workers")) == ""


def test_a_carried_job_goes_through_named_stages_and_a_local_one_has_none() -> None:
    lab, cluster, here = named("lab"), named("cluster"), named("This machine")
    stages = stages_of("calibrate", cluster)
    assert stages == ("prepare", "upload", "queued", "calibrate", "inference", "download")
    assert stages_of("baseline", lab) == ("prepare", "upload", "inference", "download")
    assert stages_of("baseline", None) == stages_of("machine", lab) == stages_of("baseline", here)[:0] == ()
    way = [("", 0.0), ("prepare", 0.01), ("upload", 0.05), ("queued", 0.1), ("prepare", 0.12), ("calibrate", 0.4)]
    way += [("inference", 0.6), ("search", 0.7), ("measure", 0.9), ("download", 0.98)]
    assert [place_of(stages, stage, progress) for stage, progress in way] == [0, 0, 1, 2, 3, 3, 4, 4, 4, 5]


def test_an_upload_tells_its_bytes_and_an_installation_its_packages() -> None:
    job = Job(created="2026-01-01T00:00:00Z", kind="baseline", title="t", stage="upload", progress=0.06)
    said = {"stage": "upload", "done": 18_000_000, "total": 46_800_000}
    assert line_words(job, said, ("prepare", "upload")) == "6 % · upload, 18.0 of 46.8 MB"
    assert line_words(job, {}, ("prepare", "upload")) == "6 % · upload"
    preparing = job.model_copy(update={"stage": "prepare", "progress": 0.01})
    said = {"stage": "prepare", "step": "installing Calibench there", "done": 12, "total": 31}
    told = "1 % · installing Calibench there, 12 of 31 packages"
    assert line_words(preparing, said, ("prepare", "upload")) == told
    assert [bytes_words(0, 5), bytes_words(512_000, 46_800_000)] == ["0 of 5 B", "512 kB of 46.8 MB"]


def test_a_cancelled_job_says_on_the_page_of_its_project_what_may_go_on_on_its_target() -> None:
    job = Job(id=1, created="2026-01-01T00:00:00Z", kind="calibrate", title="t", state="cancelled")
    note = f"{NOT_REMOVED}no answer within 6 s. It may go on there until it ends."
    told = [{"note": note}, {"note": "The connection is back."}, {}]
    left = [left_there(SimpleNamespace(jobs=SimpleNamespace(said=lambda _, said=said: said)), job) for said in told]  # type: ignore[arg-type, misc]
    assert left == [note, "", ""]
    assert failure_words(job, left[0]).endswith(f": cancelled before it was done. {note}")
    assert failure_words(job, left[1]).endswith(": cancelled before it was done. Nothing of it was kept.")


def test_only_targets_without_a_row_are_offered_and_those_with_faults_last() -> None:
    bench = FakeWorkbench()
    bench.fill(is_elsewhere=True)
    rows = bench.machines(1)
    assert [(row.target, row.speedup) for row in rows] == [("This machine", 3.24), ("lab", 1.03)]
    names = [target.name for target in other_targets(bench.targets.all(), rows)]
    assert names == ["cluster", "rack", "moved"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [(None, "-"), ([], "neither VNNI nor AMX"), (["avx_vnni"], "VNNI"), (["avx512_vnni", "amx_int8"], "VNNI + AMX")],
)
def test_features_for_int8_are_named(flags: list[str] | None, words: str) -> None:
    assert int8_features({} if flags is None else {"flags": flags}) == words


@pytest.mark.parametrize(
    "words",
    [
        "too old. Install Python 3.9 there, or name another program: --python python3.9.",
        "Compare that, then confirm it: calibench target add asks, or takes --host-key.",
        "Make room there (calibench target clean), or choose another --home.",
        "Free some room there, run `target clean`, or name another home.",
        "Name the key file with --key, or add a public key to ~/.ssh/authorized_keys there.",
    ],
)
def test_mends_name_the_pages_and_no_option(words: str) -> None:
    said = in_page(words)
    assert not any(part in said for part in ("--", "calibench target", "`"))
    assert "target" in said or "“" in said


def test_a_confirmed_key_stays_when_the_address_stays() -> None:
    assert named("lab").spec.host_key == HOST_KEY


def test_the_command_for_the_owner_names_what_is_not_usual() -> None:
    entries = {"hosts": "", "workers": 4.0, "python": "python3", "home": "/scratch/cb", "listen": None, "key": ""}
    assert owner_command("hosts", " ", entries, usual_place()) == (
        "calibench target add NAME dask ssh://me@lab1 ssh://me@lab2 --home /scratch/cb --workers 4"
    )
    entries = {"scheduler": "tls://head:1", "tls_ca": "~/a b/ca.pem", "workers": 2.0}
    assert owner_command("scheduler", "x", entries, Path("/srv/d")) == (
        "calibench target add x dask tls://head:1 --tls-ca ~/'a b/ca.pem' --data-dir /srv/d"
    )

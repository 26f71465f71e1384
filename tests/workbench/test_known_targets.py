"""Targets: this machine is known from the start, others are added, looked at and removed."""

import pytest
from kept_things import NOW

from calibench.errors import SettingsError, TargetError
from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle import End
from calibench.things.asked import AskTarget, ChangeTarget
from calibench.things.kept import Cleaned, Job, Target, TargetCache
from calibench.things.target_spec import TargetSpec
from calibench.workbench import known_targets, target_book
from calibench.workbench.refusals import NotPossible

MACHINE = {"cpu": "A CPU", "devices": {"CPU": ["FP32", "INT8"]}}


def test_this_machine_is_made_once(bench):
    assert bench.targets.local() == bench.targets.local()
    assert [target.kind for target in bench.targets.all()] == ["local"]


def test_a_look_tells_what_the_machine_is(bench):
    target = bench.targets.local()
    job = bench.targets.check(target.id)
    assert (job.kind, job.target_id) == ("machine", target.id)
    bench.ending.finish(job, End(state="done", result=MACHINE))
    known = bench.targets.get(target.id)
    assert known.machine == MACHINE
    assert known.checked > NOW
    assert ("changed", target.id) in bench.told("target")


def test_a_look_that_failed_leaves_what_was_known(bench):
    target = bench.targets.local()
    bench.ending.finish(bench.targets.check(target.id), End(state="done", result=MACHINE))
    bench.fail(bench.targets.check(target.id).id)
    assert bench.targets.get(target.id).machine == MACHINE


def test_one_look_at_a_time(bench):
    target = bench.targets.local()
    assert bench.targets.check(target.id).id == bench.targets.check(target.id).id


def test_the_first_start_looks_and_later_ones_do_not(bench):
    bench.targets.look_once()
    (job,) = bench.store.all(Job)
    bench.ending.finish(job, End(state="done", result=MACHINE))
    bench.targets.look_once()
    assert len(bench.store.all(Job)) == 1


def test_the_load_counts_jobs_and_room(bench):
    target = bench.targets.local()
    bench.job("baseline", "running")
    bench.job("calibrate", "queued")
    load = bench.targets.load(target.id)
    assert (load.running, load.queued) == (1, 1)
    assert 0 <= load.cpu_percent <= 100
    assert load.memory_free_mb > 0
    assert load.disk_free_mb > 0
    assert load.age_s == 0


def test_a_target_that_is_not_there_is_not_there(bench):
    for call in (bench.targets.get, bench.targets.check, bench.targets.load):
        with pytest.raises(NotThere):
            call(5)


LAB = TargetSpec(kind="ssh", host="lab", user="me")
FOUND = {
    "cpu": "Another CPU", "memory_mb": 1000, "memory_free_mb": 250, "disk_free_mb": 7, "load": [1.0, 0.5, 0.2],
    "logical_cores": 4,
}  # fmt: skip
FAULT = {"sentence": "me@lab: its disk is full.", "mend": "Make room there."}


def lab(bench, name="lab"):
    return bench.targets.add(AskTarget(name=name, spec=LAB))


def looked_at(bench, target, machine=FOUND, faults=()):
    job = bench.targets.check(target.id)
    bench.ending.finish(job, End(state="done", result={"machine": machine, "faults": list(faults)}))
    return bench.targets.get(target.id)


def test_a_target_is_added_unchecked_and_told(bench):
    made = lab(bench)
    assert (made.kind, made.spec, made.state, made.machine) == ("ssh", LAB, "unchecked", None)
    assert bench.targets.named("LAB ") == made
    assert ("created", made.id) in bench.told("target")


def test_names_are_unique_whatever_their_letters(bench):
    lab(bench)
    with pytest.raises(SettingsError, match="already"):
        lab(bench, "Lab")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"kind": "local"}, "this machine is a target already"),
        ({"kind": "ssh"}, "no host"),
        ({"kind": "dask"}, "no scheduler"),
        ({"kind": "dask", "worker_queue": "pbs", "scheduler": "tls://lab:1"}, "worker_queue: goes not with scheduler"),
        ({"kind": "dask", "scheduler": "tls://lab:1", "workers": 2}, "are its own"),
        ({"kind": "ssh", "host": "lab", "queue": {"queue": "main"}}, "has no queue"),
    ],
)
def test_what_is_no_whole_target_is_refused(bench, spec, words):
    with pytest.raises(SettingsError, match=words):
        bench.targets.add(AskTarget(name="x", spec=spec))
    assert bench.targets.all() == ()


def test_an_unknown_name_is_answered_with_the_known_ones(bench):
    bench.targets.local()
    with pytest.raises(TargetError, match=r"gpu-box: there is no such target. Known: This machine"):
        bench.targets.named("gpu-box")


def test_a_look_from_afar_is_kept_with_its_faults(bench):
    known = looked_at(bench, lab(bench), faults=[FAULT])
    assert (known.state, known.machine, known.faults[0].mend) == ("faulty", FOUND, "Make room there.")
    away = looked_at(bench, known, machine=None, faults=[FAULT])
    assert away.machine == FOUND  # what was known stays
    assert looked_at(bench, known).state == "good"


def test_the_job_of_a_look_says_how_the_target_is_reached(bench):
    job = bench.targets.check(lab(bench).id)
    assert job.title == "Look at lab"


def test_another_way_to_it_is_unchecked_and_unconfirmed(bench):
    confirmed = bench.targets.add(AskTarget(name="lab", spec={**LAB.model_dump(), "host_key": "ssh-ed25519 AAAA"}))
    looked_at(bench, confirmed)
    same_host = bench.targets.change(confirmed.id, ChangeTarget(spec={"python": "python3.12"}))
    assert (same_host.state, same_host.machine) == ("unchecked", None)
    assert (same_host.spec.host_key, same_host.spec.user) == ("ssh-ed25519 AAAA", "me")
    moved = bench.targets.change(confirmed.id, ChangeTarget(spec={"host": "other"}, name="other"))
    assert (moved.name, moved.spec.host, moved.spec.host_key) == ("other", "other", None)


def test_a_new_name_keeps_what_was_found(bench):
    known = looked_at(bench, lab(bench))
    renamed = bench.targets.change(known.id, ChangeTarget(name="box", version=known.version))
    assert (renamed.name, renamed.state) == ("box", "good")
    with pytest.raises(Conflict):
        bench.targets.change(known.id, ChangeTarget(name="bay", version=known.version))


def test_this_machine_may_be_renamed_and_nothing_else(bench):
    here = bench.targets.local()
    assert bench.targets.change(here.id, ChangeTarget(name="Server")).name == "Server"
    for call in (
        lambda: bench.targets.change(here.id, ChangeTarget(spec=LAB)),
        lambda: bench.targets.remove(here.id),
        lambda: bench.targets.clean(here.id),
    ):
        with pytest.raises(NotPossible):
            call()


def test_a_target_that_is_used_or_busy_is_not_removed(bench):
    target = lab(bench)
    job = bench.targets.check(target.id)
    with pytest.raises(NotPossible, match="has not ended"):
        bench.targets.remove(target.id)
    bench.cancel(job.id)
    project = bench.project(bench.model(), bench.dataset())
    bench.store.change(type(project), project.id, target_id=target.id)
    with pytest.raises(NotPossible, match="net on pictures") as refused:
        bench.targets.remove(target.id)
    assert refused.value.hindrance.code == "target-used"
    assert bench.targets.removal_hindrance(target.id) == refused.value.hindrance
    bench.store.delete(type(project), project.id)
    assert bench.targets.removal_hindrance(target.id) is None
    bench.targets.remove(target.id)
    assert bench.store.count(Target, where={"kind": "ssh"}) == 0
    assert ("deleted", target.id) in bench.told("target")


def test_until_it_is_looked_at_again_the_load_from_afar_is_that_of_the_last_check(bench, played_looks):
    target = lab(bench)
    assert bench.targets.load(target.id).cpu_percent is None
    assert played_looks.made == []  # nobody has looked whether it is the machine that was meant
    checked = looked_at(bench, target)
    load = bench.targets.load(target.id)
    assert (load.cpu_percent, load.memory_percent, load.memory_free_mb) == (25.0, 75.0, 250)
    assert (load.as_of, load.is_being_looked_at, load.trouble) == (checked.checked, True, "")
    played_looks.ends({"load": [3.0], "logical_cores": 4, "memory_mb": 1000, "memory_free_mb": 100})
    now = bench.targets.load(target.id, wait_s=60)
    assert (now.cpu_percent, now.load, now.cores, now.memory_percent) == (75.0, 3.0, 4, 90.0)
    assert now.as_of > checked.checked and not now.is_being_looked_at
    looked_at(bench, target)
    assert bench.targets.load(target.id).load == 1.0  # the check was later


def test_what_does_not_answer_is_shown_as_it_was_seen_last_with_the_reason(bench, played_looks):
    target = looked_at(bench, lab(bench))
    bench.targets.load(target.id)
    played_looks.ends(TargetError("me@lab: does not answer within 10 s. Is it switched on?"))
    load = bench.targets.load(target.id, wait_s=60)
    assert (load.load, load.as_of) == (1.0, target.checked)
    assert load.trouble == "me@lab: does not answer within 10 s."
    assert bench.targets.load(looked_at(bench, target).id).trouble == ""
    away = {"cause": "unreachable", "sentence": "me@lab: is gone."}
    known = bench.targets.load(looked_at(bench, target, machine=None, faults=[away]).id)
    assert (known.trouble, known.load, known.as_of) == ("me@lab: is gone.", None, None)


def test_a_queue_tells_how_many_of_its_nodes_are_idle(bench, played_looks):
    queues = [{"name": "main", "is_default": True, "nodes": 4, "idle": 3}, {"name": "amx", "nodes": 2, "idle": 0}]
    made = bench.targets.add(AskTarget(name="farm", address="slurm ssh://me@login"))
    target = looked_at(bench, made, machine={**FOUND, "queues": queues})
    load = bench.targets.load(target.id)
    assert (load.nodes, load.idle_nodes) == (4, 3)
    moved = bench.targets.change(target.id, ChangeTarget(spec=TargetSpec(kind="slurm", queue={"queue": "amx"})))
    load = bench.targets.load(looked_at(bench, moved, machine={"queues": queues}).id)
    assert (load.nodes, load.idle_nodes, load.load) == (2, 0, None)


def test_jobs_are_the_load_of_the_machine_that_works_on_them(bench, played_looks):
    here, there = bench.targets.local(), looked_at(bench, lab(bench))
    farm = bench.targets.add(AskTarget(name="farm", address="dask pbs"))
    bench.job("baseline", "running", target_id=there.id)
    bench.job("calibrate", "queued", target_id=there.id)
    bench.job("machine", "running", target_id=there.id)
    bench.job("pick", "queued", target_id=there.id)  # built out of what is here
    bench.job("calibrate", "running", target_id=farm.id)  # this machine calibrates, workers measure
    bench.job("import-model", "running")
    found = [bench.targets.load(each.id) for each in (here, there, farm)]
    assert [(load.running, load.queued) for load in found] == [(2, 1), (2, 1), (1, 0)]


def test_it_is_cleaned_when_nothing_runs_there(bench, monkeypatch):
    async def clean(spec, passphrase):
        return Cleaned(freed_bytes=7) if (spec, passphrase) == (LAB, "secret") else None

    async def cache(spec, passphrase):
        return TargetCache(files_bytes=7) if passphrase == "secret" else None

    monkeypatch.setattr(known_targets, "clean_target", clean)
    monkeypatch.setattr(known_targets, "cache_of", cache)
    monkeypatch.setenv("CALIBENCH_KEY_PASSPHRASE", "secret")
    target = lab(bench)
    assert bench.targets.cache(target.id).total_bytes == 7
    assert bench.targets.clean(target.id).freed_bytes == 7
    bench.targets.check(target.id)
    for refused in (bench.targets.clean, bench.targets.cache):
        with pytest.raises(NotPossible, match="then clean it"):
            refused(target.id)


def test_a_host_key_is_shown_of_what_has_a_host(bench, monkeypatch):
    async def offered(spec):
        return spec.host

    monkeypatch.setattr(known_targets, "offered_key", offered)
    assert bench.targets.host_key(lab(bench).id) == "lab"
    assert bench.targets.host_key_at(AskTarget(name="x", spec=LAB)) == "lab"
    with pytest.raises(SettingsError, match="without SSH"):
        bench.targets.host_key(bench.targets.local().id)


def test_fields_go_over_an_address(monkeypatch):
    import sys
    from types import SimpleNamespace

    def parse(words):
        return TargetSpec(kind=words[0], host="login", user="me")

    monkeypatch.setitem(sys.modules, "calibench.targets.target_address", SimpleNamespace(parse_target=parse))
    asked = AskTarget(name="x", address="slurm ssh://me@login", spec={"user": "you", "queue": {"cores": 4}})
    spec = target_book.spec_of(asked)
    assert (spec.kind, spec.host, spec.user, spec.queue.cores) == ("slurm", "login", "you", 4)
    before = spec.model_copy(update={"host_key": "ssh-ed25519 AAAA"})
    again = target_book.spec_of(ChangeTarget(spec={"queue": {"memory_mb": 100}}), before)
    assert (again.queue.cores, again.queue.memory_mb, again.host_key) == (4, 100, "ssh-ed25519 AAAA")

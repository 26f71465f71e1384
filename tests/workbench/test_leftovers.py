"""What jobs left on other machines goes before they are forgotten, or stays by a clear choice."""

import threading

import pytest

from calibench.store.refused import Conflict
from calibench.targets import left_on_target
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import read_bundle, write_bundle
from calibench.things.asked import AskTarget, ChangeTarget
from calibench.things.kept import Job, Project
from calibench.workbench.job_book import JobBook
from calibench.workbench.leftovers import CODE
from calibench.workbench.refusals import NotPossible

GONE = "What the job left on its target could not be removed: lab: does not answer."


@pytest.fixture
def there(monkeypatch):
    """What is on targets, by the folder of its job; `says`: why nothing can be removed; `asked`: folders."""

    class There:
        left: set[str] = set()
        asked: list[str] = []
        says = ""
        specs: list[object] = []
        goes_on = threading.Event()

        @staticmethod
        def has(folder):
            return folder.name in There.left

        @staticmethod
        def end(folder):
            There.asked.append(folder.name)
            if (folder / "bundle.json").exists():
                There.specs.append(read_bundle(folder).target)
            There.goes_on.wait(60)
            if not There.says:
                There.left.discard(folder.name)
            return There.says

    There.left, There.asked, There.says, There.specs = set(), [], "", []
    There.goes_on.set()
    monkeypatch.setattr(left_on_target, "has_left", There.has)
    monkeypatch.setattr(left_on_target, "end_there", There.end)
    return There


@pytest.fixture
def book(bench):
    return JobBook(bench.store, bench.folder, bench.hub, None)


@pytest.fixture
def left(bench, there):
    """A failed job with something on a machine over SSH."""
    target = bench.targets.add(AskTarget(name="lab", address="ssh://me@lab"))
    job = bench.job("calibrate", "failed", target_id=target.id)
    write_bundle(Bundle(kind="calibrate", target=target.spec), bench.folder.jobs / str(job.id))
    there.left = {str(job.id)}
    return job


def test_a_deleted_job_is_removed_from_its_target_first(bench, there, book, left):
    assert book.left_on(left.id) == "lab"
    book.delete(left.id)
    assert there.asked == [str(left.id)] and there.left == set()
    assert bench.store.count(Job) == 0


def test_a_job_without_anything_there_asks_nobody(bench, there, book):
    job = bench.job("baseline", "failed")
    assert book.left_on(job.id) == ""
    book.delete(job.id)
    assert there.asked == []


def test_where_its_target_does_not_answer_the_job_stays_until_somebody_says_so(bench, there, book, left):
    there.says = GONE
    with pytest.raises(NotPossible, match="A calibrate: What the job left") as refused:
        book.delete(left.id)
    assert refused.value.hindrance.code == CODE
    assert bench.store.count(Job) == 1
    book.delete(left.id, leave=True)
    assert bench.store.count(Job) == 0 and len(there.asked) == 1


def test_the_same_place_is_reached_as_it_is_reached_now_and_another_one_is_left_alone(bench, there, book, left):
    there.says = GONE
    lab = bench.targets.named("lab")
    bench.targets.change(lab.id, ChangeTarget(spec={"port": 2222}))
    with pytest.raises(NotPossible):
        book.delete(left.id)
    bench.targets.change(lab.id, ChangeTarget(spec={"host": "other"}))
    with pytest.raises(NotPossible):
        book.delete(left.id)
    assert [(spec.host, spec.port) for spec in there.specs] == [("lab", 2222), ("lab", 2222)]


def test_meanwhile_it_is_neither_retried_nor_deleted_again(bench, there, book, left):
    there.goes_on.clear()
    deleting = threading.Thread(target=book.delete, args=(left.id,))
    deleting.start()
    while not there.asked:
        deleting.join(0.01)
    with pytest.raises(Conflict, match="is being deleted"):
        book.retry(left.id)
    with pytest.raises(Conflict, match="being deleted already"):
        book.delete(left.id)
    there.goes_on.set()
    deleting.join()
    assert bench.store.count(Job) == 0


def test_a_project_goes_when_its_jobs_are_gone_from_their_targets(bench, there, left):
    project = bench.project(bench.model(), bench.dataset())
    bench.store.change(Job, left.id, project_id=project.id)
    other = bench.job("baseline", "failed", project_id=project.id, target_id=left.target_id)
    there.left.add(str(other.id))
    said = bench.deletions.of_project(project.id)
    assert said.left_on == ("lab",)
    assert "What its jobs left on lab is ended and removed there first." in said.sentence
    there.says = GONE
    with pytest.raises(NotPossible, match="does not answer"):
        bench.deletions.delete_project(project.id)
    assert len(there.asked) == 1  # the second one is on the same machine, which does not answer
    assert bench.store.count(Project) == 1
    there.says = ""
    bench.deletions.delete_project(project.id)
    assert bench.store.count(Project) == bench.store.count(Job) == 0
    assert there.left == set()
    assert len(there.asked) == 3


def test_a_job_of_a_target_that_was_forgotten_is_still_removed_there(bench, there, book, left):
    bench.store.change(Job, left.id, state="failed")
    bench.targets.remove(bench.targets.named("lab").id)
    assert book.left_on(left.id) == "a target that was removed"
    book.delete(left.id)
    assert [spec.host for spec in there.specs] == ["lab"]

"""Tests of the book of jobs without a worker that runs: what is refused, and what is kept of what failed."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from calibench.errors import JobError
from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict, NotThere
from calibench.store.store import Store
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import EventLog, read_bundle
from calibench.things.kept import Job, Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench import job_book
from calibench.workbench.job_book import JobBook
from calibench.worker.hub import Hub
from calibench.worker.worker import Worker


@pytest.fixture
def book(tmp_path):
    folder, hub = DataFolder(tmp_path / "data"), Hub()
    folder.make()
    store = Store(folder.url)
    book = JobBook(store, folder, hub, Worker(store, folder, hub, {}))
    book.events = []
    hub.subscribe(book.events.append)
    yield book
    store.close()


def test_a_job_is_kept_with_what_it_is_to_do(book):
    job = book.submit(
        "baseline", "Baseline of a on b", Bundle(kind="baseline", model="m.xml"), model_id=3, project_id=4
    )
    assert (job.state, job.model_id, job.project_id, job.attempt) == ("queued", 3, 4, 0)
    assert Bundle.model_validate_json((book.folder(job.id) / "bundle.json").read_text()).kind == "baseline"
    assert [(event.change, event.data["id"]) for event in book.events] == [("created", job.id)]


def test_what_is_measured_is_measured_on_the_target_and_all_else_is_done_here(book):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    here = book._store.add(Target(created=now, name="here"))
    spec = TargetSpec(kind="ssh", host="lab")
    lab = book._store.add(Target(created=now, name="lab", kind="ssh", spec=spec))

    def target(kind, id):
        return read_bundle(book.folder(book.submit(kind, "A job", Bundle(kind=kind), target_id=id).id)).target

    for kind in ("machine", "baseline", "calibrate", "benchmark", "evaluate"):
        assert (target(kind, lab.id), target(kind, here.id)) == (spec, None)
    assert target("pick", lab.id) is None
    with pytest.raises(NotThere):
        book.submit("baseline", "A job", Bundle(kind="baseline"), target_id=77)


def test_a_retry_goes_the_way_that_leads_to_the_target_now(book):
    lab = book._store.add(
        Target(created=datetime(2026, 1, 1, tzinfo=UTC), name="lab", kind="ssh", spec=TargetSpec(kind="ssh", host="a"))
    )
    job = book.submit("baseline", "A job", Bundle(kind="baseline"), target_id=lab.id)
    book._store.change(Job, job.id, state="failed")
    book._store.change(Target, lab.id, spec=TargetSpec(kind="ssh", host="b"))
    assert read_bundle(book.folder(book.retry(job.id).id)).target.host == "b"


def test_a_bundle_of_another_kind_is_refused(book):
    with pytest.raises(JobError, match="to pick, but its bundle says machine"):
        book.submit("pick", "Pick", Bundle(kind="machine"))
    assert book.all() == ()


def test_a_job_whose_folder_cannot_be_written_is_not_kept(book):
    shutil.rmtree(book._folder.jobs)
    book._folder.jobs.write_text("no folder")
    with pytest.raises(JobError, match="cannot be written"):
        book.submit("machine", "Look", Bundle(kind="machine"))
    assert (book.all(), book.events) == ((), [])


def test_a_job_that_cannot_be_queued_is_not_kept(book, monkeypatch):
    def refuse(job):
        raise JobError("The queue of jobs cannot be written (disk full).")

    monkeypatch.setattr(book._worker, "enqueue", refuse)
    with pytest.raises(JobError, match="disk full"):
        book.submit("machine", "Look", Bundle(kind="machine"))
    assert book.all() == ()
    assert not list(book._folder.jobs.iterdir())
    assert [event.change for event in book.events] == ["created", "deleted"]


def test_what_an_older_job_left_in_a_folder_is_not_taken_for_the_new_one(book):
    left = book.folder(1)
    left.mkdir(parents=True)
    (left / "end.json").write_text('{"state": "done"}')
    assert book.submit("machine", "Look", Bundle(kind="machine")).id == 1
    assert [path.name for path in left.iterdir()] == ["bundle.json"]


def test_a_title_of_any_length_is_taken(book):
    assert len(book.submit("machine", "x" * 10_000, Bundle(kind="machine")).title) == 300


def test_a_job_that_cannot_be_written_leaves_nothing(book, monkeypatch):
    def full(bundle, folder):
        folder.mkdir()
        raise JobError("The disk is full.")

    monkeypatch.setattr(job_book, "write_bundle", full)
    with pytest.raises(JobError, match="is full"):
        book.submit("machine", "Look", Bundle(kind="machine"))
    assert (book.all(), list(book.folder(1).parent.iterdir())) == ((), [])


def test_places_in_the_queue_are_counted_by_what_waits_for_the_same(book):
    kinds = ("calibrate", "import-model", "baseline", "pick", "try-settings")
    jobs = [book.submit(kind, kind, Bundle(kind=kind)) for kind in kinds]
    assert [book.queue_place(job.id) for job in jobs] == [2, 1, 3, 1, 1]
    book.cancel(jobs[0].id)
    assert [book.queue_place(job.id) for job in jobs] == [None, 1, 2, 1, 1]


def test_only_jobs_that_came_to_nothing_are_done_again(book):
    job = book.submit("baseline", "Baseline", Bundle(kind="baseline", samples=7), model_id=3)
    with pytest.raises(Conflict, match="not ended yet"):
        book.retry(job.id)
    book._store.change(Job, job.id, state="done")
    with pytest.raises(Conflict, match="nothing to retry"):
        book.retry(job.id)
    book._store.change(Job, job.id, state="failed")
    again = book.retry(job.id)
    assert (again.model_id, again.retry_of, again.id) == (3, job.id, job.id + 1)
    assert read_bundle(book.folder(again.id)) == read_bundle(book.folder(job.id))


def test_a_retry_goes_on_with_the_search_of_the_job_before(book):
    job = book.submit("calibrate", "Calibrate", Bundle(kind="calibrate", model="/m.xml"))
    search = book.folder(job.id) / "out/search"
    (search / "aside").mkdir(parents=True)
    for name in ("run.json", "journal.jsonl", "lock"):
        (search / name).write_text(name)
    book._store.change(Job, job.id, state="cancelled")
    again = book.retry(job.id)
    taken = book.folder(again.id) / "out/search"
    assert {path.name: path.read_text() for path in taken.iterdir()} == {
        "run.json": "run.json",
        "journal.jsonl": "journal.jsonl",
    }
    assert not (taken / "journal.jsonl").samefile(search / "journal.jsonl")  # the retry may fail, and be retried


def test_a_job_is_tried_again_once_at_a_time(book):
    job = book.submit("machine", "Look", Bundle(kind="machine"))
    book.cancel(job.id)
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(book.retry, job.id) for _ in range(8)]
    first = [each.result() for each in tries if each.exception() is None]
    assert len(first) == 1
    assert {str(each.exception()) for each in tries} == {"None", f"This job was retried already, as job {first[0].id}."}
    book.cancel(first[0].id)
    second = book.retry(first[0].id)
    with pytest.raises(Conflict, match=f"retried already, as job {second.id}"):
        book.retry(job.id)
    book.cancel(second.id)
    assert book.retry(job.id).retry_of == job.id


def test_a_job_whose_description_is_lost_is_not_done_again(book):
    job = book.submit("machine", "Look", Bundle(kind="machine"))
    book.cancel(job.id)
    shutil.rmtree(book.folder(job.id))
    with pytest.raises(JobError, match=r"bundle\.json"):
        book.retry(job.id)


def test_a_job_that_is_not_there_is_said_to_be_so(book):
    for ask in (book.get, book.cancel, book.retry, book.log, book.trials, book.said, book.delete, book.queue_place):
        with pytest.raises(NotThere, match="There is no job 7"):
            ask(7)


def test_before_a_job_starts_it_has_neither_log_nor_trials(book):
    job = book.submit("machine", "Look", Bundle(kind="machine"))
    assert (book.log(job.id), book.trials(job.id)) == ("", [])


def test_what_a_job_last_said_holds_a_note_for_as_long_as_its_stage(book):
    job = book.submit("machine", "Look", Bundle(kind="machine"))
    assert book.said(job.id) == {}
    events = EventLog(book.folder(job.id))
    events.write("progress", {"stage": "upload", "step": "upload", "done": 5, "total": 9, "progress": 0.05})
    events.write("note", {"text": "The connection to lab was lost; trying again."})
    events.write("progress", {"stage": "upload", "step": "upload", "done": 6, "total": 9, "progress": 0.06})
    assert book.said(job.id) == {
        **{"stage": "upload", "step": "upload", "done": 6, "total": 9},
        "note": "The connection to lab was lost; trying again.",
    }
    events.write("progress", {"stage": "calibrate", "step": "fit", "done": 1, "total": 2, "progress": 0.5})
    assert book.said(job.id) == {"stage": "calibrate", "step": "fit", "done": 1, "total": 2}


def test_folders_of_jobs_that_are_gone_are_removed_and_no_other(book):
    kept, lost = (book.submit("machine", "Look", Bundle(kind="machine")) for _ in range(2))
    book._store.delete(Job, lost.id)
    (book._folder.jobs / "notes").mkdir()
    book.sweep()
    assert book.folder(lost.id).is_dir()  # it may be about to come
    book.sweep(older_than_s=-1)
    assert {path.name for path in book._folder.jobs.iterdir()} == {str(kept.id), "notes"}

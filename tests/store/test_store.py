"""Things go into the database and come back; parallel edits are noticed; together is all or nothing."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.errors import JobError
from calibench.store.refused import Conflict, NotThere
from calibench.store.store import Store
from calibench.things.kept import Failure, Headline, Job, KeptDataset, KeptModel, Port, Project, Target

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/workbench.db")
    yield made
    made.close()


def model(name="net", **fields):
    return KeptModel(created=NOW, name=name, **fields)


def job(title="Import net", **fields):
    return Job(created=NOW, kind="import-model", title=title, **fields)


def project(store, name="first", **fields):
    ids = {
        "model_id": store.add(model()).id,
        "dataset_id": store.add(KeptDataset(created=NOW, name="set")).id,
        "target_id": store.add(Target(created=NOW, name="this machine")).id,
    }
    return store.add(Project(created=NOW, name=name, **(ids | fields)))


def test_a_thing_comes_back_as_it_was_with_an_id(store):
    kept = model(
        inputs=(Port(name="x", shape="[?,3]", type="f32"),),
        failure=Failure(kind="ModelError", message="no"),
        notes=("a", "b"),
        accuracy_settings={"inputs": {"mean": [1.5]}},
        multiply_adds=1e12,
        size_bytes=2**40,
        is_quantized=True,
    )
    added = store.add(kept)
    assert added.id == 1
    assert store.get(KeptModel, 1) == added == kept.model_copy(update={"id": 1})


def test_every_kind_is_kept(store):
    made = project(store, headline=Headline(metric="top1", drop_interval=(0.1, 0.2)), settings={"preset": "mixed"})
    assert store.get(Project, made.id).headline.drop_interval == (0.1, 0.2)
    assert store.add(job(eta_s=(1.0, 2.5))).eta_s == (1.0, 2.5)
    assert store.get(Target, 1).name == "this machine"


def test_moments_are_utc_whatever_zone_they_came_in(store):
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    back = store.add(KeptModel(created=there, name="net")).created
    assert (back, back.tzinfo) == (there, UTC)
    with pytest.raises(ValueError, match="time zone"):
        store.add(KeptModel(created=datetime(2026, 1, 1), name="net"))


def test_what_no_database_takes_is_replaced(store):
    back = store.add(model(name="a\0b\udc80", notes=("x\udcff",), accuracy_settings={"a": float("nan")}))
    assert (back.name, back.notes, back.accuracy_settings) == ("a?b?", ("x?",), {"a": None})


@pytest.mark.parametrize("id", [0, -1, 7, 10**30])
def test_what_is_not_there_is_said(store, id):
    store.add(model())
    with pytest.raises(NotThere, match=f"There is no model {id}; it may have been deleted."):
        store.get(KeptModel, id)
    with pytest.raises(NotThere):
        store.change(KeptModel, id, name="x")
    with pytest.raises(NotThere):
        store.delete(KeptModel, id)


def test_an_id_is_never_used_again(store):
    store.add(model())
    store.delete(KeptModel, store.add(model()).id)
    assert store.add(model()).id == 3


def test_a_change_makes_a_new_version(store):
    store.add(model())
    assert store.change(KeptModel, 1, name="other").version == 2
    assert store.change(KeptModel, 1, seen=2, name="third").name == "third"
    with pytest.raises(Conflict, match=r"model 1 was changed meanwhile \(version 3; you saw 2\)"):
        store.change(KeptModel, 1, seen=2, name="fourth")
    assert store.get(KeptModel, 1).name == "third"


def test_a_change_can_ask_what_must_hold(store):
    store.add(job())
    assert store.change(Job, 1, only_if={"state": ("queued", "running")}, state="done").state == "done"
    with pytest.raises(Conflict, match="job 1 is not as it was: state is done now"):
        store.change(Job, 1, only_if={"state": "queued"}, state="running")


def test_a_change_to_what_is_no_value_of_the_field_changes_nothing(store):
    store.add(job())
    with pytest.raises(ValueError, match="progress"):
        store.change(Job, 1, progress=2.0)
    with pytest.raises(ValueError, match="valid tuple"):
        store.change(Job, 1, eta_s="soon")
    assert store.get(Job, 1).version == 1


def test_the_newest_comes_first(store):
    for name in "abc":
        store.add(model(name))
    assert [one.name for one in store.all(KeptModel)] == ["c", "b", "a"]
    assert [one.name for one in store.all(KeptModel, newest_first=False)] == ["a", "b", "c"]
    assert [one.name for one in store.all(KeptModel, limit=1, offset=1)] == ["b"]
    assert [one.name for one in store.all(KeptModel, offset=2)] == ["a"]
    assert store.all(KeptModel, limit=10**30, offset=10**30) == ()


def test_a_list_is_filtered(store):
    store.add(job("a", project_id=1))
    store.add(job("b", state="running"))
    store.add(job("c", state="done", project_id=2))

    def found(**where):
        return [one.title for one in store.all(Job, where=where, newest_first=False)]

    assert found(state="running") == ["b"]
    assert found(state=("queued", "done")) == ["a", "c"]
    assert found(project_id=None) == ["b"]
    assert found(project_id=(None, 2)) == ["b", "c"]
    assert found(state="queued", project_id=2) == []
    assert found(state=()) == []
    assert found(project_id=10**30) == []
    assert store.count(Job, where={"state": ("queued", "done")}) == 2
    with pytest.raises(KeyError):
        found(stat="done")


def test_a_dataset_is_found_by_its_name_when_the_title_of_its_format_is_set(store):
    kept = store.add(KeptDataset(created=NOW, name="tulips"))
    store.change(KeptDataset, kept.id, title="a folder for each class")
    assert [each.name for each in store.all(KeptDataset, search="tul")] == ["tulips"]
    assert store.all(KeptDataset, search="folder") == ()


def test_a_search_knows_no_case_and_no_wildcards(store):
    for name in ("Größe 100%", "GRÖSSE_2", "other"):
        store.add(model(name))

    def found(search):
        return [one.name for one in store.all(KeptModel, search=search, newest_first=False)]

    assert found("größe") == ["Größe 100%", "GRÖSSE_2"]
    assert found("100 GRÖ") == ["Größe 100%"]
    assert found("%") == ["Größe 100%"]
    assert found("_") == ["GRÖSSE_2"]
    assert found("\0\udc80") == []
    assert found("x" * 100_000) == []
    assert found(" ") == ["Größe 100%", "GRÖSSE_2", "other"]
    assert store.count(KeptModel, search="OTHER") == 1
    store.change(KeptModel, 3, name="Renamed")
    assert (found("other"), found("renamed")) == ([], ["Renamed"])


@given(name=st.text(min_size=1), note=st.text())
def test_any_text_comes_back_and_is_found_by_its_words(tmp_path_factory, name, note):
    store = Store(f"sqlite:///{tmp_path_factory.getbasetemp()}/texts.db")
    added = store.add(model(name, notes=(note,)))
    assert (added.name, added.notes) == (name.replace("\0", "?"), (note.replace("\0", "?"),))
    for search in (name, name.casefold(), " ".join(reversed(name.split()))):
        assert added in store.all(KeptModel, search=search)
    store.close()


def test_together_is_all_or_nothing(store):
    with pytest.raises(RuntimeError), store.together():
        store.add(model("gone"))
        assert store.count(KeptModel) == 1
        with store.together():
            store.add(model("gone too"))
        raise RuntimeError
    assert store.count(KeptModel) == 0
    with store.together():
        store.add(model("a"))
        store.add(model("b"))
    assert store.count(KeptModel) == 2


def test_others_see_a_transaction_when_it_has_ended(store):
    seen = []

    def look():
        seen.append(store.count(KeptModel))

    with store.together():
        store.add(model())
        other = threading.Thread(target=look)
        other.start()
        other.join()
    look()
    assert seen == [0, 1]


def test_what_something_needs_is_not_deleted_and_a_family_goes_together(store):
    made = project(store)
    with pytest.raises(Conflict, match="still needs"):
        store.delete(KeptModel, made.model_id)
    assert store.count(KeptModel) == 1
    with store.together():
        store.delete(KeptModel, made.model_id)
        store.delete(Project, made.id)
    assert store.count(KeptModel) == 0


def test_many_are_changed_and_deleted_as_one_and_what_is_gone_is_passed_over(store, monkeypatch):
    monkeypatch.setattr("calibench.store.store.AT_ONCE", 2)
    ids = [store.add(job(f"Import {number}")).id for number in range(5)]
    store.delete(Job, ids[0])
    changed = store.change_all(Job, ids, title="Changed", state="failed")
    assert [(each.title, each.version) for each in changed] == [("Changed", 2)] * 4
    assert store.count(Job, where={"state": "failed"}, search="changed") == 4
    store.delete_all(Job, ids[:4])
    assert [each.id for each in store.all(Job)] == ids[4:]


def test_twenty_threads_that_read_and_add_lose_nothing(store):
    store.add(job())

    def work():
        for _ in range(20):
            with store.together():
                now = store.get(Job, 1)
                store.change(Job, 1, seen=now.version, attempt=now.attempt + 1)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(Job, 1).attempt == 400


def test_two_stores_on_one_database_wait_for_each_other(store, tmp_path):
    other = Store(f"sqlite:///{tmp_path}/workbench.db")
    store.add(job())

    def work(mine):
        for _ in range(20):
            with mine.together():
                mine.change(Job, 1, attempt=mine.get(Job, 1).attempt + 1)

    threads = [threading.Thread(target=work, args=(one,)) for one in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.get(Job, 1).attempt == 40
    other.close()


def test_a_thing_with_an_id_is_not_added_again(store):
    with pytest.raises(ValueError, match="has the id 1 already"):
        store.add(store.add(model()))


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "workbench.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(JobError, match=r"the database cannot be used \(file is not a database\)\. Restore a backup"):
        Store(f"sqlite:///{path}")


def test_opening_a_database_does_not_wait_for_alembic(tmp_path):
    code = f"import sys; from calibench.store.store import Store; Store('sqlite:///{tmp_path}/a.db').close()\n"
    code += "print(sorted({'alembic', 'numpy', 'openvino', 'psycopg'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"

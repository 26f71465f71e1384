"""The same on PostgreSQL: the store, upgrade, backup and restore, and restore from one database into the other."""

import filled_folder
import pytest
import test_store as on_sqlite
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from filled_folder import fill, things
from sqlalchemy import text
from test_upgrading import BROKEN, NEXT, SECOND, as_it_was_first, check_targets, with_another_revision

from calibench.errors import JobError, SettingsError
from calibench.progress import silent
from calibench.store.backup import back_up
from calibench.store.checking import check_data
from calibench.store.data_folder import DataFolder
from calibench.store.database import make_engine
from calibench.store.restoring import restore
from calibench.store.store import Store
from calibench.store.tables import HEAD, METADATA
from calibench.store.upgrading import opened, run_revisions, upgrade_tables
from calibench.things.kept import Job, KeptDataset

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(postgres):
    made = Store(postgres)
    yield made
    made.close()


SAME = [
    on_sqlite.test_a_thing_comes_back_as_it_was_with_an_id,
    on_sqlite.test_every_kind_is_kept,
    on_sqlite.test_moments_are_utc_whatever_zone_they_came_in,
    on_sqlite.test_what_no_database_takes_is_replaced,
    on_sqlite.test_an_id_is_never_used_again,
    on_sqlite.test_a_change_makes_a_new_version,
    on_sqlite.test_a_change_can_ask_what_must_hold,
    on_sqlite.test_a_change_to_what_is_no_value_of_the_field_changes_nothing,
    on_sqlite.test_the_newest_comes_first,
    on_sqlite.test_a_list_is_filtered,
    on_sqlite.test_a_search_knows_no_case_and_no_wildcards,
    on_sqlite.test_together_is_all_or_nothing,
    on_sqlite.test_others_see_a_transaction_when_it_has_ended,
    on_sqlite.test_what_something_needs_is_not_deleted_and_a_family_goes_together,
    on_sqlite.test_twenty_threads_that_read_and_add_lose_nothing,
    on_sqlite.test_a_thing_with_an_id_is_not_added_again,
]


@pytest.mark.parametrize("behaviour", SAME, ids=lambda test: test.__name__.removeprefix("test_"))
def test_the_store_behaves_as_on_sqlite(store, behaviour):
    behaviour(store)


@pytest.mark.parametrize("id", [0, -1, 7, 10**30])
def test_what_is_not_there_is_said(store, id):
    on_sqlite.test_what_is_not_there_is_said(store, id)


def test_two_stores_wait_for_each_other(store, postgres):
    """Not by the lock of a process: the change itself says what must hold."""
    other = Store(postgres)
    store.add(on_sqlite.job())
    for mine in (store, other) * 10:
        mine.change(Job, 1, attempt=mine.get(Job, 1).attempt + 1)
    assert other.get(Job, 1).version == 21
    other.close()


def test_two_servers_do_not_work_on_one_database(store, postgres):
    store.hold()
    store.hold()
    other = Store(postgres)
    with pytest.raises(JobError, match="another server works on it"):
        other.hold()
    assert other.count(Job) == 0
    store.close()
    other.hold()
    other.close()


def test_the_revisions_make_the_tables_that_a_new_database_gets(postgres):
    with opened(postgres) as engine:
        run_revisions(engine, HEAD)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    Store(postgres).close()


def in_place(revision):
    """SQLite makes the table anew; PostgreSQL need not, and other tables name it."""
    return revision.replace('recreate="always"', 'recreate="auto"')


def test_an_older_database_is_upgraded_or_left_as_it_was(tmp_path, postgres, monkeypatch):
    folder = fill(tmp_path / "data", postgres)
    with monkeypatch.context() as patched:
        with_another_revision(tmp_path / "broken", patched, in_place(BROKEN))
        with pytest.raises(JobError, match="nowhere"):
            upgrade_tables(folder, postgres)
    assert len(things(folder, postgres)) == 9
    with_another_revision(tmp_path / "good", monkeypatch, in_place(SECOND))
    done = upgrade_tables(folder, postgres)
    assert (done.before, done.after, done.backup.name) == (HEAD, NEXT, "before-upgrade-of-0002-2.jsonl")
    assert done.backup.read_text().count("\n") == 14
    with opened(postgres) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT DISTINCT stars FROM models")).scalars().all() == [3]


def test_targets_of_the_first_revision_are_this_machine(tmp_path, postgres):
    as_it_was_first(postgres)
    folder = DataFolder(tmp_path / "data")
    folder.make()
    assert upgrade_tables(folder, postgres).before == "0001"
    with opened(postgres) as engine, engine.begin() as connection:  # the rows were written with ids of their own
        connection.execute(text("SELECT setval(pg_get_serial_sequence('targets', 'id'), 2)"))
    store = Store(postgres)
    check_targets(store)
    store.close()


@pytest.mark.parametrize("way", ["to sqlite", "from sqlite", "to postgres"])
def test_a_backup_is_restored_across_databases(tmp_path, postgres, way):
    source = None if way == "from sqlite" else postgres
    target = None if way == "to sqlite" else postgres
    folder = fill(tmp_path / "data", source)
    before = things(folder, source)
    back_up(folder, tmp_path / "b.tar", silent, source)
    if source == target:
        _empty(postgres)
    other = DataFolder(tmp_path / "other")
    restore(tmp_path / "b.tar", other, silent, target)
    after = things(other, target)
    under_way = {"coming", "q", "Calibrate", "p"}
    for one, two in zip(before, after, strict=True):
        if (getattr(one, "name", None) or one.title) not in under_way:
            assert two == one
    assert check_data(other, silent, target).problems == ()
    store = Store(target or other.url)
    assert store.add(KeptDataset(created=filled_folder.NOW, name="new")).id == 4
    store.close()
    assert other.database.exists() == (target is None)


def _empty(url):
    with opened(url) as engine, engine.begin() as connection:
        METADATA.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))


def test_a_restore_into_a_database_that_is_not_empty_leaves_nothing(tmp_path, postgres):
    folder = fill(tmp_path / "data", postgres)
    back_up(folder, tmp_path / "b.tar", silent, postgres)
    other = DataFolder(tmp_path / "other")
    with pytest.raises(JobError, match=r"postgresql.*is not empty. Give a new database"):
        restore(tmp_path / "b.tar", other, silent, postgres)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "b.tar"}
    assert len(things(folder, postgres)) == 9


def test_a_server_that_is_away_is_one_sentence_without_the_password(tmp_path):
    with pytest.raises(JobError, match=r"the database cannot be used \(") as caught:
        Store(f"postgresql+psycopg://me:secret@/db?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "nothing", "mysql://me:secret@here/db", "postgresql+psycopg://me:secret@here", "sqlite://"]
)
def test_a_wrong_url_is_refused_without_its_password(url):
    with pytest.raises(SettingsError, match="is no URL of a database") as caught:
        make_engine(url)
    assert "secret" not in str(caught.value)

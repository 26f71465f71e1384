"""Tables of a new database are those that the revisions make; older ones are brought up to date, newer ones refused."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from calibench.errors import JobError
from calibench.store import database, upgrading
from calibench.store.data_folder import DataFolder
from calibench.store.database import make_engine
from calibench.store.store import Store
from calibench.store.tables import HEAD, METADATA
from calibench.store.upgrading import SCRIPTS, run_revisions, upgrade_tables
from calibench.things.kept import KeptDataset, KeptModel, Project, Target

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEXT = "0002"
SECOND = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("models", recreate="always") as table:
        table.add_column(sa.Column("stars", sa.BigInteger(), nullable=False, server_default="3"))
'''
BROKEN = SECOND + '    op.execute("SELECT 1 FROM nowhere")\n'


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    made.make()
    return made


def filled(folder):
    store = Store(folder.url)
    store.add(KeptModel(created=NOW, name="net"))
    store.add(KeptDataset(created=NOW, name="set"))
    store.add(Target(created=NOW, name="here"))
    store.add(Project(created=NOW, name="both", model_id=1, dataset_id=1, target_id=1))
    store.close()
    return folder


def with_another_revision(tmp_path, monkeypatch, text):
    """As if this were the next version of Calibench."""
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for name in ("env.py", "versions/r0001_first_tables.py"):
        (scripts / name).write_text((SCRIPTS / name).read_text())
    (scripts / "versions/r0002.py").write_text(text)
    monkeypatch.setattr(upgrading, "SCRIPTS", scripts)
    for module in (upgrading, database):
        monkeypatch.setattr(module, "HEAD", NEXT)


def made_of(path):
    with closing(sqlite3.connect(path)) as opened:
        rows = opened.execute("SELECT type, name, sql FROM sqlite_master WHERE name != 'alembic_version' ORDER BY name")
        return [(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows if "alembic" not in name]


def test_the_revisions_make_the_tables_that_a_new_database_gets(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/migrated.db")
    run_revisions(engine, HEAD)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
    Store(f"sqlite:///{tmp_path}/new.db").close()
    migrated, new = made_of(tmp_path / "migrated.db"), made_of(tmp_path / "new.db")
    assert [(kind, name) for kind, name, _ in migrated] == [(kind, name) for kind, name, _ in new]
    assert Store(f"sqlite:///{tmp_path}/migrated.db").add(KeptModel(created=NOW, name="x")).id == 1


def test_the_newest_revision_is_the_one_that_the_tables_name():
    newest = max(path.read_text().split('revision = "')[1][:4] for path in SCRIPTS.glob("versions/r*.py"))
    assert newest == HEAD


def test_a_database_of_this_version_is_left_alone(folder):
    done = upgrade_tables(filled(folder))
    assert (done.before, done.after, done.backup) == (HEAD, HEAD, None)
    assert "nothing was changed" in done.lines[0]


def test_an_older_database_is_refused_until_it_was_upgraded(folder, tmp_path, monkeypatch):
    filled(folder)
    with_another_revision(tmp_path, monkeypatch, SECOND)
    with pytest.raises(JobError, match=r"older Calibench .*0001.*0002.* Run: calibench data upgrade"):
        Store(folder.url)
    done = upgrade_tables(folder)
    assert (done.before, done.after, done.backup.name) == (HEAD, NEXT, "before-upgrade-of-0001.db")
    with closing(sqlite3.connect(folder.database)) as opened:
        assert opened.execute("SELECT name, stars FROM models").fetchall() == [("net", 3)]
        assert opened.execute("SELECT count(*) FROM projects").fetchall() == [(1,)]
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
    with closing(sqlite3.connect(done.backup)) as opened:
        assert opened.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    assert done.backup.stat().st_mode & 0o77 == 0


def test_an_upgrade_that_fails_changes_nothing(folder, tmp_path, monkeypatch):
    before = made_of(filled(folder).database)
    with_another_revision(tmp_path, monkeypatch, BROKEN)
    with pytest.raises(JobError, match="nowhere"):
        upgrade_tables(folder)
    assert made_of(folder.database) == before
    with closing(sqlite3.connect(folder.database)) as opened:
        assert opened.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_a_newer_database_is_refused(folder):
    with closing(sqlite3.connect(filled(folder).database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    for open_ in (lambda: Store(folder.url), lambda: upgrade_tables(folder)):
        with pytest.raises(JobError, match=r"newer Calibench .*9999"):
            open_()


def test_a_database_of_something_else_is_refused(folder, tmp_path):
    with closing(sqlite3.connect(folder.database)) as opened, opened:
        opened.execute("CREATE TABLE songs (id INTEGER)")
    with pytest.raises(JobError, match=r"tables that are not Calibench's, such as songs"):
        Store(folder.url)
    with pytest.raises(JobError, match="holds no tables of Calibench"):
        upgrade_tables(folder)
    with pytest.raises(JobError, match="holds no data of Calibench"):
        upgrade_tables(DataFolder(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["with space", "q?x=1#y", "100%", "ä%20", "%(here)s"])
def test_a_data_folder_may_have_any_name(tmp_path, name):
    folder = DataFolder(tmp_path / name)
    folder.make()
    filled(folder)
    assert folder.database.is_file()
    upgrade_tables(folder)

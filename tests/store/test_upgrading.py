"""Tables of a new database are those that the revisions make; older ones are brought up to date, newer ones refused."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from calibench.errors import JobError
from calibench.store import database, upgrading
from calibench.store.data_folder import DataFolder
from calibench.store.database import make_engine
from calibench.store.refused import Conflict
from calibench.store.store import Store
from calibench.store.tables import HEAD, METADATA
from calibench.store.upgrading import SCRIPTS, opened, run_revisions, upgrade_tables
from calibench.things.kept import KeptDataset, KeptModel, Project, Target
from calibench.things.target_spec import TargetSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEXT = "0003"
SECOND = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


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


def with_another_revision(tmp_path, monkeypatch, revision):
    """As if this were the next version of Calibench."""
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for path in (SCRIPTS / "env.py", *SCRIPTS.glob("versions/r*.py")):
        (scripts / path.relative_to(SCRIPTS)).write_text(path.read_text())
    (scripts / f"versions/r{NEXT}.py").write_text(revision)
    monkeypatch.setattr(upgrading, "SCRIPTS", scripts)
    for module in (upgrading, database):
        monkeypatch.setattr(module, "HEAD", NEXT)


def made_of(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name != 'alembic_version' ORDER BY name"
        )
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
    with pytest.raises(JobError, match=r"older Calibench .*0002.*0003.* Run: calibench data upgrade"):
        Store(folder.url)
    done = upgrade_tables(folder)
    assert (done.before, done.after, done.backup.name) == (HEAD, NEXT, "before-upgrade-of-0002.db")
    with closing(sqlite3.connect(folder.database)) as connection:
        assert connection.execute("SELECT name, stars FROM models").fetchall() == [("net", 3)]
        assert connection.execute("SELECT count(*) FROM projects").fetchall() == [(1,)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with closing(sqlite3.connect(done.backup)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    assert done.backup.stat().st_mode & 0o77 == 0


OLD = (
    "INSERT INTO models (id, version, created, name, state, is_quantized, has_fp16_weights, size_bytes, operations, "
    "int8_layers, float_layers, inputs, outputs, notes, accuracy_settings, are_settings_confirmed, folded) VALUES "
    "(1, 1, '2026-01-01', 'net', 'ready', false, false, 1, 1, 1, 0, '[]', '[]', '[]', '{}', false, 'net')",
    "INSERT INTO datasets (id, version, created, name, state, entry, samples, annotated, has_pictures, classes, "
    "size_bytes, problems, facts, folded) VALUES "
    "(1, 1, '2026-01-01', 'set', 'ready', '', 1, '[]', true, '[]', 1, '[]', '{}', 'set')",
    "INSERT INTO targets (id, version, created, name, kind, machine, folded) VALUES "
    "(1, 3, '2026-01-01', 'This machine', 'local', '{\"cpu\": \"A CPU\"}', 'this machine')",
    "INSERT INTO targets (id, version, created, name, kind, folded) VALUES "
    "(2, 1, '2026-01-01', 'Not looked at', 'local', 'not looked at')",
    "INSERT INTO projects (id, version, created, name, model_id, dataset_id, target_id, device, is_archived, state, "
    "settings, headline, ask, folded) VALUES "
    "(1, 1, '2026-01-01', 'both', 1, 1, 1, 'CPU', false, 'done', '{}', '{}', '{}', 'both')",
)
"""What a database of the first revision holds."""


def as_it_was_first(url):
    """A database of the first revision, with things in it."""
    with opened(url) as engine:
        run_revisions(engine, "0001")
        with engine.begin() as connection:
            for line in OLD:
                connection.execute(text(line.replace(":", "\\:")))


def check_targets(store):
    """That the targets of `OLD` are this machine, and that a new one gets an id of its own."""
    here, other = store.all(Target, newest_first=False)
    assert (here.kind, here.spec, here.state, here.faults) == ("local", TargetSpec(), "good", ())
    assert (here.machine, here.version, other.state) == ({"cpu": "A CPU"}, 3, "unchecked")
    assert store.get(Project, 1).target_id == here.id
    far = TargetSpec(kind="ssh", host="lab", user="me")
    made = store.add(Target(created=NOW, name="lab", kind="ssh", spec=far))
    store.delete(Target, made.id)
    assert store.add(Target(created=NOW, name="lab", kind="ssh", spec=far)).id > made.id > other.id
    assert store.all(Target, where={"kind": "ssh"})[0].spec == far
    with pytest.raises(Conflict):
        store.delete(Target, here.id)


def test_targets_of_the_first_revision_are_this_machine(folder):
    as_it_was_first(folder.url)
    assert upgrade_tables(folder).before == "0001"
    with closing(sqlite3.connect(folder.database)) as database_:
        assert database_.execute("PRAGMA foreign_key_check").fetchall() == []
    check_targets(Store(folder.url))


def test_an_upgrade_that_fails_changes_nothing(folder, tmp_path, monkeypatch):
    before = made_of(filled(folder).database)
    with_another_revision(tmp_path, monkeypatch, BROKEN)
    with pytest.raises(JobError, match="nowhere"):
        upgrade_tables(folder)
    assert made_of(folder.database) == before
    with closing(sqlite3.connect(folder.database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_a_newer_database_is_refused(folder):
    with closing(sqlite3.connect(filled(folder).database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for open_ in (lambda: Store(folder.url), lambda: upgrade_tables(folder)):
        with pytest.raises(JobError, match=r"newer Calibench .*9999"):
            open_()


def test_a_database_of_something_else_is_refused(folder, tmp_path):
    with closing(sqlite3.connect(folder.database)) as connection, connection:
        connection.execute("CREATE TABLE songs (id INTEGER)")
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

"""`calibench data`: the commands that look after the data folder."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.tables import HEAD
from calibench.store.trees import Trees
from calibench.things.kept import KeptModel

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    made.make()
    (made.uploads / "net.onnx").write_bytes(b"weights")
    kept = Trees(made).keep(made.uploads / "net.onnx", move=True)
    store = Store(made.url)
    store.add(KeptModel(created=datetime.now(UTC), name="net", state="ready", tree=kept.hash, entry="net.onnx"))
    store.close()
    return made


@pytest.mark.parametrize("words", ["data", "data backup", "data restore", "data upgrade", "data check"])
def test_help_is_as_agreed(words, run):
    """To renew the files: UPDATE_GOLDEN=1 pytest tests/cli/test_data_command.py."""
    result = run(*words.split(), "--help")
    text = "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
    path = GOLDEN / f"{words.replace(' ', '-')}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert result.exit_code == 0
    assert text == path.read_text(encoding="utf-8")


def test_a_backup_is_restored_into_another_folder(folder, run, tmp_path):
    saved = run("data", "backup", tmp_path / "b.tar", "--data-dir", folder.path)
    assert saved.exit_code == 0
    assert saved.stdout.startswith(f"{tmp_path}/b.tar: 0 datasets, 0 jobs, 1 model, 0 projects, 0 targets; 4 files")
    done = run("data", "restore", tmp_path / "b.tar", "--data-dir", tmp_path / "new", "--json")
    assert json.loads(done.stdout)["path"] == f"{tmp_path}/new"
    assert run("data", "check", "--data-dir", tmp_path / "new").stdout.endswith("Everything is as it was kept.\n")


def test_the_folder_is_the_one_of_serve_when_none_is_given(folder, run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder.path.rename(tmp_path / "calibench")
    assert run("data", "check").exit_code == 0


def test_a_check_that_finds_something_ends_with_1(folder, run):
    Trees(folder).drop(Trees(folder).hashes()[0])
    found = run("data", "check", "--data-dir", folder.path)
    assert found.exit_code == 1
    assert "model 1 (net): all files are lost." in found.stdout


def test_an_upgrade_of_this_version_changes_nothing(folder, run):
    done = run("data", "upgrade", "--data-dir", folder.path)
    assert (done.exit_code, done.stdout) == (
        0,
        f"The tables are those of this version ({HEAD}); nothing was changed.\n",
    )


def test_an_upgrade_waits_for_no_server(folder, run):
    folder.lock()
    done = run("data", "upgrade", "--data-dir", folder.path)
    folder.unlock()
    assert done.exit_code == 1
    assert f"another Calibench works in this data folder (process {os.getpid()})" in done.stderr


def test_a_newer_folder_is_one_sentence(folder, run):
    with closing(sqlite3.connect(folder.database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (["upgrade"], ["check"], ["backup", folder.path.parent / "b.tar"]):
        done = run("data", *command, "--data-dir", folder.path)
        assert done.exit_code == 1
        assert "was made by a newer Calibench" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["upgrade"], ["check"], ["backup", "b.tar"]])
def test_a_folder_without_data_is_one_sentence(command, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("data", *command, "--data-dir", tmp_path / "nothing")
    assert done.exit_code == 1
    assert done.stderr == f"JobError: {tmp_path}/nothing: holds no data of Calibench. Give another --data-dir.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_database_is_one_sentence_without_its_password(folder, run):
    done = run("data", "check", "--data-dir", folder.path, "--database", "mysql://me:secret@here/db")
    assert done.exit_code == 2
    assert "SettingsError: --database: this is no URL" in done.stderr
    assert "secret" not in done.stderr


def test_without_the_extra_it_says_what_to_install(folder):
    code = "import sys; sys.modules['sqlalchemy'] = None; from importlib import util; "
    code += "find = util.find_spec; util.find_spec = lambda name: None if name == 'sqlalchemy' else find(name); "
    code += "from calibench.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "check", "--data-dir", folder.path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert (
        done.stderr == "SettingsError: calibench data needs sqlalchemy. Install it: pip install 'calibench[serve]'.\n"
    )

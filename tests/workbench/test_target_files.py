"""Who holds the token of a server names no file, no program and no folder of its machine that nobody allowed."""

import pytest

from calibench.errors import SettingsError
from calibench.things.asked import AskTarget, ChangeTarget
from calibench.things.target_spec import TargetSpec
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.target_book import TargetBook
from calibench.workbench.target_files import FILES, only_allowed

LAB = {"kind": "ssh", "host": "lab"}


def ask(bench, **spec):
    return bench.targets.add(AskTarget(name="lab", spec=spec))


@pytest.fixture
def allowing(bench, tmp_path):
    """A bench that allows one folder."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    bench.targets._check_spec = only_allowed(ImportSources(bench.uploads, (folder,)))
    return bench, folder


@pytest.mark.parametrize("field", FILES)
def test_a_file_outside_of_the_allowed_folders_is_refused_whether_it_is_there_or_not(allowing, tmp_path, field):
    bench, _ = allowing
    there = tmp_path / "id_ed25519"
    there.write_text("key")
    said = set()
    for path in (there, tmp_path / "none"):
        with pytest.raises(SettingsError, match="not below a folder that this server may read") as refused:
            ask(bench, **LAB, **{field: path})
        said.add(str(refused.value).replace(str(path), "PATH"))
    assert len(said) == 1


def test_a_file_of_an_allowed_folder_is_taken(allowing):
    bench, folder = allowing
    (folder / "key").write_text("key")
    assert ask(bench, **LAB, key=folder / "key").spec.key == folder / "key"


def test_the_key_of_a_host_is_not_asked_for_with_a_file_that_is_not_allowed(allowing, tmp_path):
    bench, _ = allowing
    with pytest.raises(SettingsError, match="not below"):
        bench.targets.host_key_at(AskTarget(name="x", spec={**LAB, "key": tmp_path}))


@pytest.mark.parametrize("field", ["python", "home"])
@pytest.mark.parametrize("kind", ["slurm", "pbs"])
def test_a_queue_of_the_server_itself_runs_the_usual_python_in_the_usual_home(bench, kind, field):
    with pytest.raises(SettingsError, match=f"spec.{field}: this queue runs on the server's own machine"):
        ask(bench, kind=kind, **{field: "/tmp/mine"})
    assert ask(bench, kind=kind, host="login", **{field: "/tmp/mine"}).spec.kind == kind


def test_a_queue_elsewhere_does_not_become_one_of_the_server_with_a_program_of_ones_own(bench):
    target = ask(bench, kind="slurm", host="login", python="/tmp/mine")
    with pytest.raises(SettingsError, match=r"spec\.python"):
        bench.targets.change(target.id, ChangeTarget(address="slurm"))


def test_what_the_owner_of_the_data_folder_chose_stays_when_something_else_is_changed(bench, tmp_path):
    spec = TargetSpec(kind="slurm", python="/opt/python", home="/scratch")
    queue = TargetBook(bench.shelf).add(AskTarget(name="queue", spec=spec))
    lab = TargetBook(bench.shelf).add(AskTarget(name="lab", spec={**LAB, "key": tmp_path / "key"}))
    assert bench.targets.change(queue.id, ChangeTarget(spec={"queue": {"cores": 4}})).spec.python == "/opt/python"
    assert bench.targets.change(lab.id, ChangeTarget(spec={"user": "me"})).spec.key == tmp_path / "key"
    with pytest.raises(SettingsError, match="not below"):
        bench.targets.change(lab.id, ChangeTarget(spec={"key": tmp_path / "other"}))


def test_workers_of_a_queue_of_the_server_itself_run_the_usual_python(allowing):
    bench, _ = allowing
    with pytest.raises(SettingsError, match=r"spec\.python: this queue runs on the server's own machine"):
        ask(bench, kind="dask", worker_queue="slurm", python="/tmp/mine")
    assert ask(bench, kind="dask", worker_queue="slurm", workers=4).spec.address == "dask slurm"


@pytest.mark.parametrize("address", ["dask tls://farm:8786", "dask ssh://me@a ssh://me@b"])
def test_workers_whose_answers_are_code_are_chosen_by_the_owner_of_the_server(bench, address):
    with pytest.raises(SettingsError, match="only the owner of the server adds a cluster on other machines"):
        bench.targets.add(AskTarget(name="farm", address=address))
    farm = TargetBook(bench.shelf).add(AskTarget(name="farm", address=address))
    assert bench.targets.change(farm.id, ChangeTarget(name="park")).spec == farm.spec
    with pytest.raises(SettingsError, match="only the owner"):
        bench.targets.change(farm.id, ChangeTarget(address="dask tls://mine:8786"))

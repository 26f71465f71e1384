"""`calibench caffe --target NAME` behind a real sshd: the files and the answer that it gives here."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.zoo.caffe.caffe_projects import hostile_project
from shared_python import shared_python
from ssh_server import SshServer
from typer.testing import CliRunner, Result

from calibench import Hearing, RemoteTarget, resume_caffe_remote
from calibench.cli.app import app
from calibench.errors import Cancelled
from calibench.reports.report import decided_view, read_report
from calibench.things.kept import Target
from calibench.things.target_spec import TargetSpec
from tiny_project import TinyProject, quantized_layers, write_tiny

pytestmark = pytest.mark.targets

Run = Callable[..., Result]
TOLD = (".json", ".jsonl", ".html", ".py")
"""Files that name times and machines."""


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


@pytest.fixture
def run(tmp_path: Path, ssh_server: SshServer, python: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program on a data folder that knows the machine as `lab`."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runner = CliRunner()

    def run(*words: object) -> Result:
        environment = {"NO_COLOR": "1", "COLUMNS": "200"}
        return runner.invoke(app, [*map(str, words), "--data-dir", str(tmp_path / "data")], env=environment)

    spec = ssh_server.spec(python=str(python))
    address = f"ssh://{spec.user}@{spec.host}:{spec.port}"
    options = ("--key", spec.key, "--host-key", spec.host_key, "--python", spec.python, "--home", spec.home)
    assert run("target", "add", "lab", address, *options).exit_code == 0
    return run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """A project that names TRAIN by a whole path, and TEST from `work`, the folder in which it is run."""
    project = write_tiny(tmp_path / "nets")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    text = project.prototxt.read_text().replace('"train_lmdb"', f'"{tmp_path}/nets/train_lmdb"')
    project.prototxt.write_text(text.replace('"test_lmdb"', '"../nets/test_lmdb"'))
    return project


def seed(*more: object, iterations: int = 10) -> tuple[object, ...]:
    """The command with its paths as a person types them."""
    files = ("-w", "../nets/net.caffemodel", "-m", "../nets/net.prototxt")
    return ("caffe", *files, "-i", iterations, "-n", "accuracy-top1", "-l", 0.1, "--no-benchmark", *more)


def taken_away(project: TinyProject) -> dict[str, bytes]:
    """The files that the calibrator wrote, by name; they are gone then."""
    folder = project.prototxt.parent
    files = [
        path for path in folder.rglob("*") if path.is_file() and ("_quantized" in str(path) or "_new" in path.name)
    ]
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.unlink())[0] for path in files}


def test_the_files_are_those_of_a_run_here_to_the_byte(
    run: Run, ssh_server: SshServer, project: TinyProject, tmp_path: Path
) -> None:
    here = run(*seed("-fu", "--repair"))
    assert here.exit_code == 0, here.stderr
    report = read_report(project.folder / "report.json")
    wanted = taken_away(project)
    shutil.rmtree(project.folder)
    there = run(*seed("-fu", "--repair", "--target", "lab"))
    assert there.exit_code == 0, there.stderr
    away = read_report(project.folder / "report.json")
    found = taken_away(project)
    assert found.keys() == wanted.keys()
    same = [name for name in wanted if not name.endswith(TOLD) and "/search/" not in name]
    assert {"net_quantized.prototxt", "net_new.caffemodel", "net_quantized/model.bin"} <= set(same)
    for name in same:
        assert found[name] == wanted[name], name
    texts = b"".join(text for name, text in found.items() if name.endswith(TOLD))
    assert b"in/paths" not in texts and str(ssh_server.here).encode() not in texts
    views = [decided_view(each) for each in (report, away)]
    for view in views:
        view["settings"].pop("weights"), view["versions"].pop("python")
        view["model"]["path"] = view["dataset"]["path"] = ""  # as a person typed them here
    assert views[0] == views[1]
    assert away.notes == report.notes
    said = [[line for line in each.stdout.splitlines() if "nets/" in line] for each in (here, there)]
    assert said[0] == said[1] and any("net_quantized_force_u8.prototxt" in line for line in said[0])
    assert not list((ssh_server.here / "home").glob("jobs/*")) and not list(tmp_path.glob("nets/.*"))


def test_what_was_stopped_there_goes_on_with_the_same_command(run: Run, tmp_path: Path) -> None:
    project = write_tiny(tmp_path / "uneven", spread=5)
    told: list[object] = []

    def stop(*trial: object) -> None:
        told.append(trial)
        if len(told) == 2:
            raise Cancelled

    lab = RemoteTarget("lab", data_dir=tmp_path / "data", hear=Hearing(on_trial=stop))
    job = project.job(loss=0.01, per_channel_weights=False)
    with pytest.raises(Cancelled, match=r"stopped on lab too\. .*Go on: the same command with --resume"):
        lab.calibrate_caffe(job, benchmark=False)
    assert not project.quantized.exists()
    notes: list[str] = []
    result = resume_caffe_remote(job, data_dir=tmp_path / "data", hear=Hearing(on_note=notes.append))
    assert "An interrupted search goes on." in notes
    assert result.written.prototxt == project.quantized and project.quantized.is_file()
    assert result.report.search is not None and len(result.report.search.trials) > 2
    assert not list(project.prototxt.parent.glob(".*"))


@pytest.mark.root
def test_a_queue_does_it_too(project: TinyProject, slurm: object, tmp_path: Path) -> None:
    spec = TargetSpec(kind="slurm", python=sys.executable, home=str(tmp_path / "home"))
    queue = Target(created=datetime.now(UTC), name="cluster", kind="slurm", spec=spec)
    result = RemoteTarget(queue).calibrate_caffe(project.job(quantize_only=True, blob=None))
    assert quantized_layers(project.quantized) == ["dw", "pw", "branch", "last"]
    assert (result.folder / "model.bin").is_file() and not list((tmp_path / "home").glob("jobs/*"))


def test_a_missed_tolerance_is_exit_code_3_with_the_nearest_result(run: Run, tmp_path: Path) -> None:
    made = hostile_project(tmp_path / "it", 32)
    files = ("-w", made.weights, "-m", made.prototxt)
    missed = run("caffe", *files, "-i", made.iterations, "-n", made.blob, "-l", 0.1, "--no-benchmark", "--json",
                 "--target", "lab")  # fmt: skip
    assert missed.exit_code == 3, missed.stderr
    assert missed.stderr.splitlines()[-1].startswith("The tolerance was not kept: No model with a layer in INT8 keeps")
    quantized = made.prototxt.with_name("train_val_quantized.prototxt")
    assert json.loads(missed.stdout)["caffe"]["prototxt"] == str(quantized)
    assert quantized_layers(quantized)


def test_a_prototxt_is_the_dataset_of_other_commands_there(run: Run, project: TinyProject) -> None:
    words = ("evaluate", "../nets/net.prototxt", "--dataset", "../nets/net.prototxt", "--threads", 1, "--json")
    scored = [run(*words, *more) for more in ((), ("--target", "lab"))]
    assert [each.exit_code for each in scored] == [0, 0], scored[1].stderr
    assert json.loads(scored[0].stdout)["score"] == json.loads(scored[1].stdout)["score"]


def test_what_is_not_here_is_said_before_anything_is_sent(
    run: Run, project: TinyProject, ssh_server: SshServer
) -> None:
    project.prototxt.write_text(project.prototxt.read_text().replace("test_lmdb", "lost_lmdb"))
    refused = [run(*seed(*more)) for more in ((), ("--target", "lab"))]
    assert [each.exit_code for each in refused] == [2, 2]
    assert refused[0].stderr == refused[1].stderr and "../nets/lost_lmdb" in refused[0].stderr
    assert not (ssh_server.here / "home").exists()


def test_a_dry_run_is_made_here(run: Run, project: TinyProject, ssh_server: SshServer) -> None:
    planned = [run(*seed("--dry-run", *more)) for more in ((), ("--target", "lab"))]
    assert planned[0].stdout == planned[1].stdout and "Would write ../nets/net_quantized.prototxt" in planned[0].stdout
    unknown = run(*seed("--dry-run", "--target", "nobody"))
    assert (unknown.exit_code, "Known: This machine, lab" in unknown.stderr) == (2, True)
    assert not (ssh_server.here / "home").exists()

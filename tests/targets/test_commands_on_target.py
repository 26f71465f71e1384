"""`--target NAME`: commands whose work is done behind a real sshd, with the answers that they give here."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shared_python import shared_python
from ssh_server import SshServer
from typer.testing import CliRunner, Result

from calibench import Hearing, RemoteTarget, evaluate
from calibench.cli.app import app
from calibench.errors import Cancelled
from calibench.settings import make_settings
from calibench.targets.target_check import PASSPHRASE

pytestmark = pytest.mark.targets

Run = Callable[..., Result]
INPUT = ("--mean", "72.9", "--scale", "90.0")


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


@pytest.fixture
def run(tmp_path: Path, ssh_server: SshServer, python: Path) -> Run:
    """Run the program on a data folder that knows the machine as `lab`."""
    runner = CliRunner()

    def run(*words: object) -> Result:
        return runner.invoke(app, [*map(str, words), "--data-dir", str(tmp_path / "data")], env={"NO_COLOR": "1"})

    spec = ssh_server.spec(python=str(python))
    address = f"ssh://{spec.user}@{spec.host}:{spec.port}"
    options = ("--key", spec.key, "--host-key", spec.host_key, "--python", spec.python, "--home", spec.home)
    added = run("target", "add", "lab", address, *options)
    assert added.exit_code == 0, added.stderr
    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_machine_is_looked_at(run: Run) -> None:
    checked = run("target", "check", "lab", "--json")
    found = json.loads(checked.stdout)
    assert (checked.exit_code, found["state"], found["faults"]) == (0, "good", [])
    assert found["machine"]["cpu"]
    assert "reachable  yes" in run("target", "check", "lab").stdout


def test_a_wrong_host_key_is_a_fault_with_its_mend(run: Run, ssh_server: SshServer, tmp_path: Path) -> None:
    other = ssh_server.spec()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjTN9yCNvB5yQ3OE0pfSOTHfBEcYTmjG5HWZX2MHkkn"
    address = f"ssh://{other.user}@{other.host}:{other.port}"
    assert run("target", "add", "bad", address, "--key", other.key, "--host-key", key).exit_code == 0
    checked = run("target", "check", "bad")
    assert (checked.exit_code, "its host key has changed" in checked.stdout) == (1, True)


def test_a_calibration_gives_the_same_model_as_here_and_an_evaluation_the_same_score(
    run: Run, ssh_server: SshServer, tmp_path: Path, resnet: Path, clothes: Path
) -> None:
    there = run("calibrate", resnet, "--dataset", clothes, "-o", tmp_path / "there", "--no-benchmark", *INPUT,
                "--target", "lab", "--json")  # fmt: skip
    assert there.exit_code == 0, there.stderr
    here = run("calibrate", resnet, "--dataset", clothes, "-o", tmp_path / "here", "--no-benchmark", *INPUT, "--json")
    assert (tmp_path / "there/model.bin").read_bytes() == (tmp_path / "here/model.bin").read_bytes()
    assert json.loads(there.stdout)["int8"] == json.loads(here.stdout)["int8"]
    assert sorted(path.name for path in tmp_path.iterdir() if "there" in path.name) == ["there"]
    assert names(tmp_path / "there") == names(tmp_path / "here")
    scored = [
        run("evaluate", resnet, "--dataset", clothes, *INPUT, *more, "--json") for more in ((), ("--target", "lab"))
    ]
    assert json.loads(scored[0].stdout)["score"] == json.loads(scored[1].stdout)["score"]
    assert not list((ssh_server.here / "home").glob("jobs/*"))


def test_two_models_are_compared_there_with_the_answer_of_here(
    run: Run, ssh_server: SshServer, tmp_path: Path, resnet: Path, clothes: Path
) -> None:
    made = run("calibrate", resnet, "--dataset", clothes, "-o", tmp_path / "int8", "--no-benchmark", *INPUT)
    assert made.exit_code == 0, made.stderr
    said = []
    for name, more in (("here", ()), ("there", ("--target", "lab"))):
        compared = run("compare", resnet, tmp_path / "int8/model.xml", "--dataset", clothes, "-o", tmp_path / name,
                       "--no-benchmark", *INPUT, "--json", *more)  # fmt: skip
        assert compared.exit_code == 0, compared.stderr
        said.append(json.loads(compared.stdout))
    measured = {"created", "seconds", "peak_rss_mb", "machine", "settings", "versions"}
    assert {name for name in said[0] if said[0][name] != said[1].get(name)} <= measured
    assert names(tmp_path / "there") == names(tmp_path / "here")
    assert not list((ssh_server.here / "home").glob("jobs/*"))
    again = run("compare", resnet, tmp_path / "int8/model.xml", "--dataset", clothes, "-o", tmp_path / "there",
                "--target", "lab")  # fmt: skip
    assert (again.exit_code, "--force" in again.stderr) == (1, True), again.stderr


def test_what_fails_there_is_the_error_that_it_is_here_and_leaves_nothing(
    run: Run, tmp_path: Path, resnet: Path
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/no.png").write_bytes(b"no picture")
    failed = run("calibrate", resnet, "--dataset", tmp_path / "set", "-o", tmp_path / "out", "--target", "lab")
    assert (failed.exit_code, failed.stderr.splitlines()[-1].startswith("DatasetError")) == (2, True), failed.stderr
    assert not list(tmp_path.glob("*out*"))


def test_what_is_not_here_is_not_looked_for_there(run: Run, tmp_path: Path, resnet: Path) -> None:
    (tmp_path / "empty").mkdir()
    nowhere, empty = tmp_path / "no", tmp_path / "empty"
    for model, dataset, kind in (
        (nowhere, empty, "ModelError"),
        (resnet, nowhere, "DatasetError"),
        (resnet, empty, "DatasetError"),
    ):
        refused = run("evaluate", model, "--dataset", dataset, "--target", "lab")
        assert (refused.exit_code, refused.stderr.startswith(kind)) == (2, True), refused.stderr


def test_options_of_this_machine_do_not_go_with_a_target(run: Run, resnet: Path, tmp_path: Path) -> None:
    for words in (("--dry-run",), ("--workers", "2"), ("--cache-dir", "x"), ("--server", "http://x")):
        refused = run("calibrate", resnet, "--dataset", tmp_path, "-o", tmp_path / "o", "--target", "lab", *words)
        assert (refused.exit_code, "with --target" in refused.stderr) == (2, True), refused.stderr
    assert PASSPHRASE not in os.environ


def test_a_metric_of_ones_own_travels_and_a_callback_ends_the_job_there(
    run: Run, ssh_server: SshServer, tmp_path: Path, resnet: Path, clothes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first_class.py").write_text("def share(outputs, label):\n    return float(label == 0)\n")
    monkeypatch.chdir(tmp_path)
    settings = make_settings({"metric": "first_class:share", "inputs": {"": {"mean": (72.9,), "scale": (90.0,)}}})
    steps: list[str] = []
    hear = Hearing(progress=lambda stage, done, total: steps.append(stage))
    there = RemoteTarget("lab", data_dir=tmp_path / "data", hear=hear).evaluate(resnet, clothes, settings)
    here = evaluate(resnet, clothes, settings)
    assert there["score"] == here.score.score > 0
    assert "evaluate" in steps

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "statistics":
            raise Cancelled

    lab = RemoteTarget("lab", data_dir=tmp_path / "data", hear=Hearing(progress=stop))
    with pytest.raises(Cancelled, match="stopped on lab too, and nothing was written"):
        lab.calibrate(resnet, clothes, settings, tmp_path / "out")
    assert not list((ssh_server.here / "home").glob("jobs/*"))
    assert not (tmp_path / "out").exists()

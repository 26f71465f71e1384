"""INT8 beside FP32 on this machine and on a machine behind a real sshd: a table of both, and why INT8 does not pay."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from shared_python import shared_python
from ssh_server import SshServer
from told_events import INPUTS
from typer.testing import CliRunner

from calibench.cli.app import app
from calibench.pipeline import calibrate
from calibench.settings import make_settings
from calibench.targets.bundle import Bundle, End
from calibench.targets.carried_files import carried

Run = Callable[..., End]
POINTS = {"batches": [1, 2], "streams": [1], "seconds": 0.02, "rounds": 3}


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, resnet: Path, clothes: Path) -> Path:
    out = tmp_path_factory.mktemp("int8") / "out"
    calibrate(resnet, clothes, make_settings({**INPUTS, "diagnose": False}), out, benchmark=False)
    return out / "model.xml"


@pytest.mark.models
def test_int8_runs_beside_fp32_and_the_machine_is_told(
    run: Run, job: Path, int8: Path, resnet: Path, clothes: Path
) -> None:
    end = run(
        kind="benchmark", model=int8, baseline=resnet, dataset=clothes, settings=INPUTS, points=POINTS, is_compared=True
    )
    assert end.state == "done", end.failure
    found = end.result["measured"]
    assert found == json.loads((job / "out/beside.json").read_text())
    assert {point["series"] for point in end.result["points"]} >= {"fp32", "int8"}
    fastest = max(point["fps"] for point in end.result["points"] if point["series"] == "int8")
    assert found["int8_fps"] == fastest
    assert found["speedup"] == pytest.approx(found["int8_fps"] / found["default_fps"])
    assert 0 < found["speedup_low"] <= found["speedup_high"]
    assert found["cpu"] and found["cores"] >= 1 and found["latency_ms"] > 0
    assert bool(found["why"]) == (found["speedup"] < 1.1)


@pytest.mark.models
def test_two_models_of_one_kind_are_refused(run: Run, int8: Path, clothes: Path) -> None:
    end = run(
        kind="benchmark", model=int8, baseline=int8, dataset=clothes, settings=INPUTS, points=POINTS, is_compared=True
    )
    assert end.failure is not None
    assert (end.failure.kind, "are not an FP32 model" in end.failure.message) == ("SettingsError", True)


@pytest.mark.models
def test_both_models_travel_beside_each_other(int8: Path, clothes: Path) -> None:
    twin = int8.parent / "deploy.py"  # of the same folder: names may be alike
    there = carried(Bundle(kind="benchmark", model=int8, baseline=int8, dataset=clothes, is_compared=True))
    assert twin.is_file()
    assert (there.bundle.model, there.bundle.baseline) == (Path("in/model/model.xml"), Path("in/baseline/model.xml"))
    assert {"in/model/model.bin", "in/baseline/model.bin"} <= there.files.keys()


@pytest.mark.targets
def test_machines_are_compared_in_one_table(
    tmp_path: Path, ssh_server: SshServer, int8: Path, resnet: Path, clothes: Path
) -> None:
    runner = CliRunner()
    data = ("--data-dir", str(tmp_path / "data"))
    with shared_python() as python:
        spec = ssh_server.spec(python=str(python))
        words = ("target", "add", "lab", f"ssh://{spec.user}@{spec.host}:{spec.port}", "--key", str(spec.key),
                 "--host-key", str(spec.host_key), "--python", spec.python, "--home", spec.home)  # fmt: skip
        assert runner.invoke(app, [*words, *data]).exit_code == 0
        assert runner.invoke(app, ["target", "add", "gone", "ssh://nobody@127.0.0.1:9", "--host-key",
                                   str(spec.host_key), *data]).exit_code == 0  # fmt: skip
        names = ("--target", "lab", "--target", "gone", "--target", "This machine")
        found = runner.invoke(
            app,
            ["benchmark", str(int8), "--baseline", str(resnet), "--dataset", str(clothes), "--mean", "72.9", "--scale",
             "90", "--seconds", "0.02", "--rounds", "2", *names, "--json", *data],
        )  # fmt: skip
    assert found.exit_code == 1, found.stderr
    lab, gone, here = json.loads(found.stdout)["machines"]
    assert (lab["cpu"], lab["flags"]) == (here["cpu"], here["flags"])
    assert all(row["speedup"] > 0 and row["latency_ms"] > 0 and not row["failure"] for row in (lab, here))
    assert (gone["int8_fps"], "127.0.0.1" in gone["failure"]) == (None, True)
    assert "lab: " in found.stderr and "This machine: " in found.stderr

"""`--target NAME`: what becomes of a job whose connection is lost, that is interrupted, or that goes on."""

import tempfile
from pathlib import Path

import pytest

from calibench.errors import TargetError
from calibench.targets.bundle import End
from calibench.targets.bundle_files import EventLog, read_bundle, write_end
from calibench.targets.remote_record import read_record
from calibench.targets.teller import say
from calibench.things.kept import Failure

LOST = Failure(kind="LinkLost", message="me@lab: not reached for 10 min.")


@pytest.fixture
def job(monkeypatch, run, tmp_path):
    """A calibration on a machine; each attempt ends as a test says, and what was asked for is kept."""

    class Job:
        ends: list[End] = []
        bundles = []
        phases: list[str] = []
        leaves: dict[str, str] = {}
        out = tmp_path / "out"
        folder = tmp_path / ".out.job"

        def calibrate(self, *words):
            return run("calibrate", *words, "--data-dir", tmp_path / "data")

        def begin(self, *words):
            return self.calibrate(tmp_path / "m.onnx", "--dataset", tmp_path / "set", "-o", self.out, "--target", "lab",
                                  *words)  # fmt: skip

    def run_bundle(folder: Path) -> End:
        Job.bundles.append(read_bundle(folder))
        record = folder / "remote.json"
        Job.phases.append(read_record(folder).phase if record.exists() else "")
        say("a line of the log")
        EventLog(folder).write("progress", {"step": "statistics", "done": 1, "total": 2})
        EventLog(folder).write("note", {"text": "The connection to lab was lost; trying again."})
        end = Job.ends.pop(0)
        phase = "started" if end.failure is LOST else "new" if end.state == "cancelled" else "removed"
        record = f'{{"job_id": "r1", "phase": "{phase}"}}'
        for name, text in {"remote.json": record, **Job.leaves}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        if end.state == "done":
            (folder / "out").mkdir(exist_ok=True)
            (folder / "out" / "report.json").write_text("{}")
        write_end(end, folder)
        return end

    Job.ends, Job.bundles, Job.phases, Job.leaves = [], [], [], {}
    monkeypatch.setattr("calibench.targets.run_bundle.run_bundle", run_bundle)
    monkeypatch.setattr("calibench.cli.calibrate._answer", lambda report, folder, json_: print(f"answer: {folder}"))
    monkeypatch.setattr("calibench.reports.report.read_report", lambda path: path)
    (tmp_path / "m.onnx").write_bytes(b"model")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"picture")
    run("target", "add", "lab", "ssh://me@lab", "--host-key", "ssh-ed25519 AAAA", "--data-dir", tmp_path / "data")
    return Job()


def test_the_result_comes_here_and_nothing_else_stays(job, tmp_path):
    job.ends.append(End(state="done"))
    done = job.begin("--preset", "mixed", "--no-benchmark")
    assert (done.exit_code, done.stdout) == (0, f"answer: {job.out}\n"), done.stderr
    assert "statistics 1/2" in done.stderr
    assert "Note: The connection to lab was lost; trying again.\n" in done.stderr
    (bundle,) = job.bundles
    assert (bundle.target.host, bundle.settings.preset, bundle.benchmark) == ("lab", "mixed", False)
    assert bundle.settings.model_fields_set == {"preset"}  # the rest is still to be found by trying
    assert [path.name for path in job.out.iterdir()] == ["report.json"]
    assert not job.folder.exists()


def test_a_lost_connection_keeps_the_job_and_says_how_to_go_on(job, run, tmp_path):
    job.ends += [End(state="failed", failure=LOST), End(state="done")]
    lost = job.begin()
    assert (lost.exit_code, f"calibench calibrate --resume {job.out}" in lost.stderr) == (2, True)
    assert not job.out.exists()
    again = job.begin()
    assert (again.exit_code, "is on its way from a target" in again.stderr) == (1, True)
    other = job.calibrate("--resume", job.out, "--preset", "mixed")
    assert (other.exit_code, "--preset cannot be given" in other.stderr) == (2, True)
    changed = run("target", "change", "lab", "--host-key", "ssh-ed25519 AAAABBBB", "--data-dir", tmp_path / "data")
    assert changed.exit_code == 0, changed.stderr
    resumed = job.calibrate("--resume", job.out)
    assert (resumed.exit_code, len(job.bundles)) == (0, 2), resumed.stderr
    assert [bundle.target.host_key for bundle in job.bundles] == ["ssh-ed25519 AAAA", "ssh-ed25519 AAAABBBB"]
    assert (job.out / "report.json").exists() and not job.folder.exists()


def test_an_interrupted_job_leaves_nothing(job):
    job.ends.append(End(state="cancelled"))
    stopped = job.begin()
    assert (stopped.exit_code, "stopped on lab too" in stopped.stderr) == (130, True)
    assert not job.out.exists() and not job.folder.exists()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(("out/search/run.json", "{}"), "What its search has found is kept", id="a search"),
        pytest.param(("remote.json", '{"job_id": "r1", "phase": "started"}'), "may go on there", id="out of reach"),
    ],
)
def test_an_interrupted_job_that_can_be_gone_on_with_is_kept(job, found, said):
    job.ends += [End(state="cancelled"), End(state="done")]
    job.leaves.update([found])
    stopped = job.begin()
    assert (stopped.exit_code, said in stopped.stderr) == (130, True), stopped.stderr
    assert f"calibench calibrate --resume {job.out}" in stopped.stderr
    assert job.calibrate("--resume", job.out).exit_code == 0


def test_a_job_that_was_ended_there_is_begun_anew_by_a_resume(job):
    job.ends += [End(state="failed", failure=Failure(kind="JobError", message="lab: its queue ended it.")),
                 End(state="done")]  # fmt: skip
    end = '"end": {"state": "failed"}'
    job.leaves["remote.json"] = '{"job_id": "r1", "phase": "fetched", "handle": "7", ' + end + "}"
    assert job.begin().exit_code == 1
    job.leaves.clear()
    assert job.calibrate("--resume", job.out).exit_code == 0
    assert job.phases == ["", "new"]


@pytest.mark.parametrize(("kind", "code"), [("ModelError", 2), ("DatasetError", 2), ("InternalError", 1)])
def test_what_failed_there_has_the_exit_code_that_it_has_here(job, kind, code):
    job.ends.append(End(state="failed", failure=Failure(kind=kind, message="It is wrong.")))
    failed = job.begin()
    assert (failed.exit_code, "It is wrong." in failed.stderr) == (code, True)
    assert not job.out.exists() and not job.folder.exists()


def test_an_unknown_target_and_this_machine_are_refused(job, tmp_path):
    words = (tmp_path / "m.onnx", "--dataset", tmp_path / "set", "-o", job.out, "--target")
    for name, said in (("nobody", "Known: This machine, lab"), ("This machine", "Leave the target out")):
        refused = job.calibrate(*words, name)
        assert (refused.exit_code, said in refused.stderr) == (2, True)
    assert job.bundles == []


def test_benchmark_and_evaluate_name_the_command_that_goes_on(job, run, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for command in ("evaluate", "benchmark"):
        job.ends.append(End(state="failed", failure=LOST))
        lost = run(command, tmp_path / "m.onnx", "--dataset", tmp_path / "set", "--target", "lab", "--data-dir",
                   tmp_path / "data")  # fmt: skip
        folder = Path(lost.stderr.split("calibench run ")[1].split()[0].rstrip("."))
        assert (lost.exit_code, (folder / "bundle.json").is_file()) == (2, True)
        assert TargetError.__name__ in lost.stderr


@pytest.mark.parametrize("command", ["evaluate", "benchmark"])
def test_a_cluster_measures_nothing(run, job, tmp_path, command):
    run("target", "add", "farm", "dask", "slurm", "--workers", "4", "--data-dir", tmp_path / "data")
    refused = run(command, tmp_path / "m.onnx", "--dataset", tmp_path / "set", "--target", "farm", "--data-dir",
                  tmp_path / "data")  # fmt: skip
    assert refused.exit_code == 2
    assert "farm: is a cluster of workers" in refused.stderr
    assert job.bundles == []

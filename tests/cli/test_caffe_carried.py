"""`calibench caffe --target NAME`: where the files go, and what becomes of a job that does not end at once."""

from pathlib import Path

import pytest

from calibench.targets.bundle import End
from calibench.targets.bundle_files import read_bundle, write_end
from calibench.things.kept import Failure
from tiny_project import write_tiny

LOST = Failure(kind="LinkLost", message="me@lab: not reached for 10 min.")
WRITTEN = {
    "net_quantized.prototxt": "prototxt",
    "net_quantized.caffemodel": "weights",
    "net_quantized_force_u8.prototxt": "forced_prototxt",
    "net_new.caffemodel": "forced_weights",
}


@pytest.fixture
def job(monkeypatch, run, tmp_path):
    """The calibrator on a machine; each attempt ends as a test says, with the files that it names."""

    class Job:
        folder = tmp_path / "nets/.net_quantized.job"
        nets = tmp_path / "nets"

        def caffe(self, *words, target=("--target", "lab"), loss=0.1):
            files = ("-m", self.nets / "net.prototxt", "-w", self.nets / "net.caffemodel")
            asked = ("-i", 5, "-n", "accuracy-top1", "-l", loss)
            return run("caffe", *files, *asked, *words, *target, "--data-dir", tmp_path / "data")

        def made(self):
            """What lies beside the network beyond its own files."""
            own = {"net.prototxt", "net.caffemodel", "train_lmdb", "test_lmdb"}
            return {path.name for path in self.nets.iterdir()} - own

    job = Job()
    job.ends, job.bundles = [], []
    job.files = ["net_quantized.prototxt"]

    def run_bundle(folder: Path) -> End:
        job.bundles.append(read_bundle(folder))
        end = job.ends.pop(0)
        (folder / "remote.json").write_text('{"job_id": "r1", "phase": "started"}')
        if end.state == "done":
            (folder / "out/beside").mkdir(parents=True)
            for name in ("model.bin", "report.json", *(f"beside/{name}" for name in job.files)):
                (folder / "out" / name).write_text(f"{name} of {len(job.bundles)}")
            end = end.model_copy(
                update={"result": {"written": [WRITTEN[name] for name in job.files], "notes": ["so."]}}
            )
        write_end(end, folder)
        return end

    def answer(result, json_):
        for line in (result.report, *result.notes, *result.written.lines):
            print(line)

    monkeypatch.setattr("calibench.targets.run_bundle.run_bundle", run_bundle)
    monkeypatch.setattr("calibench.cli.caffe._answer", answer)
    monkeypatch.setattr("calibench.reports.report.read_report", lambda path: path)
    monkeypatch.chdir(tmp_path)
    write_tiny(job.nets)
    run("target", "add", "lab", "ssh://me@lab", "--host-key", "ssh-ed25519 AAAA", "--data-dir", tmp_path / "data")
    return job


def test_files_come_beside_the_network_and_nothing_else_stays(job, tmp_path):
    job.files = list(WRITTEN)
    job.ends.append(End(state="done"))
    done = job.caffe("-fu", "--repair", "--no-benchmark")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        f"{job.nets}/net_quantized/report.json",
        "so.",
        f"Updated prototxt {job.nets}/net_quantized.prototxt is generated.",
    ]
    assert job.made() == {*WRITTEN, "net_quantized"}
    assert {path.name for path in (job.nets / "net_quantized").iterdir()} == {"model.bin", "report.json"}
    (bundle,) = job.bundles
    assert (bundle.caffe.force_u8, bundle.caffe.repair, bundle.caffe.iterations) == (True, True, 5)
    assert (bundle.started_in, bundle.benchmark, bundle.settings.method) == (tmp_path, False, "accuracy-aware")


def test_another_folder_takes_report_and_model(job, tmp_path):
    job.ends.append(End(state="done"))
    assert job.caffe("-o", tmp_path / "there/out").exit_code == 0
    assert job.made() == {"net_quantized.prototxt"} and (tmp_path / "there/out/model.bin").is_file()
    assert not list((tmp_path / "there").glob(".*"))


def test_what_is_there_is_refused_before_the_work_and_replaced_with_force(job):
    job.ends += [End(state="done"), End(state="done")]
    assert job.caffe().exit_code == 0
    refused = job.caffe()
    assert (refused.exit_code, "net_quantized.prototxt: exists already" in refused.stderr) == (1, True)
    (job.nets / "net_quantized.caffemodel").write_text("of an earlier --repair")
    assert len(job.bundles) == 1
    assert job.caffe("--force").exit_code == 0
    assert (job.nets / "net_quantized.prototxt").read_text().endswith("of 2")
    assert not (job.nets / "net_quantized.caffemodel").exists()  # it would be taken for its weights


def test_a_lost_connection_keeps_the_job_and_the_same_command_goes_on(job, run, tmp_path):
    job.ends += [End(state="failed", failure=LOST), End(state="done")]
    lost = job.caffe()
    assert lost.exit_code == 2 and "the same command with --resume, and without --force" in lost.stderr, lost.stderr
    assert job.made() == {".net_quantized.job"}
    again = job.caffe()
    assert (again.exit_code, "is on its way from a target" in again.stderr) == (1, True)
    other = job.caffe("--resume", "-fu", loss=0.2)
    assert other.exit_code == 1
    assert "was begun otherwise (accuracy_loss, force_u8)" in other.stderr, other.stderr
    run("target", "add", "other", "ssh://me@other", "--host-key", "ssh-ed25519 AAAA", "--data-dir", tmp_path / "data")
    elsewhere = job.caffe("--resume", target=("--target", "other"))
    assert (elsewhere.exit_code, "was begun on ssh://me@lab:22, not on other" in elsewhere.stderr) == (1, True)
    resumed = job.caffe("--resume", target=())
    assert (resumed.exit_code, len(job.bundles)) == (0, 2), resumed.stderr
    assert job.made() == {"net_quantized.prototxt", "net_quantized"}


def test_an_interrupted_job_that_is_out_of_reach_is_kept_and_said(job):
    job.ends.append(End(state="cancelled"))
    stopped = job.caffe()
    assert stopped.exit_code == 130
    assert "may go on there. Go on with it: the same command with --resume" in stopped.stderr
    assert job.made() == {".net_quantized.job"}


def test_where_a_file_cannot_be_put_none_is_and_the_result_waits(job, monkeypatch):
    job.files = list(WRITTEN)
    job.ends += [End(state="done"), End(state="done")]

    def full(source, place):
        if place.name.startswith(".net_new"):
            raise OSError(28, "No space left on device", str(place))
        place.write_bytes(source.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr("calibench.caffe_tool.placed_files.shutil.copyfile", full)
        failed = job.caffe("-fu", "--repair")
    assert (failed.exit_code, "No space left on device" in failed.stderr) == (1, True), failed.stderr
    assert "The result waits here: the same command with --resume" in failed.stderr
    assert job.made() == {".net_quantized.job"}


def test_nothing_to_go_on_with_is_said(job):
    refused = job.caffe("--resume")
    assert (refused.exit_code, "nothing of it is on a target" in refused.stderr) == (1, True)
    assert job.bundles == []


def test_a_cluster_of_workers_is_refused(job, run, tmp_path):
    run("target", "add", "farm", "dask", "slurm", "--workers", "4", "--data-dir", tmp_path / "data")
    refused = job.caffe(target=("--target", "farm"))
    assert refused.exit_code == 2
    assert "farm: is a cluster of workers, and a Caffe network is calibrated by one machine" in refused.stderr
    assert job.made() == set()


def test_what_is_wrong_is_said_before_the_job_is_made(job):
    refused = job.caffe("-d", 1)
    assert (refused.exit_code, "-d 1" in refused.stderr, job.bundles) == (2, True, [])
    assert job.made() == set()

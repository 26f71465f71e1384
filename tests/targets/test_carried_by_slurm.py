"""A job that is carried to a real Slurm, which ends it."""

import sys
from pathlib import Path

import pytest
from carried_ways import Way, at_stage, carrier, wait_for
from slurm_cluster import SlurmCluster
from told_events import INPUTS, told

from calibench.targets.bundle_files import read_end
from calibench.things.target_spec import QueueSettings, TargetSpec

pytestmark = [pytest.mark.root, pytest.mark.targets]

SEARCH = {
    "kind": "calibrate",
    "settings": {**INPUTS, "method": "accuracy-aware", "accuracy": {"max_drop": 0.0, "front": 40, "max_trials": 500}},
    "benchmark": False,
}
LONG = {"kind": "benchmark", "points": {"seconds": 60, "rounds": 20}, "settings": INPUTS}


def test_a_job_that_its_queue_ends_fails_with_the_reason_and_leaves_nothing(
    slurm: SlurmCluster, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    home = tmp_path / "there"
    way = Way("slurm", TargetSpec(kind="slurm", python=sys.executable, home=str(home)), home)
    job = way.write(tmp_path / "job", **LONG, model=resnet, dataset=clothes)
    process = carrier(job)
    at_stage(job, "measure")
    slurm.command("scancel", *slurm.command("squeue", "--noheader", "-o", "%i").split())
    process.wait()
    end = read_end(job)
    assert end is not None and end.failure is not None
    assert end.failure.message.startswith(
        "this machine: the queue ended the job before it was done (cancelled in the queue, not by Calibench). Retry;"
    )
    assert way.jobs() == []
    assert way.processes() == []


def test_a_search_that_its_queue_cuts_off_comes_back_as_far_as_it_was(
    slurm: SlurmCluster, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    home = tmp_path / "there"
    way = Way("slurm", TargetSpec(kind="slurm", python=sys.executable, home=str(home)), home)
    job = way.write(tmp_path / "job", **SEARCH, model=resnet, dataset=clothes)
    process = carrier(job)
    wait_for(lambda: len(told(job, "trial")) > 1 or process.poll() is not None)
    slurm.command("scancel", "--signal=TERM", "--batch", *slurm.jobs())  # as at the walltime, in time to end in order
    process.wait()
    end = read_end(job)
    assert end is not None and end.failure is not None
    assert "the queue ended the job before it was done" in end.failure.message
    assert end.failure.message.endswith("What the search has found is kept: a retry goes on with it.")
    rows = (job / "out/search/journal.jsonl").read_text().splitlines()
    assert len(rows) >= len(told(job, "trial")) > 1
    assert way.jobs() == []
    assert way.processes() == []


def test_a_job_whose_node_dies_fails_with_the_name_of_the_node(
    slurm: SlurmCluster, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    home = tmp_path / "there"
    asked = QueueSettings(node_type="amx")
    way = Way("slurm", TargetSpec(kind="slurm", python=sys.executable, home=str(home), queue=asked), home)
    job = way.write(tmp_path / "job", **LONG, model=resnet, dataset=clothes)
    process = carrier(job)
    at_stage(job, "measure")
    slurm.kill("n2")
    slurm.command("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=died")
    for lost in way.processes():
        lost.kill()
    process.wait()
    end = read_end(job)
    assert end is not None and end.failure is not None
    assert end.failure.message == (
        "this machine: the queue ended the job before it was done (node failure: the node n2 that it ran on failed). "
        "Retry: the queue takes another node, or waits for this one."
    )
    assert way.jobs() == []

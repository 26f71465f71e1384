"""A job that is carried to a real Slurm, which ends it."""

import sys
from pathlib import Path

import pytest
from carried_ways import Way, at_stage, carrier
from slurm_cluster import SlurmCluster
from told_events import INPUTS

from calibench.targets.bundle_files import read_end
from calibench.things.target_spec import TargetSpec

pytestmark = [pytest.mark.root, pytest.mark.targets]

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

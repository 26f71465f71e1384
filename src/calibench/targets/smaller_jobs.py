"""Jobs of a few lines: the sample files, a look at the machine, another point of a search."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from calibench.demo.files import SAMPLE_SETTINGS, prepare
from calibench.errors import JobError, SettingsError
from calibench.machine import describe_machine
from calibench.models.read import read_model
from calibench.reports import picking
from calibench.targets.import_dataset import dataset_facts_of
from calibench.targets.model_facts import model_facts
from calibench.targets.running import Running
from calibench.targets.target_check import PASSPHRASE, check_target

SCENES = 300
"""Pictures in each of the two datasets of the sample."""


def make_sample(job: Running) -> dict[str, Any]:
    """A real network and two annotated datasets, in out/model, out/calibration and out/validation.

    Returns:
        For each of the three folders the fields of KeptModel or KeptDataset.

    Raises:
        ModelError, DatasetError: a package cannot be fetched.
    """
    begun = 0

    def tell(line: str) -> None:
        nonlocal begun
        job.tell.note(line[:1].upper() + line[1:])
        if line.startswith("making"):
            job.tell("write", begun, 2)
            begun += 1
        else:
            job.tell("fetch", 0, 1)

    files = prepare(job.out, SCENES, tell)
    shutil.rmtree(job.out / "packages", ignore_errors=True)  # 260 MB, of which the scenes hold what they need
    for made, name in ((files.calibration, "calibration"), (files.validation, "validation")):
        shutil.rmtree(job.out / name, ignore_errors=True)  # of an attempt before this one
        made.replace(job.out / name)
    model = {"entry": files.model.name, **model_facts(read_model(files.model)), "accuracy_settings": SAMPLE_SETTINGS}
    datasets = {name: dataset_facts_of(job, job.out / name) for name in ("calibration", "validation")}
    return {"model": {**model, "notes": []}, **datasets}


def look_at_machine(job: Running) -> dict[str, Any]:
    """What this machine is and can do; of another target what is seen from here, and its faults."""
    target = job.bundle.target
    if target is not None and not target.is_here:
        found = asyncio.run(check_target(target, os.environ.get(PASSPHRASE)))
        return {**found, "faults": [fault.model_dump() for fault in found["faults"]]}
    return describe_machine().model_dump(mode="json")


def pick_point(job: Running) -> dict[str, Any]:
    """Another point of the front of a search, as a complete result in out/.

    Raises:
        SettingsError, JobError: as `pick`; no point is what was asked for.
    """
    bundle = job.bundle
    if bundle.result is None:
        raise SettingsError("pick: no result is named. Give the folder of an accuracy-aware calibration.")
    found = picking.pick(Path(bundle.result), bundle.max_drop, bundle.min_fps, job.out, force=True)
    if not found.is_reached:
        raise JobError(found.why_not)
    return found.as_json()

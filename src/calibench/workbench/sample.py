"""The sample: a real model and two real datasets, for who has none at hand."""

import threading

from calibench.store.refused import NotThere
from calibench.store.store import Store
from calibench.targets.bundle import Bundle
from calibench.things.kept import ENDED, Job, KeptDataset, KeptModel
from calibench.workbench.job_book import JobBook

_asking = threading.Lock()  # of two requests at once one makes the job, the other finds it


def ask_for_sample(store: Store, jobs: JobBook) -> Job:
    """Import the sample's model and datasets.

    Returns:
        The job that does so. Where one is on its way, that one; where all three things are there already, the job that
        brought them: it is done, and its `result` names them.
    """
    with _asking:
        for job in store.all(Job, where={"kind": "sample"}):
            if job.state not in ENDED or (job.state == "done" and _are_there(store, job)):
                return job
        return jobs.submit("sample", "Import the sample", Bundle(kind="sample"))


def _are_there(store: Store, job: Job) -> bool:
    try:
        store.get(KeptModel, int(job.result["model_id"]))
        for part in ("calibration", "validation"):
            store.get(KeptDataset, int(job.result[f"{part}_dataset_id"]))
    except (NotThere, KeyError):
        return False
    return True

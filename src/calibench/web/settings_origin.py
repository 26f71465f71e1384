"""Who said what the accuracy settings of a model are."""

from typing import TYPE_CHECKING

from calibench.store.refused import NotThere
from calibench.things.kept import Job, KeptModel

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def settings_words(workbench: "Workbench", model: KeptModel) -> str:
    """Whether accuracy settings are there, and where they come from."""
    if not model.accuracy_settings:
        return "missing"
    if not model.are_settings_confirmed:
        return "guessed from the model, not confirmed yet"
    return "set by the sample" if _are_of_sample(workbench, model) else "confirmed"


def _are_of_sample(workbench: "Workbench", model: KeptModel) -> bool:
    """Did the sample bring them, and has nobody saved others since?"""
    try:
        source = model if model.parent_id is None else workbench.models.get(model.parent_id)
        job: Job | None = workbench.jobs.get(source.job_id) if source.job_id is not None else None
    except NotThere:
        return False
    return job is not None and job.kind == "sample" and job.result.get("accuracy_settings") == source.accuracy_settings

"""Settle the settings before a long run: guess what was left open, try it on a few samples, say what seems wrong."""

from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.datasets.detect import holds_images, list_pictures
from calibench.datasets.guess import guess_inputs
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.datasets.pictures import Pictures
from calibench.errors import SettingsError
from calibench.evaluation.diagnose import Diagnosis, Finding, diagnose
from calibench.evaluation.judge import Judge, make_judge
from calibench.models.ports import port_name
from calibench.progress import Progress
from calibench.settings import InputSettings, Settings, TaskSettings


@dataclass(frozen=True)
class Settled:
    """Settings with nothing left open.

    Attributes:
        notes: what was guessed, for a person.
        warnings: what seems wrong, with the option that mends it.
        findings: what trying has shown to be wrong, taken or only warned about.
        mended: the settings with all of that put right; None where nothing seems wrong.
    """

    settings: Settings
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    mended: Settings | None = None


def settle(model: ov.Model, dataset: Path | Dataset, settings: Settings, threads: int, progress: Progress) -> Settled:
    """Guess input settings, and try them on a few annotated pictures.

    What a person set is never changed, only warned about; what was left open is taken as trying has shown.

    Args:
        model: as it was read, with what its file says of itself.
        dataset: that decides accuracy.

    Raises:
        CalibenchError: model, dataset and settings do not fit together.
    """
    _check_files(settings)
    _check_batch(model, settings.batch)
    if not isinstance(dataset, Path) or not dataset.is_dir() or not holds_images(dataset, settings.data):
        return Settled(settings)
    listing = list_pictures(dataset, settings.data)
    name = next((port_name(port) for port in model.inputs if port_name(port) in settings.inputs), "")
    given = settings.input(name)
    guessed, note = guess_inputs(model, given, listing)
    if guessed != given:
        settings = settings.model_copy(update={"inputs": {**settings.inputs, name: guessed}})
    notes = (note,) if note else ()
    plan = plan_inputs(model, settings)
    if plan.image_input is None or len(plan.inputs) > 1 or not settings.diagnose:
        return Settled(settings, notes)
    found = _try_out(model, Pictures(listing, plan.images[0]), plan, settings, threads, progress)
    return Settled(settings, notes) if found is None else _adopt(found, settings, name, given, notes)


def _check_files(settings: Settings) -> None:
    """Refuse a file that is not there even where this task would not read it: who names one counts on it."""
    named = {
        "task.class_names": settings.task.class_names,
        "task.characters": settings.task.characters,
        "data.labels": settings.data.labels,
        "data.tokenizer": settings.data.tokenizer,
    }
    for setting, path in named.items():
        if path is not None and not path.is_file():
            raise SettingsError(f"{setting}: there is no file {path}. Give another, or leave it out.")


def _check_batch(model: ov.Model, batch: int) -> None:
    """Refuse a batch that the model cannot take, before anything is decoded: samples are joined at the first axis."""
    shapes = {port_name(port): port.get_partial_shape() for port in model.inputs}
    if batch == 1 or any(shape.rank.is_dynamic or len(shape) == 0 for shape in shapes.values()):
        return
    for name, shape in shapes.items():
        if shape[0].is_static and shape[0].get_length() != batch:
            raise SettingsError(
                f"--batch {batch}: input {name} is {shape}, so that the batch is fixed. Leave --batch out, or export "
                "the model with a free batch."
            )


def _try_out(
    model: ov.Model, pictures: Pictures, plan: InputPlan, settings: Settings, threads: int, progress: Progress
) -> Diagnosis | None:
    def judge(task: TaskSettings) -> Judge:
        return make_judge(model, plan, pictures, settings.model_copy(update={"task": task}))

    return diagnose(model, pictures, judge, settings.task, settings.device, threads, progress)


def _adopt(found: Diagnosis, settings: Settings, name: str, given: InputSettings, notes: tuple[str, ...]) -> Settled:
    """Take what was found where the person had left everything open; else only warn: who sets one thing means the rest.

    A size alone says nothing of how values are prepared.
    """
    if not found.findings:
        return Settled(settings, notes, found.sentences)
    mended = settings.model_copy(update={"inputs": {**settings.inputs, name: found.inputs}, "task": found.task})
    is_set = bool(given.model_fields_set - {"size", "layout"}) or "label_offset" in settings.task.model_fields_set
    if is_set:
        return Settled(settings, notes, found.sentences, found.findings, mended)
    says = " ".join(finding.says for finding in found.findings)
    last = found.findings[-1]
    said = (
        f"Found by trying on {last.samples} samples: {says} ({found.metric} {last.after:.1f} {found.unit}, "
        f"{found.findings[0].before:.1f} without)."
    )
    return Settled(mended, (*notes, said), (), found.findings, mended)

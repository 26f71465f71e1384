"""Why INT8 calibration is not possible in a project, in the order in which it is worth saying, with the way out."""

from collections.abc import Iterator
from dataclasses import dataclass

from calibench.machine import WITHOUT_INT8
from calibench.things.kept import Hindrance, Job, KeptDataset, KeptModel, Project, Target
from calibench.workbench.fitting import doubts, fit
from calibench.workbench.kept_models import differs

GOOD_SCORE = 75.0
"""Percent; classes in a wrong order give less, unless most of them stand in their places by chance."""
LARGE_DROP = 5.0
"""Percentage points of INT8 below FP32 from which something is wrong rather than lost in rounding."""
FEW_SAMPLES = 100
"""Annotated samples below which a drop of half a point is less than one sample."""


@dataclass(frozen=True)
class About:
    """What decides whether a project can be calibrated.

    Attributes:
        baseline: the last baseline job of the project.
        why_no_score: of a baseline that is done: why it gave no score; empty where it gave one.
        family: the project of the FP32 model that an INT8 project belongs to.
    """

    project: Project
    model: KeptModel
    dataset: KeptDataset
    target: Target
    baseline: Job | None = None
    why_no_score: str = ""
    family: Project | None = None


def calibration_hindrances(about: About) -> tuple[Hindrance, ...]:
    """Why INT8 cannot be calibrated here; (): it can."""
    found = (*_of_project(about), *_of_model(about), *_of_device(about), *_of_dataset(about))
    return found or tuple(_of_baseline(about)) + tuple(_of_settings(about))


def method_hindrances(about: About) -> tuple[Hindrance, ...]:
    """Why the accuracy-aware method is not possible, where the default one is; (): it is."""
    return (*_of_annotations(about), *_of_settings(about))


def remarks(about: About) -> tuple[Hindrance, ...]:
    """What a person should know before a calibration, and what hinders nothing."""
    return tuple(_said(about))


def _of_project(about: About) -> Iterator[Hindrance]:
    if about.project.is_archived:
        yield Hindrance(
            code="archived",
            sentence="This project is archived: it can be read, not changed.",
            action="Take it out of the archive",
            link=f"PUT /api/v1/projects/{about.project.id}/archived",
        )


def _of_model(about: About) -> Iterator[Hindrance]:
    model, family = about.model, about.family
    if model.parent_id is not None:
        yield Hindrance(
            code="int8-child",
            sentence=f"{model.name} is an INT8 model that was calibrated already. Only its FP32 model can be.",
            action="Go to the FP32 project" if family else "Go to the FP32 model",
            link=f"/projects/{family.id}" if family else f"/models/{model.parent_id}",
        )
    elif model.state == "importing":
        yield Hindrance(code="model-importing", sentence=f"{model.name} is still being imported.", link="/jobs")
    elif model.state == "failed":
        reason = f": {model.failure.message}" if model.failure else "."
        yield Hindrance(
            code="model-failed",
            sentence=f"{model.name} could not be imported{reason}",
            action="Go to the model",
            link=f"/models/{model.id}",
        )
    elif model.is_quantized:
        yield Hindrance(
            code="quantized",
            sentence=f"{model.name} holds FakeQuantize or INT8 weights: it is quantized already and needs no "
            "calibration. Its speed and accuracy can be measured.",
        )
    elif model.int8_layers == 0:
        yield Hindrance(
            code="nothing-to-quantize",
            sentence=f"{model.name} has no layer that runs in INT8.",
            action="See its layers",
            link=f"/models/{model.id}",
        )


def _of_device(about: About) -> Iterator[Hindrance]:
    device, machine = about.project.device, about.target.machine
    family = device.upper().partition(".")[0].partition(":")[0]
    new = {"action": "Choose another device", "link": f"/projects/new?model={about.model.id}"}
    if family in WITHOUT_INT8:
        yield Hindrance(code="device-without-int8", sentence=f"{device} has no INT8: {WITHOUT_INT8[family]}.", **new)
    elif machine is not None and "devices" in machine:  # what one from afar has, its job will say
        devices = machine["devices"]
        abilities = devices.get(device, devices.get(f"{device}.0"))
        if abilities is None:
            there = ", ".join(devices) or "none"
            sentence = f"{about.target.name} has no device {device}. It has: {there}."
            yield Hindrance(code="device-missing", sentence=sentence, **new)
        elif "INT8" not in abilities:
            sentence = f"{device} of {about.target.name} has no INT8, only {', '.join(abilities)}."
            yield Hindrance(code="device-without-int8", sentence=sentence, **new)


def _of_dataset(about: About) -> Iterator[Hindrance]:
    dataset = about.dataset
    if dataset.state == "importing":
        yield Hindrance(code="dataset-importing", sentence=f"{dataset.name} is still being imported.", link="/jobs")
    elif dataset.state == "failed":
        reason = f": {dataset.failure.message}" if dataset.failure else "."
        yield Hindrance(
            code="dataset-failed",
            sentence=f"{dataset.name} could not be imported{reason}",
            action="Go to the dataset",
            link=f"/datasets/{dataset.id}",
        )
    elif about.model.state == "ready" and (misfit := fit(about.model, dataset)):
        yield misfit


def _of_baseline(about: About) -> Iterator[Hindrance]:
    if about.project.result is not None:
        return
    run = {"action": "Run the baseline", "link": f"POST /api/v1/projects/{about.project.id}/baseline"}
    job = about.baseline
    if job is None:
        sentence = "The FP32 model was not measured yet, and INT8 is compared with it. Run the baseline first."
        yield Hindrance(code="baseline-missing", sentence=sentence, **run)
    elif job.state in ("queued", "running", "cancelling", "done"):
        sentence = "The baseline is being measured. INT8 can be calibrated when it is done."
        yield Hindrance(code="baseline-running", sentence=sentence, action="See the job", link=f"/jobs/{job.id}")
    elif job.state == "failed":
        reason = f": {job.failure.message}" if job.failure else "."
        yield Hindrance(code="baseline-failed", sentence=f"The baseline failed{reason}", **run)
    else:
        yield Hindrance(code="baseline-cancelled", sentence="The baseline was cancelled before it was done.", **run)


def _of_settings(about: About) -> Iterator[Hindrance]:
    """Nothing is known of how pictures enter the model: ranges would be those of other pictures.

    A score of the FP32 model tells it: what was wrong in the default would have been found by trying.
    """
    is_known = about.model.are_settings_confirmed or _is_guessed(about.model)
    if _settings_matter(about) and not is_known and about.project.headline.baseline is None:
        yield Hindrance(
            code="settings-missing",
            sentence=f"It is not known how pictures enter {about.model.name}: colour order, mean and scale.",
            action="Set accuracy settings",
            link=_settings_page(about),
        )


def _of_annotations(about: About) -> Iterator[Hindrance]:
    dataset = about.dataset
    another = {"action": "Import an annotated dataset", "link": "/datasets"}
    if not dataset.annotated:
        sentence = (
            f"{dataset.name} has no annotations, and AccuracyAware decides by accuracy. The Default method needs none."
        )
        yield Hindrance(code="not-annotated", sentence=sentence, **another)
    elif about.why_no_score:
        sentence = f"AccuracyAware decides by accuracy, and {about.model.name} has no score here: {about.why_no_score}"
        yield Hindrance(code="no-score", sentence=sentence, **another)


def _said(about: About) -> Iterator[Hindrance]:
    model, dataset, head = about.model, about.dataset, about.project.headline
    if model.has_fp16_weights:
        yield Hindrance(code="fp16-weights", sentence="The weights are stored as FP16; they are computed as FP32.")
    is_original = about.project.parent_id is None
    if is_original and _settings_matter(about) and _is_guessed(model) and not model.are_settings_confirmed:
        yield Hindrance(
            code="settings-guessed",
            sentence=f"How pictures enter {model.name} was guessed. Look whether the predictions are right.",
            action="Check accuracy settings",
            link=_settings_page(about),
        )
    if is_original and (head.baseline is None or head.unit != "%" or head.baseline < GOOD_SCORE):
        for sentence in doubts(model, dataset):
            yield Hindrance(code="dataset-doubted", sentence=sentence)
    if is_original and about.project.result and differs(model, about.project.settings):
        yield Hindrance(
            code="baseline-outdated",
            sentence="The accuracy settings were changed since the baseline: its score is of the settings before.",
            action="Run the baseline again",
            link=f"POST /api/v1/projects/{about.project.id}/baseline",
        )
    if dataset.annotated and dataset.samples < FEW_SAMPLES:
        yield Hindrance(
            code="few-samples",
            sentence=f"{dataset.name} has {dataset.samples} samples, and one of them is "
            f"{100 / max(dataset.samples, 1):.1f} points: small drops cannot be told from none.",
        )
    if head.drop_points is not None and head.unit == "%" and head.drop_points > LARGE_DROP:
        yield Hindrance(
            code="large-drop",
            sentence=f"INT8 loses {head.drop_points:.1f} points, more than {LARGE_DROP:g}. Check the accuracy "
            "settings, or calibrate again with AccuracyAware.",
            action="Check accuracy settings",
            link=_settings_page(about),
        )


def _settings_matter(about: About) -> bool:
    """Whether samples are prepared before they enter the model: pictures are."""
    return about.dataset.has_pictures


def _is_guessed(model: KeptModel) -> bool:
    return bool(model.accuracy_settings.get("inputs"))


def _settings_page(about: About) -> str:
    id = about.model.parent_id or about.model.id
    return f"/models/{id}/accuracy?dataset={about.dataset.id}"

"""The first visit: three steps with what each needs, the sample beside one's own files."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.web.import_page import DATASET, MODEL
from calibench.web.link_button import link_button
from calibench.web.sample_offer import SampleOffer
from calibench.web.words import state, text

if TYPE_CHECKING:
    from calibench.things.kept import KeptDataset, KeptModel
    from calibench.workbench.door import Workbench

PROJECT_NEEDS = "Model, dataset and this machine: the FP32 model is measured first, then it is calibrated to INT8."


def shown_things(workbench: "Workbench") -> tuple[object, ...]:
    """What the steps are drawn from: as long as it is the same, they need not be drawn anew."""
    models = [(model.name, model.state) for model in workbench.models.all()]
    datasets = [(dataset.name, dataset.state) for dataset in workbench.datasets.all()]
    sample = [(job.id, job.state) for job in workbench.jobs.all(kind="sample", limit=1)]
    return models, datasets, sample


def first_visit(workbench: "Workbench") -> None:
    """Draw the steps; what is there already is ticked."""
    models, datasets = workbench.models.all(), workbench.datasets.all()
    text("Is INT8 worth it for your model on this machine?", "h1")
    text("Three steps, and you know what it gains and what it costs in accuracy.", "p").classes("quiet")
    text("Import your own", "h2")
    with ui.element("ol").classes("steps"):
        with _step(1, "A model", MODEL.needs):
            _there(models, "models")
            _button("Import a model", "/models/import?back=/", is_next=not models)
        with _step(2, "A dataset", DATASET.needs):
            _there(datasets, "datasets")
            _button("Import a dataset", "/datasets/import?back=/", is_next=bool(models) and not datasets)
        with _step(3, "A project", PROJECT_NEEDS):
            _third(models, datasets)
    SampleOffer(workbench)


def _step(number: int, title: str, needs: str) -> ui.element:
    with ui.element("li").classes("panel step"):
        with ui.element("div").classes("line"):
            text(str(number)).classes("step-number").props('aria-hidden="true"')
            text(title, "h2")
        text(needs, "p").classes("quiet")
        return ui.element("div").classes("stack step-foot")


def _there(things: "tuple[KeptModel, ...] | tuple[KeptDataset, ...]", folder: str) -> None:
    for thing in things[:3]:
        with ui.element("div").classes("line"):
            state(thing.state)
            ui.link(thing.name, f"/{folder}/{thing.id}").classes("name")


def _third(models: "tuple[KeptModel, ...]", datasets: "tuple[KeptDataset, ...]") -> None:
    if models and datasets:
        model = min(models, key=lambda each: (each.state != "ready", -each.id))
        dataset = min(datasets, key=lambda each: (each.state != "ready", not each.annotated, -each.id))
        _button("New project", f"/projects/new?model={model.id}&dataset={dataset.id}", is_next=True)
    else:
        text("After the first two.", "p").classes("quiet")


def _button(label: str, path: str, is_next: bool) -> None:
    look = "unelevated" if is_next else "outline"
    link_button(label, path).props(look)

"""A model: its family with what INT8 costs and gains, and what the model is."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.things.kept import Event, KeptModel, Port, Project
from calibench.web import looks
from calibench.web.asking import ask_name, dialog
from calibench.web.compared_machines import draw_machines
from calibench.web.deleting import ask_deletion
from calibench.web.live import follow, gathered
from calibench.web.model_family import draw_family
from calibench.web.model_list import precision_words
from calibench.web.page_frame import Crumbs, frame, page, rename_page
from calibench.web.page_words import in_page
from calibench.web.possible import PossibleButton
from calibench.web.returning import address_with
from calibench.web.settings_origin import settings_words
from calibench.web.thing_page import draw_state, fact, say_deleted
from calibench.web.words import note, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def register(workbench: "Workbench") -> None:
    """`/models/{id}`."""

    @page(workbench, "/models/{model_id}")
    def model_page(model_id: int) -> None:
        model = workbench.models.get(model_id)
        with frame(workbench, model.name, _crumbs(workbench, model)):
            ModelPage(workbench, model_id)


def _crumbs(workbench: "Workbench", model: KeptModel) -> Crumbs:
    above = [("Models", "/models")]
    if model.parent_id is not None:
        above.append((workbench.models.get(model.parent_id).name, f"/models/{model.parent_id}"))
    return above


def calibration_hindrance(model: KeptModel) -> str:
    """Why this model cannot be calibrated, whatever the project; '': it can."""
    if model.state == "importing":
        return "It is still being imported."
    if model.state == "failed":
        return "It could not be imported."
    if model.parent_id is not None:
        return "It is INT8 already; only the FP32 model that it was made from can be calibrated."
    if model.is_quantized:
        return "It holds FakeQuantize or INT8 weights: it is quantized already."
    if model.int8_layers == 0 and model.operations:
        return "It has no layer that runs in INT8."
    return ""


class ModelPage:
    """The page below its head; drawn anew when the model or its family changes."""

    def __init__(self, workbench: "Workbench", model_id: int) -> None:
        self.workbench, self.id = workbench, model_id
        self.place = ui.element("div").classes("stack wide page-body")
        self._again = gathered(self._draw, 0.5)
        follow(workbench, self._hear, "model", "project")
        self._draw()

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self._again()

    def _draw(self) -> None:
        self.place.clear()
        with self.place:
            try:
                self.model = self.workbench.models.get(self.id)
                family = self.workbench.models.family(self.id)
            except NotThere:
                say_deleted("model", "/models")
                return
            rename_page(self.model.name)
            self._head()
            draw_state(self.workbench, self.model)
            for words in _notes(self.model):
                note(in_page(words))
            if self.model.state == "ready":
                draw_family(self.workbench, family, self.id)
                draw_machines(self.workbench, self.model)
                self._facts()

    def _head(self) -> None:
        model = self.model
        with ui.element("div").classes("line apart head-of-page"):
            text(model.name, "h1")
            with ui.element("div").classes("line"):
                ui.button("Rename", icon="edit", on_click=self._rename).props("no-caps flat dense")
                if model.state == "ready":
                    download = f"/api/v1/models/{model.id}/download"
                    ui.button("Download", icon="download", on_click=lambda: ui.download(download)).props(
                        "no-caps flat dense"
                    )
                ui.button("Delete", icon="delete", on_click=self._delete).props("no-caps flat dense")
        with ui.element("div").classes("line"):
            PossibleButton("Calibrate to INT8", self._calibrate, "speed").allow(calibration_hindrance(model))
            if model.parent_id is not None:
                ui.link("Go to its FP32 model", f"/models/{model.parent_id}")
            elif model.state == "ready":
                ui.link("Accuracy settings", f"/models/{model.id}/accuracy")
            measured = newest_measured(self.workbench.projects.all(), model)
            if measured is not None:
                ui.link("Layers with their times", f"/projects/{measured.id}?tab=layers")

    def _facts(self) -> None:
        model = self.model
        with ui.element("section").classes("panel"):
            text("What it is", "h2")
            with ui.element("dl").classes("facts"):
                fact("Format", f"{model.format} ({model.entry})")
                fact("Precision", precision_words(model))
                fact("Size", looks.size(model.size_bytes))
                if model.multiply_adds is not None:
                    fact("Multiply-adds of a sample", looks.large(model.multiply_adds))
                fact("Operations", f"{model.operations:,}")
                fact("Layers", layer_words(model))
                fact("Inputs", ports(model.inputs))
                fact("Outputs", ports(model.outputs))
                if model.parent_id is None:
                    fact("Accuracy settings", settings_words(self.workbench, model))
                fact("Imported" if model.parent_id is None else "Made", looks.moment(model.created))

    def _calibrate(self) -> None:
        projects = [
            each
            for each in self.workbench.projects.all()
            if each.model_id == self.id and each.parent_id is None and not each.is_archived
        ]
        if not projects:
            ui.navigate.to(address_with("/projects/new", model=self.id))
            return
        with dialog("In which project?"):
            text("Dataset and target belong to a project.", "p").classes("quiet")
            with ui.element("ul").classes("stack"):
                for project in projects:
                    with ui.element("li").classes("panel"):
                        self._offer(project)
            ui.link("A new project", address_with("/projects/new", model=self.id))

    def _offer(self, project: Project) -> None:
        try:
            dataset = self.workbench.datasets.get(project.dataset_id).name
            target = self.workbench.targets.get(project.target_id).name
            hindrances = self.workbench.projects.hindrances(project.id)
        except CalibenchError as error:
            text(str(error), "p")
            return
        text(project.name, "h3").classes("name")
        text(f"{dataset} × {target}, {project.device}", "p").classes("quiet name")  # noqa: RUF001
        with ui.element("div").classes("line"):
            go = PossibleButton("Calibrate here", address=f"/projects/{project.id}/optimize")
            go.allow(hindrances[0].sentence if hindrances else "")
            if hindrances:
                ui.link("Go to the project", f"/projects/{project.id}")

    def _rename(self) -> None:
        ask_name(
            "model", self.model.name, self.model.version, lambda asked: self.workbench.models.rename(self.id, asked)
        )

    def _delete(self) -> None:
        models = self.workbench.models
        ask_deletion(
            "model",
            self.model.name,
            lambda: models.would_delete(self.id),
            lambda leave: models.delete(self.id, leave),
            "/models",
        )


def ports(found: tuple[Port, ...]) -> str:
    """Inputs or outputs in one line."""
    return "; ".join(f"{port.name} {port.shape} {port.type}" for port in found) or looks.NOTHING


def newest_measured(projects: Iterable[Project], model: KeptModel) -> Project | None:
    """The newest project in which the model ran, so that its layers have times; None where there is none."""
    own = [each for each in projects if each.model_id == model.id and each.result is not None]
    own = [each for each in own if (each.parent_id is None) == (model.parent_id is None)]
    return max(own, key=lambda each: each.id, default=None)


def layer_words(model: KeptModel) -> str:
    """How many layers are, or can be, INT8."""
    if model.is_quantized:
        more = ", additions and the like among them" if model.parent_id else ""  # as its report counts them
        return f"{model.int8_layers:,} in INT8, {model.float_layers:,} in float{more}"
    rest = f"; {model.float_layers:,} cannot" if model.float_layers else ""
    return f"{looks.count(model.int8_layers, 'layer')} with weights can run in INT8{rest}"


def _notes(model: KeptModel) -> list[str]:
    said = list(model.notes)
    if model.has_fp16_weights and not any("FP16" in each for each in said):
        said.append("Its weights are stored as FP16; they count as FP32.")
    return said

"""The page Optimize INT8: how a model shall be calibrated, checked as it is typed."""

import re
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.asked import AskCalibration
from calibench.things.kept import Event, KeptDataset
from calibench.web import looks
from calibench.web.button_looks import FLAT
from calibench.web.calibration_choice import dataset_options, fitting, suggestion
from calibench.web.hindrance_notes import hindrance_notes
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.opened_project import OpenedProject, open_project
from calibench.web.optimize_fields import (
    Fields,
    advanced_fields,
    method_cards,
    part,
    point_fields,
    scheme_cards,
    subset_fields,
)
from calibench.web.optimize_form import Draft, asked_for, fresh
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.points_form import show_error
from calibench.web.possible import PossibleButton
from calibench.web.returning import import_address
from calibench.web.tab_drafts import tab_draft
from calibench.web.taken_names import field_and_words, taken_words
from calibench.web.words import note, tell, text
from calibench.workbench.worker_processes import why_no_workers

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

SUGGESTED = "Suggested, because it is not {own}, which decides accuracy."
FEW_IMAGES = 100
"""Images below which ranges may not be settled; 300 to 1000 are advised."""


def register(workbench: "Workbench") -> None:
    """`/projects/{id}/optimize`; `calibration` names the dataset that an import leads back with."""

    @page(workbench, "/projects/{project_id}/optimize")
    async def optimize_page(project_id: int, calibration: int | None = None) -> None:
        opened = open_project(workbench, project_id)
        above = [("Projects", "/"), (opened.project.name, f"/projects/{project_id}?sub=optimize")]
        with frame(workbench, "Optimize INT8", above):
            text("Optimize INT8", "h1")
            place = ui.element("div").classes("stack")
        draft = await tab_draft(f"optimize {project_id}", begin(opened))
        if draft is None:
            return
        if calibration is not None:
            draft["calibration"] = calibration
        with place:
            OptimizeForm(opened, draft)


def begin(opened: OpenedProject) -> Draft:
    """Entries to begin with; where nobody has chosen, with a dataset that does not decide accuracy."""
    draft = fresh(opened.project.ask)
    if not opened.project.ask:
        draft |= suggestion(opened)
    return draft


class OptimizeForm:
    """The form and its summary; every change is checked at once."""

    def __init__(self, opened: OpenedProject, draft: Draft) -> None:
        self.opened, self.draft = opened, draft
        self.workbench, self.id = opened.workbench, opened.id
        self.fields: Fields = {}
        self.is_drawn = False
        self.hindrances = self.workbench.projects.hindrances(self.id)
        follow(self.workbench, self._hear, "dataset", "model", "project")
        self._again = gathered(self._read_again)
        self._draw()
        self.is_drawn = True
        self._check()

    def _draw(self) -> None:
        self.why_not = ui.element("div").classes("stack")
        self._say_hindrances()
        with ui.element("div").classes("form-page"):
            with ui.element("div").classes("stack form-parts"):
                self._dataset_part()
                self._method_part()
                self._scheme_part()
                self._further_parts()
            self._summary()

    def _dataset_part(self) -> None:
        with part("Calibration dataset", "Its images set the ranges of INT8. Use other images than those that decide "
                  "accuracy: a model fits the images that it was calibrated on better than others."):  # fmt: skip
            with ui.element("div").classes("line"):
                self.dataset = ui.select({}, label="Calibration dataset", with_input=False).props("dense outlined")
                self.dataset.classes("dataset-field")
                self.dataset.on_value_change(self._choose_dataset)
                back = f"/projects/{self.id}/optimize"
                address = import_address("datasets", back, "calibration")
                link_button("Import", address, "upload").props(FLAT)
            self.misfits = text("", "p").classes("quiet")
            self.dataset_note = ui.element("div").classes("stack")
            self.fields |= subset_fields(self.draft, self._check)
            self.images = text("", "p").props('role="status"')
        self._fill_datasets()

    def _fill_datasets(self) -> None:
        """The datasets that can set the ranges; those that cannot are counted, with a reason."""
        good, bad = fitting(self.opened)
        options = dataset_options(good, self.opened.dataset)
        if self.draft["calibration"] not in options:
            self.draft["calibration"] = None
        self.dataset.set_options(options, value=self.draft["calibration"])
        words = f"Not offered: {looks.count(len(bad), 'dataset')}. {bad[0].sentence}" if bad else ""
        self.misfits.set_text(words)
        self.misfits.set_visibility(bool(words))

    def _choose_dataset(self, event: Any) -> None:
        self.draft["calibration"] = event.value
        self._check()

    def _method_part(self) -> None:
        with part("Optimization method"):
            self.methods, fields = method_cards(self.draft, self._check, self.opened.project.headline.unit)
            self.fields |= fields
        self._grey_method()

    def _grey_method(self) -> None:
        """AccuracyAware needs annotations and settings that somebody looked at."""
        why = self.workbench.projects.method_hindrances(self.id, self.draft["calibration"])
        self.methods.grey("accuracy-aware", bool(why))
        notes = self.methods.notes["accuracy-aware"]
        notes.clear()
        if why:
            with notes:
                hindrance_notes(self.workbench, why)
            if self.draft["method"] == "accuracy-aware":
                self.methods.choose("default")

    def _scheme_part(self) -> None:
        with part("Calibration scheme"):
            scheme_cards(self.draft, self._check)

    def _further_parts(self) -> None:
        with part("Inference settings", "Where the speed of the calibrated model is measured, beside FP32."):
            self.fields |= point_fields(self.draft, self._check)
        with ui.expansion("Advanced settings", icon="tune").classes("panel-fold"):
            self.fields |= advanced_fields(self.draft, self._check, why_no_workers(self.opened.target))

    def _summary(self) -> None:
        with ui.element("aside").classes("panel aside").props('aria-label="Summary"'):
            text("What will be done", "h2")
            self.summary = ui.element("dl").classes("facts")
            name = ui.input("Name of the INT8 model").props("dense outlined maxlength=100")
            name.props('hint="Empty: from model, method and scheme"').set_value(self.draft["name"])
            name.on_value_change(self._name)
            self.fields["name"] = name
            self.button = PossibleButton("Calibrate", self._calibrate, "play_arrow")
            ui.button("Back to the defaults", on_click=self._forget).props(FLAT)

    def _name(self, event: Any) -> None:
        self.draft["name"] = event.value or ""
        self._check()

    def _check(self) -> AskCalibration | None:
        """Say what is wrong beside its field, and what would be done."""
        if not self.is_drawn:
            return None
        ask, errors = asked_for(self.draft)
        if words := taken_words(self.draft["name"], self.opened):
            ask, errors = None, {**errors, "name": words}
        for name, field in self.fields.items():
            show_error(field, errors.get(name))
        self._say_dataset()
        estimate = self._estimate(ask)
        self._say_images(estimate)
        self._summarise(ask, estimate)
        first = next((f"{self._title(name)}: {words}" for name, words in errors.items()), "")
        self.button.allow(self._reason(f"Mend this first. {first}" if errors else ""))
        return ask

    def _title(self, name: str) -> str:
        field = self.fields.get(name)
        return str(field.props.get("label") or name) if field is not None else name

    def _reason(self, of_form: str) -> str:
        """Why Calibrate is greyed out; '': it is not."""
        if self.hindrances:
            return "Calibration is not possible here; the reason stands above."
        chosen = self._chosen()
        if chosen is not None and chosen.state == "importing":
            return f"{chosen.name} is still being imported."
        return of_form

    def _chosen(self) -> KeptDataset | None:
        id = self.draft["calibration"]
        try:
            return self.workbench.datasets.get(id) if id is not None else None
        except CalibenchError:
            return None

    def _say_dataset(self) -> None:
        chosen = self._chosen()
        self.dataset_note.clear()
        with self.dataset_note:
            if chosen is not None and chosen.state == "importing":
                note(f"{chosen.name} is being imported. Go on here; Calibrate waits for it.", icon="downloading")
            elif chosen is not None and chosen.state == "failed":
                note(in_page(chosen.failure.message) if chosen.failure else "The import failed.", "bad", "error")
            elif chosen is not None and chosen.id == self.draft.get("suggested"):
                text(SUGGESTED.format(own=self.opened.dataset.name), "p").classes("quiet measure")

    def _estimate(self, ask: AskCalibration | None) -> dict[str, Any]:
        chosen = self._chosen()
        if ask is None or self.hindrances or (chosen is not None and chosen.state != "ready"):
            return {}
        try:
            return self.workbench.projects.estimate(self.id, ask)
        except CalibenchError as error:
            return {"error": str(error)}

    def _say_images(self, estimate: dict[str, Any]) -> None:
        images = estimate.get("images")
        if images is None:
            self.images.set_text(estimate.get("error", ""))
            return
        of = (self._chosen() or self.opened.dataset).samples
        few = " 300 to 1,000 give steady ranges." if images < FEW_IMAGES else ""
        noun = "image" if self.opened.dataset.has_pictures else "sample"
        self.images.set_text(f"{looks.count(images, noun)} of {of:,}.{few}")

    def _summarise(self, ask: AskCalibration | None, estimate: dict[str, Any]) -> None:
        seconds = estimate.get("seconds")
        time = f"{looks.duration(seconds[0])} to {looks.duration(seconds[1])}" if seconds else "not known yet"
        target = self.opened.target
        method = "Default" if self.draft["method"] == "default" else f"AccuracyAware, {self._drop(ask)}"
        rows = (
            ("Model", self.opened.model.name),
            ("Decides accuracy", self.opened.dataset.name),
            ("Method", method),
            ("Scheme", str(self.draft["preset"]).capitalize()),
            *([] if target.spec.is_here else [("Runs on", target.name)]),
            ("Takes about", re.sub(r"(\d) ", "\\1\N{NO-BREAK SPACE}", time)),
        )
        self.summary.clear()
        with self.summary:
            for title, words in rows:
                text(title, "dt")
                text(words, "dd")

    def _drop(self, ask: AskCalibration | None) -> str:
        unit = self.opened.project.headline.unit
        return f"at most {looks.drop(ask.max_drop, unit)}" if ask else "drop to be set"

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self._again()

    def _read_again(self) -> None:
        """A dataset was imported, settings were confirmed, the baseline is done: what is possible may have changed."""
        self.hindrances = self.workbench.projects.hindrances(self.id)
        self._fill_datasets()
        self._grey_method()
        self._say_hindrances()
        self._check()

    def _say_hindrances(self) -> None:
        self.why_not.clear()
        with self.why_not:
            if self.hindrances:
                hindrance_notes(self.workbench, self.hindrances)

    def _forget(self) -> None:
        self.draft.clear()
        self.draft.update(fresh() | suggestion(self.opened))
        ui.navigate.reload()

    def _calibrate(self) -> None:
        ask = self._check()
        if ask is None:
            return
        try:
            project = self.workbench.projects.calibrate(self.id, ask)
        except CalibenchError as error:
            self._refused(error)
            return
        self.draft.clear()
        self.draft.update(fresh() | suggestion(self.opened))
        ui.navigate.to(f"/projects/{project.id}")

    def _refused(self, error: CalibenchError) -> None:
        """The sentence stands beside the field that it is about."""
        name, words = field_and_words(str(error), self.fields)
        if name:
            show_error(self.fields[name], words)
        else:
            tell(error)

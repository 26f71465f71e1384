"""The page of accuracy settings: are the numbers believable? Pictures with predictions first, then form and YAML."""

from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.store.refused import Conflict
from calibench.things.asked import AccuracyForm, TrySettings
from calibench.things.kept import ENDED, Event, Job, KeptDataset, KeptModel
from calibench.web import accuracy_form
from calibench.web.accuracy_fields import AccuracyFields
from calibench.web.accuracy_results import show_trial
from calibench.web.button_looks import FLAT, OUTLINE
from calibench.web.job_bar import JobBar
from calibench.web.link_button import link_button
from calibench.web.live import follow
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.possible import PossibleButton
from calibench.web.returning import import_address, is_own
from calibench.web.settings_origin import settings_words
from calibench.web.tab_drafts import tab_draft
from calibench.web.words import note, said, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

LATEST = 50
"""Trials that are looked through for one of this model and dataset."""


def register(workbench: "Workbench") -> None:
    """`/models/{id}/accuracy`; `dataset` is tried on, `back` is gone to after saving."""

    @page(workbench, "/models/{model_id}/accuracy")
    async def accuracy_page(model_id: int, dataset: int | None = None, back: str = "") -> None:
        model = workbench.models.get(model_id)
        above = [("Models", "/models"), (model.name, f"/models/{model_id}")]
        with frame(workbench, "Accuracy settings", above):
            text("Accuracy settings", "h1")
            place = ui.element("div").classes("stack wide")
        draft = await tab_draft(f"accuracy {model_id}", {})
        if draft is None:
            return
        with place:
            if model.parent_id is not None:
                with note("This is an INT8 model: it takes the settings of the FP32 model that it was made from."):
                    ui.link("Go to its settings", f"/models/{model.parent_id}/accuracy")
            elif model.state != "ready":
                note("The model is not imported yet." if model.state == "importing" else "Its import failed.")
            else:
                AccuracyPage(workbench, model, draft, dataset, back)


class AccuracyPage:
    """The page below its head."""

    def __init__(
        self, workbench: "Workbench", model: KeptModel, draft: dict[str, Any], dataset: int | None, back: str
    ) -> None:
        self.workbench, self.model, self.draft = workbench, model, draft
        self.back = back if is_own(back) else ""
        self.job: Job | None = None
        self.settings: dict[str, Any] = accuracy_form.lean(draft.get("settings") or model.accuracy_settings)
        self.datasets = self._fitting()
        wanted = dataset or draft.get("dataset")
        ids = [each.id for each in self.datasets]
        self.dataset = wanted if wanted in ids else (ids[0] if ids else None)
        self._draw()
        follow(workbench, self._hear, "job", "dataset")
        self._begin()

    def _fitting(self) -> list[KeptDataset]:
        """Datasets that the model can be tried on, those with annotations first."""
        found = [
            each
            for each in self.workbench.datasets.all()
            if each.state == "ready" and self.workbench.datasets.fits(self.model.id, each.id) is None
        ]
        return sorted(found, key=lambda each: not each.annotated)

    def _draw(self) -> None:
        text("How samples enter the model, and how its answers are read. Wrong settings give wrong numbers, so look at "
             "the predictions before anything is measured.", "p").classes("quiet measure")  # fmt: skip
        self._trial_line()
        self.going = ui.element("div").classes("stack")
        self.results = ui.element("section").classes("stack").props('aria-label="What trying has shown"')
        self.fields = AccuracyFields(self.model, self.settings, self.draft, self._changed)
        self._save_line()

    def _trial_line(self) -> None:
        with ui.element("div").classes("line"):
            options = {
                each.id: f"{each.name}, {each.samples:,} samples{'' if each.annotated else ', not annotated'}"
                for each in self.datasets
            }
            if options:
                field = ui.select(options, label="Try on", value=self.dataset).props("dense outlined")
                field.classes("dataset-field").on_value_change(self._choose_dataset)
            self.try_button = PossibleButton("Try", self._try, "play_arrow")
            back = f"/models/{self.model.id}/accuracy" + (f"?back={self.back}" if self.back else "")
            address = import_address("datasets", back, "dataset")
            link_button("Import a dataset", address, "upload").props(FLAT)
        self._allow()

    def _save_line(self) -> None:
        with ui.element("div").classes("line save-line"):
            self.save_button = PossibleButton("Save", self._save, "check")
            if self.back:
                link_button("Cancel", self.back).props(FLAT)
            kept = settings_words(self.workbench, self.model).capitalize()
            self.state = text(f"{kept}.").classes("quiet").props('role="status"')
        self.conflict = ui.element("div").classes("stack")

    def _begin(self) -> None:
        """Show the last trial; without one, try at once."""
        if self.dataset is None:
            return
        trials = [
            job
            for job in self.workbench.jobs.all(kind="try-settings", limit=LATEST)
            if job.model_id == self.model.id and job.dataset_id in (None, self.dataset)
        ]
        going = next((job for job in trials if job.state not in ENDED), None)
        last = next((job for job in trials if job.state == "done" and job.result), None)
        if going is not None:
            self._follow_job(going)
        elif last is not None and not self.draft.get("is_tried"):
            self._show(last)
        elif last is None:
            self._try()
        else:
            self._show(last)

    def _choose_dataset(self, event: Any) -> None:
        self.dataset = self.draft["dataset"] = event.value
        self._try()

    def _changed(self, settings: dict[str, Any], wrong: str) -> None:
        """Form or YAML were changed."""
        if not wrong:
            self.settings = self.draft["settings"] = settings
        self.wrong = wrong
        self._allow(wrong)
        self.save_button.allow(f"Mend this first: {wrong}" if wrong else "")
        if not wrong:
            self.state.set_text("Changed, not saved yet.")

    def _allow(self, wrong: str = "") -> None:
        if self.dataset is None:
            self.try_button.allow("There is no dataset that fits the model. Import one.")
        elif self.job is not None and self.job.state not in ENDED:
            self.try_button.allow("A trial is running.")
        else:
            self.try_button.allow("Mend the settings first." if wrong else "")

    def _try(self) -> None:
        if self.dataset is None or (self.job is not None and self.job.state not in ENDED):
            return
        try:
            asked = TrySettings(dataset_id=self.dataset, settings=self.settings)
            self._follow_job(self.workbench.models.try_settings(self.model.id, asked))
        except CalibenchError as error:
            tell(error)

    def _follow_job(self, job: Job) -> None:
        self.job = job
        self.going.clear()
        with self.going, ui.element("div").classes("panel job-panel"):
            JobBar(self.workbench, job)
        self._allow()

    def _hear(self, event: Event) -> None:
        job = self.job
        if event.topic != "job" or job is None or event.id != job.id or event.change != "changed":
            return
        self.job = self.workbench.jobs.get(job.id)
        if self.job.state in ENDED:
            self._ended(self.job)

    def _ended(self, job: Job) -> None:
        self.going.clear()
        self._allow()
        if job.state == "done":
            self._show(job)
            return
        with self.going:
            if job.state == "cancelled":
                note("The trial was cancelled.", icon="cancel")
                return
            message = in_page(job.failure.message) if job.failure else "Its log says why."
            with note(f"Trying failed. {message}", "bad", "error"):
                ui.link("See the log", f"/jobs/{job.id}")

    def _show(self, job: Job) -> None:
        self.results.clear()
        if not job.result:
            return
        with self.results:
            show_trial(job.result, self.settings, self._take)

    def _take(self, settings: dict[str, Any]) -> None:
        """Settings that trying has found go into the form, and are tried."""
        self.fields.set(accuracy_form.lean(settings))
        self._try()

    def _save(self) -> None:
        asked = AccuracyForm(settings=self.settings, version=self.model.version)
        try:
            self.model = self.workbench.models.set_settings(self.model.id, asked)
        except Conflict as error:
            self._say_conflict(error)
            return
        except CalibenchError as error:
            tell(error)
            return
        self.draft.clear()
        self.state.set_text("Saved, confirmed.")
        if self.back:
            ui.navigate.to(self.back)
        else:
            said("Saved")
        self.conflict.clear()  # last: the button that was pressed may stand in it

    def _say_conflict(self, error: Conflict) -> None:
        """Somebody else saved meanwhile: nothing of either is lost."""
        self.conflict.clear()
        with self.conflict, note(str(error), "bad", "error"), ui.element("div").classes("line"):
            ui.button("Save mine over it", on_click=self._overwrite).props(OUTLINE)
            ui.button("Take theirs", on_click=self._take_theirs).props(FLAT)

    def _overwrite(self) -> None:
        self.model = self.workbench.models.get(self.model.id)
        self._save()

    def _take_theirs(self) -> None:
        self.model = self.workbench.models.get(self.model.id)
        self.conflict.clear()
        self.draft.pop("settings", None)
        self.fields.set(accuracy_form.lean(self.model.accuracy_settings))
        self.state.set_text("Theirs, saved.")

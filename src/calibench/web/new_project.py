"""New project: model, dataset and target side by side; a line says what fits and what does not."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import context, ui

from calibench.errors import CalibenchError
from calibench.things.asked import NewProject
from calibench.things.kept import Event, Hindrance, KeptDataset, KeptModel, Target
from calibench.web import looks
from calibench.web.link_button import lead_to, link_button
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page
from calibench.web.possible import PossibleButton
from calibench.web.returning import address_with, import_address, is_own
from calibench.web.target_choice import first_target, hindrance_of, target_choice
from calibench.web.words import note, state, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

PATH = "/projects/new"


def register(workbench: "Workbench") -> None:
    """`/projects/new`, with what is chosen in the query."""

    @page(workbench, PATH)
    def new_project(
        model: int | None = None, dataset: int | None = None, target: int | None = None, device: str = "CPU"
    ) -> None:
        with frame(workbench, "New project", [("Projects", "/")]):
            NewProjectPage(workbench, {"model": model, "dataset": dataset, "target": target}, device)


def first_choice(things: Sequence[Any], wanted: int | None) -> int | None:
    """What stands in a field at first: what was asked for, else the newest that is ready, best with annotations."""
    if wanted in [each.id for each in things]:
        return wanted
    best = min(
        things, key=lambda each: (each.state != "ready", not getattr(each, "annotated", True), -each.id), default=None
    )
    return None if best is None else int(best.id)


class NewProjectPage:
    """The page below its head."""

    def __init__(self, workbench: "Workbench", wanted: Mapping[str, int | None], device: str) -> None:
        self.workbench, self.device = workbench, device
        self.client = context.client
        follow(workbench, self._hear, "model", "dataset", "target")
        self._again = gathered(self._read_again)
        self._read()
        self.model = first_choice(self.models, wanted["model"])
        self.dataset = first_choice(self.datasets, wanted["dataset"])
        self.target_id = first_target(self.targets, wanted["target"])
        self._draw()

    def _read(self) -> None:
        self.models: Sequence[KeptModel] = [each for each in self.workbench.models.all() if each.parent_id is None]
        self.datasets: Sequence[KeptDataset] = self.workbench.datasets.all()
        self.targets: Sequence[Target] = self.workbench.targets.all()

    def _draw(self) -> None:
        self.imports: list[tuple[ui.button, str, str]] = []
        text("New project", "h1")
        with ui.element("div").classes("side-by-side"):
            self.model_field, self.model_facts = self._part("Model", "models", "model", self._choose_model)
            self.dataset_field, self.dataset_facts = self._part("Dataset", "datasets", "dataset", self._choose_dataset)
            if len(self.targets) == 1:
                self._target_section()
        if len(self.targets) > 1:
            self._target_section()
        self.fit = ui.element("div").classes("stack").props('role="status"')
        self.button = PossibleButton(
            "Create and measure the baseline", self._create, "play_arrow", is_reason_seen=not self._has_both()
        )
        text("The baseline measures accuracy and speed of the FP32 model; INT8 is compared with it.", "p").classes(
            "quiet"
        )
        self._show()

    def _target_section(self) -> None:
        """A third beside the others; several need a row of their own."""
        with ui.element("section").classes("panel"):
            text("Target", "h2")
            self.target_part = ui.element("div").classes("stack")
            self._draw_target()

    def _has_both(self) -> bool:
        return bool(self.models and self.datasets)

    def _part(
        self, title: str, folder: str, choose: str, chosen: Callable[[Any], None]
    ) -> tuple[ui.select | None, ui.element]:
        things: Sequence[Any] = self.models if choose == "model" else self.datasets
        with ui.element("section").classes("panel"):
            text(title, "h2")
            field = None
            if things:
                field = ui.select(names(things), value=getattr(self, choose), with_input=len(things) > 7, label=title)
                field.props("outlined dense").classes("full").on_value_change(lambda event: chosen(event.value))
            else:
                text(f"There is no {choose} yet.", "p").classes("quiet")
            facts = ui.element("div").classes("stack")
            button = link_button(f"Import a {choose}", import_address(folder, self._address(), choose), "upload")
            button.props("flat dense" if things else "unelevated")
            self.imports.append((button, folder, choose))
        return field, facts

    @property
    def target(self) -> Target:
        """What is chosen; this machine where it was removed."""
        found = next((each for each in self.targets if each.id == self.target_id), None)
        return found or next(each for each in self.targets if each.spec.is_here)

    def _draw_target(self) -> None:
        self.target_part.clear()
        with self.target_part:
            target_choice(self.targets, self.target.id, self._choose_target)
            self.device_part = ui.element("div")
            self._draw_device()

    def _draw_device(self) -> None:
        self.device_part.clear()
        devices = list((self.target.machine or {}).get("devices", {})) or ["CPU"]
        if self.device not in devices:
            self.device = devices[0]
        if len(devices) > 1:
            with self.device_part:
                field = ui.select(devices, value=self.device, label="Device").props("outlined dense").classes("full")
                field.on_value_change(lambda event: setattr(self, "device", event.value))

    def _address(self) -> str:
        device = None if self.device == "CPU" else self.device
        target = None if self.target.spec.is_here else self.target.id
        return address_with(PATH, model=self.model, dataset=self.dataset, target=target, device=device)

    def _choose_model(self, model_id: int) -> None:
        self.model = model_id
        self._chosen()

    def _choose_dataset(self, dataset_id: int) -> None:
        self.dataset = dataset_id
        self._chosen()

    def _choose_target(self, target_id: int) -> None:
        self.target_id = target_id
        self._draw_device()
        self._chosen()

    def _chosen(self) -> None:
        ui.run_javascript(f"history.replaceState(history.state, '', {self._address()!r})")
        for button, folder, choose in self.imports:
            lead_to(button, import_address(folder, self._address(), choose))
        self._show()

    def _show(self) -> None:
        model = next((each for each in self.models if each.id == self.model), None)
        dataset = next((each for each in self.datasets if each.id == self.dataset), None)
        self.model_facts.clear()
        self.dataset_facts.clear()
        if model:
            with self.model_facts:
                model_facts(model)
        if dataset:
            with self.dataset_facts:
                dataset_facts(dataset)
        self._show_fit(model, dataset)

    def _show_fit(self, model: KeptModel | None, dataset: KeptDataset | None) -> None:
        self.fit.clear()
        if model is None or dataset is None:
            missing = "a model" if model is None else "a dataset"
            self.button.allow(f"Import {missing} first.")
            return
        hindrance = self.workbench.datasets.fits(model.id, dataset.id)
        self.button.allow(hindrance.sentence if hindrance else hindrance_of(self.target))
        with self.fit:
            if hindrance is None:
                _fits(model, dataset, self.workbench.datasets.doubts(model.id, dataset.id))
            else:
                _does_not_fit(hindrance, import_address("datasets", self._address(), "dataset"))

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self._again()

    def _read_again(self) -> None:
        before = self.targets
        self._read()
        if self.targets != before:
            self._draw_target()
        if (self.model_field is None) != (not self.models) or (self.dataset_field is None) != (not self.datasets):
            ui.navigate.to(self._address())
            return
        if self.model_field is not None:
            self.model_field.set_options(names(self.models))
        if self.dataset_field is not None:
            self.dataset_field.set_options(names(self.datasets))
        self._show()

    def _create(self) -> None:
        if self.model is None or self.dataset is None:
            return
        asked = NewProject(
            model_id=self.model, dataset_id=self.dataset, target_id=self.target.id, device=self.device, name=None
        )
        try:
            project = self.workbench.projects.create(asked)
        except CalibenchError as error:
            tell(error)
            return
        ui.navigate.to(f"/projects/{project.id}")


def names(things: Sequence[Any]) -> dict[int, str]:
    """What a field offers: id -> name, with the state where it is not ready."""
    return {
        each.id: each.name if each.state == "ready" else f"{each.name} ({looks.STATE_WORDS[each.state].lower()})"
        for each in things
    }


def model_facts(model: KeptModel) -> None:
    """A few lines on a model."""
    if model.state != "ready":
        state(model.state)
        return
    ports = ", ".join(f"{port.name} {port.shape}" for port in model.inputs)
    text(f"{model.format}, {looks.size(model.size_bytes)}", "p").classes("quiet")
    text(f"Takes {ports}", "p").classes("quiet name")
    if model.is_quantized:
        text("It is quantized already: it can be measured, not calibrated.", "p")


def dataset_facts(dataset: KeptDataset) -> None:
    """A few lines on a dataset."""
    if dataset.state != "ready":
        state(dataset.state)
        return
    noun = "picture" if dataset.has_pictures else "sample"
    text(f"{dataset.title}, {looks.count(dataset.samples, noun)}", "p").classes("quiet")
    kinds = looks.annotations(dataset.annotated)
    words = f"Annotated: {kinds}" if dataset.annotated else "No annotations: INT8 is held against FP32's answers."
    text(words, "p").classes("quiet")


def _fits(model: KeptModel, dataset: KeptDataset, doubts: Sequence[str]) -> None:
    for sentence in doubts:
        note(sentence, "warn", "help_outline")
    if doubts:
        return
    if dataset.annotated:
        words = f"They fit: {dataset.name} can feed {model.name}, and it has annotations to measure accuracy with."
    else:
        words = (
            f"They fit: {dataset.name} can feed {model.name}. Without annotations the drop is measured against the "
            "answers of FP32."
        )
    note(words, "good", "check_circle")


def _does_not_fit(hindrance: Hindrance, import_page: str) -> None:
    """Why, and the way out; to the import of another dataset it is a way back, too."""
    link = import_page if hindrance.link == "/datasets" else hindrance.link
    with note(hindrance.sentence, "bad", "block"):
        if hindrance.action and is_own(link):
            ui.link(hindrance.action, link)

"""Models: FP32 models with the INT8 models that were made from them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.things.kept import Event, KeptModel
from calibench.web import looks
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page
from calibench.web.paged_list import Column, Listing
from calibench.web.sample_offer import SampleOffer
from calibench.web.words import state, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def register(workbench: "Workbench") -> None:
    """`/models`."""

    @page(workbench, "/models")
    def models() -> None:
        with frame(workbench, "Models"):
            ModelList(workbench)


def as_tree(models: Sequence[KeptModel]) -> list[KeptModel]:
    """Parents in the given order, each with its children behind it; a child whose parent is not there stands alone."""
    there = {each.id for each in models}
    tops = [each for each in models if each.parent_id not in there]
    children = sorted((each for each in models if each.parent_id in there), key=lambda each: each.id)
    return [each for top in tops for each in (top, *(child for child in children if child.parent_id == top.id))]


class ModelList:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        self.words = ""
        with ui.element("div").classes("line apart"):
            text("Models", "h1")
            link_button("Import a model", "/models/import", "upload").props("no-caps unelevated")
        field = ui.input(placeholder="Filter by name").props(
            'dense outlined clearable debounce=150 aria-label="Filter models"'
        )
        field.classes("filter-words").on_value_change(lambda event: self._filter(event.value or ""))
        follow(workbench, self._hear, "model")
        self.listing: Listing[KeptModel] = Listing(_columns(), self._read, "Models", "No model here yet. Import one.")
        self.again = gathered(self.listing.refresh, 0.5)
        SampleOffer(workbench, "Try it with the sample")

    def _read(self) -> list[KeptModel]:
        return as_tree(self.workbench.models.all(search=self.words))

    def _filter(self, words: str) -> None:
        self.words = words
        self.listing.restart()

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self.again()


def precision(model: KeptModel) -> str:
    """FP32 or INT8, in a word."""
    if model.parent_id is not None:
        return "INT8"
    return "quantized" if model.is_quantized else "FP32"


def precision_words(model: KeptModel) -> str:
    """Precision, and for an INT8 child how it was made."""
    made = ", ".join(part for part in (model.method, model.preset) if part)
    if model.parent_id is not None and made:
        return f"INT8, {made}"
    return f"{precision(model)}, stored as FP16" if model.has_fp16_weights else precision(model)


def draw_precision(model: KeptModel) -> None:
    """Precision with its colour."""
    text(precision_words(model)).classes(f"key {'int8' if model.is_quantized else 'fp32'}")


def _columns() -> tuple[Column[KeptModel], ...]:
    return (
        Column("Model", _name, lambda model: model.name.lower()),
        Column("Precision", _precision, precision),
        Column("Format", lambda model: model.format or looks.NOTHING, lambda model: model.format, is_tight=True),
        Column(
            "Size",
            lambda model: looks.size(model.size_bytes or None),
            lambda model: model.size_bytes,
            is_number=True,
            begins_high=True,
        ),
        Column(
            "Imported",
            lambda model: looks.moment(model.created),
            lambda model: model.created,
            is_tight=True,
            begins_high=True,
        ),
        Column("State", _state, lambda model: model.state),
    )


def _name(model: KeptModel) -> None:
    is_child = model.parent_id is not None
    with ui.element("div").classes("child" if is_child else ""):
        ui.link(model.name, f"/models/{model.id}").classes("name" if is_child else "name strong")


def _precision(model: KeptModel) -> None:
    if model.state == "ready":
        draw_precision(model)
    else:
        text(looks.NOTHING)


def _state(model: KeptModel) -> None:
    state(model.state)

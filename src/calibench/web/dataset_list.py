"""Datasets: what there is to calibrate with and to judge by."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.things.kept import Event, KeptDataset
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
    """`/datasets`."""

    @page(workbench, "/datasets")
    def datasets() -> None:
        with frame(workbench, "Datasets"):
            DatasetList(workbench)


class DatasetList:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        self.words = ""
        with ui.element("div").classes("line apart"):
            text("Datasets", "h1")
            link_button("Import a dataset", "/datasets/import", "upload").props("no-caps unelevated")
        field = ui.input(placeholder="Filter by name").props(
            'dense outlined clearable debounce=150 aria-label="Filter datasets"'
        )
        field.classes("filter-words").on_value_change(lambda event: self._filter(event.value or ""))
        follow(workbench, self._hear, "dataset")
        self.listing: Listing[KeptDataset] = Listing(
            _columns(), self._read, "Datasets", "No dataset here yet. Import one."
        )
        self.again = gathered(self.listing.refresh, 0.5)
        SampleOffer(workbench, "Try it with the sample")

    def _read(self) -> tuple[KeptDataset, ...]:
        return self.workbench.datasets.all(search=self.words)

    def _filter(self, words: str) -> None:
        self.words = words
        self.listing.restart()

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self.again()


def annotation_words(dataset: KeptDataset) -> str:
    """What it has annotations for."""
    if dataset.state != "ready":
        return looks.NOTHING
    return looks.annotations(dataset.annotated)


def _columns() -> tuple[Column[KeptDataset], ...]:
    return (
        Column("Dataset", _name, lambda each: each.name.lower()),
        Column("Format", lambda each: each.title or looks.NOTHING, lambda each: each.title),
        Column("Samples", _samples, lambda each: each.samples, is_number=True, begins_high=True),
        Column("Annotations", annotation_words, annotation_words),
        Column("Classes", _classes, lambda each: len(each.classes), is_number=True, begins_high=True),
        Column(
            "Size",
            lambda each: looks.size(each.size_bytes or None),
            lambda each: each.size_bytes,
            is_number=True,
            begins_high=True,
        ),
        Column(
            "Imported",
            lambda each: looks.moment(each.created),
            lambda each: each.created,
            is_tight=True,
            begins_high=True,
        ),
        Column("State", _state, lambda each: each.state),
    )


def _name(dataset: KeptDataset) -> None:
    ui.link(dataset.name, f"/datasets/{dataset.id}").classes("name strong")


def _samples(dataset: KeptDataset) -> str:
    return f"{dataset.samples:,}" if dataset.samples else looks.NOTHING


def _classes(dataset: KeptDataset) -> str:
    return f"{len(dataset.classes):,}" if dataset.classes else looks.NOTHING


def _state(dataset: KeptDataset) -> None:
    state(dataset.state)
    if dataset.problems:
        text(looks.count(len(dataset.problems), "problem"), "div").classes("small warn")

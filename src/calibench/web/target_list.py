"""Targets: where it can run; what each is for INT8, whether it is well, how busy it is."""

from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import Event, Target, TargetLoad
from calibench.things.target_spec import QUEUES
from calibench.web import looks
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.load_words import busy_words, jobs_words, when_words
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.paged_list import Column, Listing
from calibench.web.target_looks import (
    KINDS,
    MB,
    News,
    address_words,
    check_of,
    check_state,
    int8_features,
)
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

LOOK_S, SOON_S = 5.0, 1.0
"""Seconds between two questions for the load, and where a look goes on; another machine is looked at less often."""
WHAT_FOR = (
    "A target is where models are measured and calibrated. INT8 pays or not by the processor, so calibrate where the "
    "model will run: add another machine over SSH, a batch queue of Slurm or PBS, or a Dask cluster. Model and "
    "pictures are sent there, the result comes back here, and nothing has to be installed there but Python."
)


def register(workbench: "Workbench") -> None:
    """`/targets`."""

    @page(workbench, "/targets")
    def targets() -> None:
        with frame(workbench, "Targets"):
            TargetList(workbench)


class TargetList:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        with ui.element("div").classes("line apart"):
            text("Targets", "h1")
            link_button("Add a target", "/targets/new", "add").props("no-caps unelevated")
        self.loads: dict[int, dict[str, Any]] = {}
        self.timer = ui.timer(SOON_S, self._follow_loads)
        self.news = News()
        follow(workbench, self._hear, "target", "job")
        self.listing: Listing[Target] = Listing(self._columns(), self._read, "Targets")
        self.words = text(WHAT_FOR, "p").classes("note measure")
        self.again = gathered(self._refresh, 0.5)
        self._say_what_for()

    def _read(self) -> tuple[Target, ...]:
        self.loads.clear()  # a row for each is drawn anew
        self.checks = self.workbench.jobs.all(kind="machine", states=("queued", "running"))
        return tuple(sorted(self.workbench.targets.all(), key=lambda each: (not each.spec.is_here, each.id)))

    def _refresh(self) -> None:
        self.listing.refresh()
        self._say_what_for()

    def _say_what_for(self) -> None:
        self.words.set_visibility(len(self.workbench.targets.all()) < 2)

    def _hear(self, event: Event) -> None:
        if self.news.counts(event):
            self.again()

    def _columns(self) -> tuple[Column[Target], ...]:
        return (
            Column("Target", _name, lambda each: each.name.lower()),
            Column("Last check", self._check, lambda each: each.state),
            Column("INT8", _features, _features),
            Column("Cores", lambda each: _number(each, "physical_cores"), lambda each: _fact(each, "physical_cores"),
                   is_number=True, begins_high=True),
            Column("Memory", self._memory, lambda each: _fact(each, "memory_mb"), is_number=True, begins_high=True),
            Column("Free disk", lambda each: _size(each, "disk_free_mb"), lambda each: _fact(each, "disk_free_mb"),
                   is_number=True, begins_high=True),
            Column("Load", self._load, is_number=True),
            Column("Jobs", self._jobs, is_tight=True),
        )  # fmt: skip

    def _check(self, target: Target) -> None:
        if check_of(self.checks, target.id) is not None:
            with ui.element("span").classes("state state-running"):
                ui.icon("pending").props('aria-hidden="true"')
                text("Being checked")
            return
        check_state(target)
        if target.checked is not None:
            text(looks.moment(target.checked), "div").classes("quiet small")
        if target.faults:
            text(in_page(target.faults[0].sentence), "div").classes("small reason-of-failure name")

    def _read_load(self, target_id: int) -> TargetLoad:
        try:
            return self.workbench.targets.load(target_id)
        except CalibenchError:
            return TargetLoad()  # it was removed; the event of that draws the list anew

    def _memory(self, target: Target) -> None:
        text(_size(target, "memory_mb"))
        if _fact(target, "memory_mb") is not None:
            self.loads[target.id] = {"free": text("", "div").classes("quiet small")}

    def _load(self, target: Target) -> None:
        places = self.loads.setdefault(target.id, {})  # the column before it may have begun them
        places["busy"] = text("")
        if not target.spec.is_here:
            places["when"] = text("", "div").classes("quiet small load-age")
        self._show_load(target.id)

    def _show_load(self, target_id: int) -> bool:
        """Whether something newer comes soon."""
        load = self._read_load(target_id)
        free = "" if load.memory_free_mb is None else f"{looks.size(load.memory_free_mb * MB)} free"
        words = {"busy": busy_words(load), "when": when_words(load), "free": free}
        for name, place in self.loads[target_id].items():
            place.set_text(words[name])
        return load.is_being_looked_at

    def _follow_loads(self) -> None:
        is_soon = [self._show_load(target_id) for target_id in self.loads]
        self.timer.interval = SOON_S if any(is_soon) else LOOK_S

    def _jobs(self, target: Target) -> str:
        return jobs_words(self._read_load(target.id))


def _name(target: Target) -> None:
    ui.link(target.name, f"/targets/{target.id}").classes("name strong")
    kind = "" if target.spec.is_here else f"{KINDS[target.kind]}: "
    text(f"{kind}{address_words(target)}", "div").classes("quiet small name")


def _features(target: Target) -> str:
    return looks.NOTHING if target.kind in QUEUES else int8_features(target.machine or {})


def _fact(target: Target, name: str) -> Any:
    """Of a machine; of a queue only what its login node shares with the nodes, which do the work."""
    if target.kind in QUEUES and name != "disk_free_mb":
        return None
    return (target.machine or {}).get(name)


def _number(target: Target, name: str) -> str:
    value = _fact(target, name)
    return looks.NOTHING if value is None else f"{value:,}"


def _size(target: Target, name: str) -> str:
    value = _fact(target, name)
    return looks.NOTHING if value is None else looks.size(int(value) * MB)

"""A target: what it is and means for INT8, what is wrong with it and what mends that, how busy it is, who uses it."""

from typing import TYPE_CHECKING, Any

from nicegui import run, ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.things.asked import ChangeTarget
from calibench.things.kept import Event, HostKey, TargetLoad
from calibench.things.target_spec import QUEUES, TargetSpec
from calibench.web import looks
from calibench.web.asking import ask_name
from calibench.web.host_key_part import CHANGED, UNKNOWN, confirm_host_key
from calibench.web.job_bar import JobBar
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.load_meters import load_meters
from calibench.web.machine_facts import flag_words, int8_words
from calibench.web.page_frame import frame, page, rename_page
from calibench.web.page_words import in_page
from calibench.web.target_deeds import ask_clean, ask_removal
from calibench.web.target_fields import FIELDS, entries_of, parts_of, way_of
from calibench.web.target_looks import (
    KINDS,
    News,
    address_words,
    check_of,
    check_state,
    machine_rows,
    worker_rows,
)
from calibench.web.target_queues import draw_queues
from calibench.web.thing_page import fact, say_deleted
from calibench.web.words import note, said, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

SHOWN_PROJECTS = 10
FLAT_DENSE = "no-caps flat dense"


def register(workbench: "Workbench") -> None:
    """`/targets/{id}`."""

    @page(workbench, "/targets/{target_id}")
    def target_page(target_id: int) -> None:
        target = workbench.targets.get(target_id)
        with frame(workbench, target.name, [("Targets", "/targets")]):
            TargetPage(workbench, target_id)


class TargetPage:
    """The page below its head; drawn anew when the target changes, or a check of it begins or ends.

    Name and buttons stay: a click on a button that is drawn anew in that moment would come to nothing.
    """

    def __init__(self, workbench: "Workbench", target_id: int) -> None:
        self.workbench, self.id = workbench, target_id
        self.target = workbench.targets.get(target_id)
        self.page = ui.element("div").classes("stack wide page-body")
        with self.page:
            self._head()
            self.state = ui.element("div").classes("line quiet")
            self.place = ui.element("div").classes("stack wide page-body")
        self._news, self._again = News(), gathered(self._draw, 0.5)
        follow(workbench, self._hear, "target", "job")
        self._draw()

    def _hear(self, event: Event) -> None:
        is_own = event.id == self.id if event.topic == "target" else event.data.get("target_id") == self.id
        if is_own and self._news.counts(event):
            self._again()

    def _draw(self) -> None:
        if self.place.is_deleted:
            return
        try:
            self.target = self.workbench.targets.get(self.id)
        except NotThere:
            self.page.clear()
            with self.page:
                say_deleted("target", "/targets")
            return
        rename_page(self.target.name)
        self.name.set_text(self.target.name)
        self._state()
        self.place.clear()
        with self.place:
            check = check_of(
                self.workbench.jobs.all(kind="machine", states=("queued", "running", "cancelling")), self.id
            )
            if check is not None:
                with ui.element("section").classes("panel").props('aria-label="Check"'):
                    JobBar(self.workbench, check)
            else:
                self._faults()
            self._machine()
            draw_queues(self.target)
            self._settings()
            self._projects()

    def _head(self) -> None:
        with ui.element("div").classes("line apart head-of-page"):
            self.name = text(self.target.name, "h1")
            with ui.element("div").classes("line"):
                self._buttons()

    def _state(self) -> None:
        target = self.target
        self.state.clear()
        with self.state:
            check_state(target)
            text(KINDS[target.kind] + ("" if target.spec.is_here else f", {address_words(target)}")).classes("name")
            if target.checked is not None:
                text(f"looked at {looks.moment(target.checked)}")

    def _buttons(self) -> None:
        target, workbench = self.target, self.workbench
        ui.button("Check", icon="refresh", on_click=self._check).props("no-caps outline dense")
        if target.spec.is_here:
            ui.button("Rename", icon="edit", on_click=self._rename).props(FLAT_DENSE)
            return
        link_button("Change", f"/targets/{self.id}/change", "edit").props(FLAT_DENSE)
        if target.spec.keeps_files:
            clean = ui.button("Clean", icon="cleaning_services", on_click=lambda: ask_clean(workbench, self.target))
            clean.props(FLAT_DENSE)
        ui.button("Remove", icon="delete", on_click=lambda: ask_removal(workbench, self.target)).props(FLAT_DENSE)

    def _faults(self) -> None:
        target = self.target
        for fault in target.faults:
            is_changed = CHANGED in fault.sentence
            with note(in_page(fault.sentence), "bad", "gpp_maybe" if is_changed else "error"):
                if fault.mend:
                    text(in_page(fault.mend), "p")
                if target.spec.host is not None and (is_changed or UNKNOWN in fault.sentence):
                    label = "Look at the new key" if is_changed else "Compare its fingerprint"
                    ui.button(label, on_click=self._look_at_key).props("no-caps outline dense color=none")
        if target.state == "unchecked":
            note("It was not looked at yet. Check it: then you know whether it answers, and what INT8 gains there.")

    def _machine(self) -> None:
        target, machine = self.target, self.target.machine or {}
        with ui.element("section").classes("panel"):
            title = "The login node" if target.kind in QUEUES and target.spec.host else "The machine"
            text(title if target.kind != "dask" else "The workers", "h2")
            if target.kind == "dask":
                _draw_workers(machine)
            elif machine:
                if target.kind in QUEUES:
                    text("The nodes that calibrate may be others: they are seen when a job begins.", "p").classes(
                        "quiet"
                    )
                else:
                    text(int8_words(machine), "p").classes("strong")
                with ui.element("dl").classes("facts"):
                    if "flags" in machine:
                        fact("Features for INT8", flag_words(machine))
                    for name, value in machine_rows(machine):
                        fact(name, value)
            else:
                text(int8_words(machine), "p")
            load_meters(self._read_load, self.target.spec.is_here)

    def _read_load(self) -> TargetLoad:
        try:
            return self.workbench.targets.load(self.id)
        except CalibenchError:
            return TargetLoad()  # it was removed; the event of that draws the page anew

    def _settings(self) -> None:
        spec = self.target.spec
        if spec.is_here:
            return
        entries = entries_of(spec)
        with ui.element("section").classes("panel"):
            text("Settings", "h2")
            with ui.element("dl").classes("facts"):
                if self.target.kind in QUEUES and spec.host is None:
                    fact("Jobs are submitted", "by this machine")
                parts = parts_of(spec.kind, spec.host is not None, way_of(spec))
                for field in FIELDS:
                    value = entries[field.name]
                    if field.part in parts and value not in (None, ""):
                        fact(field.title, str(value))
                if spec.host is not None:
                    fact("Host key", self._host_key(spec))

    def _host_key(self, spec: TargetSpec) -> str:
        if spec.host_key is None:
            return "as known_hosts of the server's machine has it"
        from calibench.targets.ssh_host_keys import fingerprint_of

        return f"{fingerprint_of(spec.host_key)}, confirmed by a person"

    def _projects(self) -> None:
        used = [each for each in self.workbench.projects.all(archived=None) if each.target_id == self.id]
        with ui.element("section").classes("stack"):
            with ui.element("div").classes("line apart"):
                text("Projects that use it", "h2")
                if self.target.state != "faulty":
                    ui.link("A new project there", f"/projects/new?target={self.id}")
            if not used:
                text("None yet.", "p").classes("quiet")
            with ui.element("ul").classes("plain-list"):
                for project in used[:SHOWN_PROJECTS]:
                    with ui.element("li"):
                        ui.link(project.name, f"/projects/{project.id}").classes("name")
            if len(used) > SHOWN_PROJECTS:
                text(f"and {len(used) - SHOWN_PROJECTS:,} more", "p").classes("quiet")

    def _check(self) -> None:
        try:
            self.workbench.targets.check(self.id)
        except CalibenchError as error:
            tell(error)
        else:
            said(f"{self.target.name} is being looked at.")

    def _rename(self) -> None:
        target = self.target
        ask_name(
            "target",
            target.name,
            target.version,
            lambda asked: self.workbench.targets.change(self.id, ChangeTarget(name=asked.name, version=asked.version)),
        )

    async def _look_at_key(self) -> None:
        try:
            key = await run.io_bound(self.workbench.targets.host_key, self.id)
        except CalibenchError as error:
            tell(error)
            return
        if key is not None:
            trusted = self._host_key(self.target.spec).partition(",")[0] if self.target.spec.host_key else ""
            confirm_host_key(self.target.spec.address, key, lambda: self._trust(key), trusted)

    def _trust(self, key: HostKey) -> None:
        try:
            self.workbench.targets.change(
                self.id, ChangeTarget(spec=TargetSpec(host_key=key.key, kind=self.target.kind))
            )
            self.workbench.targets.check(self.id)
        except CalibenchError as error:
            tell(error)


def _draw_workers(machine: dict[str, Any]) -> None:
    """What the last check saw of a cluster."""
    rows = worker_rows(machine)
    if not rows:
        text("What they are is seen when a job begins.", "p")
        return
    with ui.element("dl").classes("facts"):
        for name, value in rows:
            fact(name, value)

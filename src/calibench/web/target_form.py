"""Add a target, or change how it is reached: the form, the confirmed host key, and the check that follows."""

from typing import TYPE_CHECKING, Any

from nicegui import run, ui
from pydantic import ValidationError

from calibench.errors import CalibenchError
from calibench.store.refused import Conflict
from calibench.things.asked import AskHost, AskTarget, ChangeTarget
from calibench.things.kept import HostKey, Target
from calibench.things.target_spec import QUEUES, TargetKind, TargetSpec
from calibench.web import target_fields
from calibench.web.asking import name_field, show_error
from calibench.web.choice_cards import ChoiceCards
from calibench.web.copying import copy_block
from calibench.web.host_key_part import confirm_host_key
from calibench.web.owner_command import OWNERS, WHY, owner_command
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.possible import PossibleButton
from calibench.web.target_fields import FIELDS, TargetField, Way, entries_of, meant, parts_of, way_of
from calibench.web.words import note, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

KINDS = (
    (
        "ssh",
        "SSH machine",
        "Any Linux machine that you can log in to with a key. No root, no program of ours to install.",
    ),
    ("slurm", "Slurm queue", "Jobs wait for a node of a cluster; this machine or a login node submits them."),
    ("pbs", "PBS queue", "The same with qsub: PBS Pro, OpenPBS, Torque."),
    (
        "dask",
        "Dask cluster",
        "Workers that share one calibration: jobs of a queue, machines over SSH, or those of a scheduler that runs.",
    ),
)
WAYS: dict[Way, str] = {
    "slurm": "Slurm",
    "pbs": "PBS",
    "hosts": "Machines over SSH",
    "scheduler": "A scheduler that runs",
}
"""Who has the workers of a cluster; all but the last are started for each calibration."""
PLACES = {"here": "This machine submits", "login": "A login node over SSH"}
TITLES = {
    "host": "How it is reached",
    "queue": "What the queue is asked for",
    "there": "What is there",
    "cluster": "How it is reached",
    "machines": "Where workers are started",
    "started": "The workers",
}
PASSPHRASE = (
    "A key with a passphrase is held by ssh-agent, or the variable CALIBENCH_KEY_PASSPHRASE is set where this server "
    "is started. Passwords are never used."
)

QUEUES_LATER = (
    "Not sure? Leave them empty: the check lists the queues with their limits and node types, and Change offers them."
)


def register(workbench: "Workbench") -> None:
    """`/targets/new` and `/targets/{id}/change`."""

    @page(workbench, "/targets/new")
    def add_target(kind: str = "ssh") -> None:
        with frame(workbench, "Add a target", [("Targets", "/targets")]):
            TargetForm(workbench, kind if kind in [name for name, _, _ in KINDS] else "ssh")

    @page(workbench, "/targets/{target_id}/change")
    def change_target(target_id: int) -> None:
        target = workbench.targets.get(target_id)
        with frame(workbench, "Change", [("Targets", "/targets"), (target.name, f"/targets/{target_id}")]):
            TargetForm(workbench, target.kind, target)


class TargetForm:
    """The form below the head; `before`: the target that is changed."""

    def __init__(self, workbench: "Workbench", kind: Any, before: Target | None = None) -> None:
        self.workbench, self.before = workbench, before
        self.kind: TargetKind = kind
        spec = before.spec if before else TargetSpec(kind=self.kind)
        self.place = "login" if spec.host else "here"
        self.way: Way = way_of(spec) if before else "slurm"
        self.entries = entries_of(spec)
        self.fields: dict[str, Any] = {}
        with ui.element("div").classes("form target-form"):
            self._draw()

    @property
    def _has_place(self) -> bool:
        """Whether a queue has the jobs, which this machine or a login node submits."""
        return self.kind in QUEUES or (self.kind == "dask" and self.way in QUEUES)

    @property
    def _is_behind_host(self) -> bool:
        return not self._has_place or self.place == "login"

    @property
    def _is_owners(self) -> bool:
        """Whether only the owner of the server may say where the workers are."""
        return self.kind == "dask" and self.way in OWNERS

    def _draw(self) -> None:
        before = self.before
        text(f"Change {before.name}" if before else "Add a target", "h1")
        if before is None:
            ChoiceCards("Kind of target", KINDS, self.kind, self._choose_kind)
        self.name = name_field(before.name if before else "")
        self.fields["name"] = self.name
        self.name.props('hint="How you call it, such as lab"')
        self.name.on_value_change(self._say_command)
        self.command = ui.element("div").classes("stack")
        self.parts = ui.element("div").classes("stack form-parts")
        self.refused = ui.element("div").props('role="alert"')
        with ui.element("div").classes("line"):
            self.button = PossibleButton("Save and check" if before else "Add and check", self._submit, "check")
            ui.link("Cancel", f"/targets/{before.id}" if before else "/targets")
        self.waits = text("", "p").classes("quiet").props('role="status"')
        self._draw_parts()

    def _choose_kind(self, kind: Any) -> None:
        self.kind = kind
        self._draw_parts()

    def _choose_place(self, place: str) -> None:
        self.place = place
        self._draw_parts()

    def _choose_way(self, way: Way) -> None:
        self.way = way
        self._draw_parts()

    def _draw_parts(self) -> None:
        self.parts.clear()
        self.fields = {"name": self.name}
        with self.parts:
            if self.kind == "dask":
                choice = ui.toggle(self._ways(), value=self.way).props(
                    'no-caps unelevated padding="4px 14px" aria-label="Who has the workers"'
                )
                choice.on_value_change(lambda event: self._choose_way(event.value))
            if self._has_place:
                choice = ui.toggle(PLACES, value=self.place).props(
                    'no-caps unelevated padding="4px 14px" aria-label="Who submits jobs"'
                )
                choice.on_value_change(lambda event: self._choose_place(str(event.value)))
            self.command = ui.element("div").classes("stack")
            for part in parts_of(self.kind, self._is_behind_host, self.way):
                with ui.element("section").classes("form-part"):
                    text(TITLES[part], "h2")
                    with ui.element("div").classes("fields"):
                        for field in (each for each in FIELDS if each.part == part):
                            self.fields[field.name] = self._field(field)
                    if part in ("host", "machines"):
                        text(PASSPHRASE, "p").classes("quiet small")
                    if part == "queue" and self.before is None:
                        text(QUEUES_LATER, "p").classes("quiet small")
        self._say_command()

    def _ways(self) -> dict[Way, str]:
        """Of a target that is there, nobody but the owner says that other machines have the workers."""
        may_be = [way for way in WAYS if self.before is None or way not in OWNERS or way == self.way]
        return {way: WAYS[way] for way in may_be}

    def _say_command(self) -> None:
        """Of a cluster that only the owner adds: what he types on the server, in place of the button."""
        is_said = self._is_owners and self.before is None
        self.button.set_visibility(not is_said)
        self.command.clear()
        if not is_said:
            return
        command = owner_command(self.way, str(self.name.value or ""), self.entries, self.workbench.folder.path)
        with self.command, note(WHY, "warn", "admin_panel_settings"):
            copy_block(command, "Command for the owner of the server")

    def _field(self, field: TargetField) -> Any:
        if field.entry in ("whole", "minutes"):
            made: Any = ui.number(field.title, value=self.entries[field.name])
        else:
            found = offered(self.before, field.name, self.entries.get("queue.queue"))
            made = ui.input(field.title, value=self.entries[field.name], autocomplete=found or None)
            if field.example:
                made.props["placeholder"] = field.example
            made.props("spellcheck=false autocapitalize=off")
        made.props("dense outlined stack-label" if field.example else "dense outlined")
        found = offered(self.before, field.name, self.entries.get("queue.queue"))
        made.props["hint"] = f"found there: {', '.join(found[:6])}" if found else field.hint
        if self._is_owners:
            made.props["hint"] = field.hint.replace(", below an allowed folder", "")
            if self.before is not None and field.name == self.way:
                made.props["hint"] = "only the owner of the server changes that: calibench target change"
                made.props("readonly")

        def changed(event: Any) -> None:
            self.entries[field.name] = event.value
            made.props(remove="error error-message")
            self._say_command()

        made.on_value_change(changed)
        return made

    async def _submit(self) -> None:
        self.refused.clear()
        spec, faults = meant(self.kind, self._is_behind_host, self.entries, self.way)
        if not str(self.name.value or "").strip():
            faults = {"name": "Give it a name.", **faults}
        for name, words in faults.items():
            self._show(name, words)
        if spec is None or faults:
            self.button.refused()
        elif self.before is not None and spec.hosts:
            self._keep(spec.model_copy(update={"hosts": self.before.spec.hosts}))  # with their keys
        elif self._is_known_way(spec):
            self._keep(spec)
        else:
            await self._ask_host(spec)

    def _is_known_way(self, spec: TargetSpec) -> bool:
        """Is there no host key to look at: no host, or that of before?"""
        before = self.before.spec if self.before else None
        return spec.host is None or (before is not None and (before.host, before.port) == (spec.host, spec.port))

    async def _ask_host(self, spec: TargetSpec) -> None:
        self.waits.set_text(f"Asking {spec.host} who it is ...")
        try:
            key = await run.io_bound(self.workbench.targets.host_key_at, AskHost(spec=spec))
        except CalibenchError as error:
            self._refuse(error, "host")
            return
        finally:
            self.waits.set_text("")
            self.button.refused()
        if key is not None:
            self._confirm(spec, key)

    def _confirm(self, spec: TargetSpec, key: HostKey) -> None:
        if key.is_known:
            self._keep(spec)
            return
        trusted = spec.model_copy(update={"host_key": key.key})
        confirm_host_key(spec.address, key, lambda: self._keep(trusted))

    def _keep(self, spec: TargetSpec) -> None:
        targets = self.workbench.targets
        try:
            if self.before is None:
                target = targets.add(AskTarget(name=self.name.value, spec=spec))
            else:
                asked = ChangeTarget(name=self.name.value, spec=spec, version=self.before.version)
                target = targets.change(self.before.id, asked)
            targets.check(target.id)
        except Conflict:
            self._say("This target was changed meanwhile, here or elsewhere. Cancel, and look at it again.")
        except (CalibenchError, ValidationError) as error:
            self._refuse(error)
        else:
            ui.navigate.to(f"/targets/{target.id}")

    def _refuse(self, error: CalibenchError | ValidationError, otherwise: str = "") -> None:
        self.button.refused()
        name, words = target_fields.field_of(error)
        if "WARNING" in words:
            self._say(words)
        else:
            self._show(name or otherwise, in_page(words))

    def _show(self, name: str, words: str) -> None:
        if name in self.fields:
            show_error(self.fields[name], words)
        else:
            self._say(words)

    def _say(self, words: str) -> None:
        with self.refused:
            note(in_page(words), "bad", "error")


def offered(target: Target | None, name: str, queue: Any = None) -> list[str]:
    """What the last check found that may stand in a field: queues, and types of their nodes."""
    queues = ((target.machine or {}).get("queues") or ()) if target else ()
    if name == "queue.queue":
        return [str(each["name"]) for each in queues]
    if name == "queue.node_type":
        own = [each for each in queues if not queue or each["name"] == queue]
        return sorted({str(feature) for each in own for feature in each.get("features") or ()})
    return []

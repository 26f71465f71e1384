"""Measure a model on further targets: chosen in a dialog, and begun with one press."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import KeptModel, Target
from calibench.things.machine_row import MachineRow
from calibench.web import looks
from calibench.web.asking import buttons, dialog
from calibench.web.target_choice import card_words, hindrance_of
from calibench.web.words import said, tell, text
from calibench.workbench.measured_machines import cluster_hindrance

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


Tick = Callable[[int, bool], None]


def ask_where(workbench: "Workbench", model: KeptModel, rows: Sequence[MachineRow]) -> None:
    """Offer the targets that have no row yet; what is missing there is made, and runs."""
    has_int8 = any(each.parent_id is not None and each.state == "ready" for each in workbench.models.family(model.id))
    others = other_targets(workbench.targets.all(), rows, has_int8)
    ticked: dict[int, bool] = {}

    def begin() -> None:
        chosen = [id for id, is_on in ticked.items() if is_on]
        try:
            workbench.measure_elsewhere(model.id, chosen)
        except CalibenchError as error:
            tell(error)
            return
        opened.close()
        said(f"It is being measured on {looks.count(len(chosen), 'further target')}: see Jobs.")

    def tick(id: int, is_on: bool) -> None:
        ticked[id] = is_on
        go.set_enabled(any(ticked.values()))

    with dialog("Measure on other machines") as opened:
        text("The FP32 model, and its fastest INT8 model in turns with it, on the same samples.", "p").classes("quiet")
        if not others:
            text("It was measured on every target that there is.", "p")
            ui.link("Add a target", "/targets/new")
        with ui.element("div").classes("stack"):
            for target in others:
                _offer(target, tick)
        go = buttons(opened, "Measure", begin)
        go.set_enabled(False)


def other_targets(targets: Sequence[Target], rows: Sequence[MachineRow], has_int8: bool = False) -> list[Target]:
    """Machines and queues that the model was not measured on, or only in FP32; those that can be used first.

    Args:
        has_int8: there is an INT8 model that could be measured.
    """
    measured = {row.target_id for row in rows if row.int8_fps is not None or not has_int8}
    found = [each for each in targets if each.id not in measured and cluster_hindrance(each) is None]
    return sorted(found, key=lambda each: (bool(hindrance_of(each)), each.id))


def _offer(target: Target, tick: Tick) -> None:
    reason = hindrance_of(target)
    with ui.element("div"):
        box = ui.checkbox(target.name, on_change=lambda event: tick(target.id, bool(event.value)))
        box.set_enabled(not reason)
        with ui.element("div").classes("below-tick"):
            text(card_words(target), "div").classes("quiet small name")
            if reason:
                text(reason, "div").classes("small bad name")
                ui.link("What mends it", f"/targets/{target.id}").classes("small")

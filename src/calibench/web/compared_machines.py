"""One model on several targets: where INT8 pays, and why not where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.things.kept import Headline, KeptModel, Project, Target
from calibench.web import looks
from calibench.web.returning import address_with
from calibench.web.target_looks import VNNI, int8_features
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

PAYS = 1.1
"""Speed-up from which on INT8 is worth the trouble; below, measurements differ as much from one run to the next."""
BF16 = ("amx_bf16", "avx512_bf16")
HEADS = ("Target", "INT8 features", "FP32", "Default", "INT8", "Speed-up", "Latency")
NUMBERS = HEADS[2:]


@dataclass(frozen=True)
class Place:
    """One target and device with what the model does there.

    Attributes:
        fp32: its project with the FP32 model; int8: its fastest INT8 project, None where none was measured.
        machine: that measured, as far as it is known.
    """

    target: Target
    fp32: Project
    int8: Project | None
    machine: Mapping[str, Any]

    @property
    def head(self) -> Headline:
        return (self.int8 or self.fp32).headline


def places_of(workbench: "Workbench", root_id: int) -> list[Place]:
    """Where an FP32 model was measured, the fastest first."""
    targets = {each.id: each for each in workbench.targets.all()}
    projects = workbench.projects.all()
    found: dict[tuple[int, str], Place] = {}
    for fp32 in (each for each in projects if each.model_id == root_id and each.parent_id is None):
        target = targets.get(fp32.target_id)
        if target is None or fp32.headline.fp32_fps is None:
            continue
        children = [each for each in projects if each.parent_id == fp32.id and each.headline.int8_fps]
        int8 = max(children, key=lambda each: each.headline.int8_fps or 0.0, default=None)
        place = Place(target, fp32, int8, machine_of(workbench, int8, target))
        key = (target.id, fp32.device)
        if key not in found or (place.head.int8_fps or 0) > (found[key].head.int8_fps or 0):
            found[key] = place
    return sorted(found.values(), key=lambda each: -(each.head.int8_fps or each.head.fp32_fps or 0.0))


def machine_of(workbench: "Workbench", int8: Project | None, target: Target) -> Mapping[str, Any]:
    """The machine that measured, by its own report: a node of a queue is another one than its login node."""
    measured = (workbench.projects.report(int8.id) or {}).get("machine") if int8 is not None else None
    return measured or target.machine or {}


def draw_machines(workbench: "Workbench", model: KeptModel) -> None:
    """The table, where the model was measured on more than one target; of one alone, the way to another."""
    root_id = model.parent_id or model.id
    places = places_of(workbench, root_id)
    if len(places) < 2:
        if places and len(workbench.targets.all()) > 1:
            with ui.element("p").classes("line quiet"):
                text(f"Measured on {places[0].target.name} only.")
                ui.link("Measure it on another target", address_with("/projects/new", model=root_id))
        return
    with ui.element("section").classes("stack"):
        with ui.element("div").classes("line apart"):
            text("Compare machines", "h2")
            ui.link("Measure it on another target", address_with("/projects/new", model=root_id))
        with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing") as table:
            table.props["aria-label"] = "The model on several targets"
            with ui.element("thead"), ui.element("tr"):
                for name in HEADS:
                    text(name, "th").props("scope=col").classes("number" if name in NUMBERS else "")
            with ui.element("tbody"):
                for place in places:
                    _row(place, _datasets(places))


def _datasets(places: Sequence[Place]) -> bool:
    """Whether the projects differ in their dataset, so that it must be named."""
    return len({place.fp32.dataset_id for place in places}) > 1


def _row(place: Place, is_dataset_named: bool) -> None:
    head, project = place.head, place.int8 or place.fp32
    with ui.element("tr"):
        with ui.element("td") as cell:
            cell.props["data-label"] = "Target"
            device = "" if project.device == "CPU" else f", {project.device}"
            ui.link(f"{place.target.name}{device}", f"/projects/{project.id}").classes("name strong")
            if is_dataset_named:
                text(project.name, "div").classes("quiet small name")
            if sentence := why_not(place):
                text(sentence, "div").classes("small warn name measure-small")
        speedup = f"{looks.speedup(head.speedup)}{', slower' if looks.is_slower(head.speedup) else ''}"
        words = (
            int8_features(place.machine),
            looks.fps(head.fp32_fps),
            looks.fps(head.default_fps),
            looks.fps(head.int8_fps),
            speedup,
            looks.ms(head.latency_ms),
        )
        for name, word in zip(HEADS[1:], words, strict=True):
            cell = text(word, "td").classes("number" if name in NUMBERS else "")
            cell.props["data-label"] = name
            if word == looks.NOTHING:
                cell.classes("missing")


def why_not(place: Place) -> str:
    """Why INT8 does not pay there, in a sentence; '' where it does, or was not measured."""
    head, flags = place.head, place.machine.get("flags")
    if head.speedup is None or head.speedup >= PAYS:
        return ""
    begins = "INT8 does not pay here"
    is_bf16 = head.default_fps and head.fp32_fps and head.default_fps >= 1.2 * head.fp32_fps
    if is_bf16 and (flags is None or set(BF16) & set(flags)):
        gain = looks.speedup((head.default_fps or 0.0) / (head.fp32_fps or 1.0))
        return f"{begins}: FP32 runs in bf16 by default, {gain} as fast as exact FP32, so that little is left to gain."
    if flags is not None and not {*VNNI, "amx_int8"} & set(flags):
        return f"{begins}: the processor has neither VNNI nor AMX, so that INT8 arithmetic is hardly faster than FP32."
    if flags is None:
        return f"{begins}; what the processor has for INT8 is not known. Check the target."
    return f"{begins}, though the processor has {int8_features(place.machine)}: see which layers take its time."

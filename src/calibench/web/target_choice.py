"""Where a new project is measured: a card for each target; one with faults is greyed, and says why."""

from collections.abc import Callable, Sequence

from nicegui import ui

from calibench.things.kept import Target
from calibench.things.target_spec import QUEUES
from calibench.web import looks
from calibench.web.choice_cards import ChoiceCards
from calibench.web.machine_facts import int8_words
from calibench.web.page_words import in_page
from calibench.web.target_looks import KINDS, int8_features
from calibench.web.words import text

NODES = "Its nodes are seen when a job begins: then the result says what INT8 gains there."


def first_target(targets: Sequence[Target], wanted: int | None) -> int:
    """What is chosen at first: what was asked for, where it has no faults, else this machine."""
    for target in targets:
        if target.id == wanted and not hindrance_of(target):
            return target.id
    return next(target.id for target in targets if target.spec.is_here)


def hindrance_of(target: Target) -> str:
    """Why no project can be made there; '': one can."""
    if target.state != "faulty" or target.spec.is_here:
        return ""
    return in_page(target.faults[0].sentence) if target.faults else f"{target.name}: its last check found faults."


def target_choice(targets: Sequence[Target], chosen: int, choose: Callable[[int], None]) -> None:
    """The cards, this machine first; one target alone is shown without a choice."""
    ordered = sorted(targets, key=lambda each: (not each.spec.is_here, bool(hindrance_of(each)), each.id))
    if len(ordered) == 1:
        target = ordered[0]
        text(target.name, "p").classes("strong")
        text(str((target.machine or {}).get("cpu", "Not looked at yet.")), "p").classes("quiet")
        text(int8_words(target.machine or {}), "p")
        ui.link("Add another target", "/targets/new")
        return
    choices = [(str(each.id), each.name, card_words(each)) for each in ordered]
    with ui.element("div").classes("target-cards"):
        cards = ChoiceCards("Target", choices, str(chosen), lambda value: choose(int(value)))
    for target in ordered:
        with cards.body[str(target.id)]:
            words = NODES if target.kind in QUEUES else int8_words(target.machine or {})
            text(words, "p").classes("small")
        if reason := hindrance_of(target):
            cards.grey(str(target.id), True)
            with cards.notes[str(target.id)]:
                text(reason, "p").classes("small bad name")
                ui.link("What mends it", f"/targets/{target.id}")


def card_words(target: Target) -> str:
    """A target in a line: what it is, and what it has for INT8; of a queue only the login node was seen."""
    machine = {} if target.kind in QUEUES else target.machine or {}
    kind = "" if target.spec.is_here else KINDS[target.kind]
    features = int8_features(machine)
    parts = [kind, str(machine.get("cpu", "")), "" if features == looks.NOTHING else features]
    parts += [f"queue {target.spec.queue.queue}"] if target.spec.queue.queue else []
    parts += ["not checked yet"] if target.state == "unchecked" and not target.spec.is_here else []
    return ", ".join(part for part in parts if part) or "Not looked at yet"

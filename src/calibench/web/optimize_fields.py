"""The fields of the page Optimize INT8, part by part; each writes into the draft and asks for a check."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from calibench.web.choice_cards import ChoiceCards
from calibench.web.optimize_form import EXTRAS
from calibench.web.setting_inputs import setting_input
from calibench.web.slider_keys import home_and_end
from calibench.web.words import text

METHODS = (
    ("default", "Default",
     "Every layer that can run in INT8 does. Usually the fastest model, and usually, not always, a drop within 1 %. "
     "Takes less time. For annotated and not annotated datasets."),
    ("accuracy-aware", "AccuracyAware",
     "The fastest model whose accuracy drop stays within a maximum that you set: layers that cost too much stay in "
     "float. The drop is known; finding it takes longer. For annotated datasets only."),
)  # fmt: skip
SCHEMES = (
    ("performance", "Performance",
     "Weights and activations symmetric: the largest speed-up, on any device."),
    ("mixed", "Mixed",
     "Activations asymmetric where that helps. May be more accurate, for instance where activations are negative too, "
     "and may be slower."),
)  # fmt: skip

Draft = dict[str, Any]
Changed = Callable[[], Any]
Fields = dict[str, Any]


def part(title: str, words: str = "") -> ui.element:
    """A part of the form with its heading."""
    fieldset = ui.element("section").classes("form-part")
    with fieldset:
        text(title, "h2")
        if words:
            text(words, "p").classes("quiet measure")
    return fieldset


def bound(field: Any, draft: Draft, name: str, changed: Changed) -> Any:
    """A field that begins with the draft's value, writes into it, and asks for a check."""
    field.set_value(draft.get(name))

    def write(event: Any) -> None:
        draft[name] = event.value
        changed()

    field.on_value_change(write)
    return field


def subset_fields(draft: Draft, changed: Changed) -> Fields:
    """Percent of the calibration dataset, as number and slider."""
    with ui.element("div").classes("line limit-line"):
        number = ui.number("Subset size, %", step=5).props("dense outlined")
        bound(number, draft, "percent", changed)
        slider = ui.slider(min=1, max=100, step=1, value=draft["percent"] or 1).props('aria-label="Subset size, %"')
    home_and_end(slider, 1, 100)

    def drag(event: Any) -> None:
        if event.value is not None and round(event.value) != round(draft["percent"] or 0):
            number.set_value(event.value)

    slider.on_value_change(drag)
    number.on_value_change(lambda event: slider.set_value(min(100, max(1, event.value))) if event.value else None)
    return {"percent": number}


def method_cards(draft: Draft, changed: Changed, unit: str) -> tuple[ChoiceCards, Fields]:
    """The two methods, the maximum accuracy drop inside its card."""

    def choose(value: str) -> None:
        draft["method"] = value
        changed()

    cards = ChoiceCards("Optimization method", METHODS, draft["method"], choose)
    with cards.body["accuracy-aware"]:
        title = f"Maximum accuracy drop, {'points' if unit == '%' else unit or 'in the metric'}"
        drop = ui.number(title, step=0.1).props("dense outlined")
        bound(drop, draft, "max_drop", changed)
    return cards, {"max_drop": drop}


def scheme_cards(draft: Draft, changed: Changed) -> None:
    """Performance or mixed."""

    def choose(value: str) -> None:
        draft["preset"] = value
        changed()

    ChoiceCards("Calibration scheme", SCHEMES, draft["preset"], choose)


def advanced_fields(draft: Draft, changed: Changed, no_workers: str = "") -> Fields:
    """The sensible ones as fields, and a box for all others.

    Args:
        no_workers: why the work cannot be shared among processes; '': it can.
    """
    fields: Fields = {}
    with ui.element("div").classes("fields"):
        for extra in EXTRAS:
            fields[extra.name] = bound(setting_input(extra), draft, extra.name, changed)
        fields["workers"] = workers_field(draft, changed, no_workers)
    box = ui.textarea("Further settings as YAML").props('outlined dense autogrow input-class="mono" spellcheck=false')
    box.props('hint="Checked at once, and laid over the fields above. For instance: range_rule: mse"')
    fields["yaml"] = bound(box.classes("full q-mt-md"), draft, "yaml", changed)
    return fields


def workers_field(draft: Draft, changed: Changed, no_workers: str) -> Any:
    """How many processes share the work; greyed where that is not possible, with the reason."""
    if no_workers:
        draft["workers"] = None
    field = ui.number("Worker processes", step=1, min=1, max=64, precision=0).props("dense outlined clearable")
    field.props["hint"] = no_workers or "share the work, one core each; empty: none"
    field.set_enabled(not no_workers)
    return bound(field, draft, "workers", changed)


def point_fields(draft: Draft, changed: Changed) -> Fields:
    """Inference settings of the calibrated model: where its throughput is measured."""
    with ui.element("div").classes("fields fields-small"):
        made: Mapping[str, Any] = {
            "batches": ui.input("Batches").props('hint="such as 1, 4, 8"'),
            "streams": ui.input("Streams").props('hint="auto: the runtime\'s own choice"'),
            "seconds": ui.number("Seconds a measurement", step=0.5),
            "rounds": ui.number("Rounds", step=1),
        }
    return {name: bound(field.props("dense outlined"), draft, name, changed) for name, field in made.items()}

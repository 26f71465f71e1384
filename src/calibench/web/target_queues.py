"""The queues that the last check of a target found: what is free, how long a job may take, which nodes there are."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from calibench.things.kept import Target
from calibench.web import looks
from calibench.web.target_looks import MB
from calibench.web.words import text

HEADS = ("Queue", "State", "Nodes", "Longest job", "Cores", "Memory", "Node types")
NUMBERS = ("Nodes", "Cores", "Memory")


def draw_queues(target: Target) -> None:
    """A table; nothing where none are known."""
    queues = (target.machine or {}).get("queues") or ()
    if not queues:
        return
    with ui.element("section").classes("stack"):
        text("Queues", "h2")
        with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing") as table:
            table.props["aria-label"] = "Queues"
            with ui.element("thead"), ui.element("tr"):
                for name in HEADS:
                    text(name, "th").props("scope=col").classes("number" if name in NUMBERS else "")
            with ui.element("tbody"):
                for queue in queues:
                    _row(queue, target.spec.queue.queue)


def _row(queue: Mapping[str, Any], chosen: str | None) -> None:
    is_used = queue["name"] == chosen or (chosen is None and queue.get("is_default"))
    name = f"{queue['name']}{' (default)' if queue.get('is_default') else ''}{', used' if is_used else ''}"
    longest, memory = queue.get("walltime_s"), queue.get("memory_mb")
    words = (
        name,
        str(queue.get("state") or ("open" if queue.get("is_open") else "closed")),
        nodes_words(queue),
        "no limit" if longest is None else looks.duration(longest),
        looks.NOTHING if queue.get("cores") is None else str(queue["cores"]),
        looks.NOTHING if memory is None else looks.size(int(memory) * MB),
        ", ".join(queue.get("features") or ()) or looks.NOTHING,
    )
    with ui.element("tr").classes("here" if is_used else ""):
        for head, word in zip(HEADS, words, strict=True):
            cell = text(word, "td").classes("number" if head in NUMBERS else "name")
            cell.props["data-label"] = head
            if word == looks.NOTHING:
                cell.classes("missing")


def nodes_words(queue: Mapping[str, Any]) -> str:
    """How many nodes it has, and how many are free."""
    idle = queue.get("idle")
    return f"{queue.get('nodes', 0):,}" + ("" if idle is None else f", {idle:,} free")

"""Pages that change by themselves: what the hub says is carried from the thread that says it into the page.

A page subscribes first and reads the store next, both in its builder. What is said meanwhile waits until the builder
has returned, so nothing is missed and nothing older overwrites what is newer.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import context, ui
from nicegui.slot import Slot

from calibench.things.kept import Event

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

Handler = Callable[[Event], None]


def follow(workbench: "Workbench", handler: Handler, *topics: str, thing: int | None = None) -> None:
    """Call `handler` in this page's loop and slot for each event, until the browser is gone.

    Args:
        topics: such as "job", "project"; none: all.
        thing: only events of the thing with this id.
    """
    loop, client, slot = asyncio.get_running_loop(), context.client, context.slot

    def run(event: Event) -> None:
        if is_gone(slot):
            unsubscribe()
        else:
            with slot:
                handler(event)

    def hop(event: Event) -> None:
        if (not topics or event.topic in topics) and thing in (None, event.id) and not loop.is_closed():
            loop.call_soon_threadsafe(run, event)

    unsubscribe = workbench.hub.subscribe(hop)
    client.on_delete(unsubscribe)


def is_gone(slot: Slot) -> bool:
    """Was the element of a slot deleted, because its part of the page was drawn anew or the browser left?"""
    try:
        return slot.parent.is_deleted
    except RuntimeError:  # it is not even in memory any more
        return True


def gathered(action: Callable[[], None], wait_s: float = 0.2) -> Callable[[], None]:
    """An action for events that come in swarms: it runs at once, and then at most once in `wait_s` seconds.

    The last call is never lost. To be made in a page's builder.
    """
    state = {"is_waiting": False, "is_wanted": False}
    slot = context.slot

    def run() -> None:
        state["is_wanted"] = False
        state["is_waiting"] = True
        action()
        if not is_gone(slot):
            with slot:
                ui.timer(wait_s, rest, once=True)

    def rest() -> None:
        state["is_waiting"] = False
        if state["is_wanted"] and not is_gone(slot):
            with slot:
                run()

    def call() -> None:
        if state["is_waiting"]:
            state["is_wanted"] = True
        elif not is_gone(slot):
            run()

    return call

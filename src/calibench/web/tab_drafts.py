"""What was typed on a page, kept with the browser's tab: nothing is lost on a reload, or on the way to an import."""

from typing import Any

from nicegui import app, context

WAIT_S = 30.0
"""Seconds that a browser may take to connect: a phone on a slow network, a machine that calibrates."""


async def tab_draft(name: str, begin: dict[str, Any]) -> dict[str, Any] | None:
    """The draft of this tab, `begin` where there is none; None: the browser has gone, and nothing needs to be drawn."""
    client = context.client
    try:
        await client.connected(timeout=WAIT_S)
    except TimeoutError:
        return None
    if not client.has_socket_connection:
        return None
    draft: dict[str, Any] = app.storage.tab.setdefault(name, begin)
    return draft

"""Is this the machine that was meant? The fingerprint of its host key, which a person compares and confirms."""

from collections.abc import Callable

from nicegui import ui

from calibench.things.kept import HostKey
from calibench.web.asking import buttons, dialog
from calibench.web.words import note, text

CHANGED, UNKNOWN = "its host key has changed", "its host key is not known here"
"""What a check says of a machine whose key is not the one that is trusted, or that nobody has confirmed."""
COMPARE = (
    "Compare it with what the administrator of the machine says, or with what this command prints when you sit at that "
    "machine:"
)
SAME = "I have compared it: it is the same"


def confirm_host_key(where: str, key: HostKey, confirmed: Callable[[], object], trusted: str = "") -> None:
    """Ask a person whether the fingerprint is that of the machine; nothing is trusted before they say so.

    Args:
        where: the address that was asked.
        confirmed: called once they do.
        trusted: fingerprint that was trusted so far, of a key that has changed.
    """

    def go() -> None:
        opened.close()
        confirmed()

    with dialog("The host key has changed" if trusted else "Is this the machine that you mean?") as opened:
        if trusted:
            with note("Somebody may be listening in between, or the machine was set up anew.", "bad", "gpp_maybe"):
                text("Ask its administrator before you trust the new key.", "p")
            text("Trusted so far", "p").classes("quiet")
            text(trusted, "p").classes("mono name")
        text(f"{where} shows the key", "p").classes("name")
        text(f"{key.kind} {key.fingerprint}", "p").classes("mono strong name").props('aria-label="Fingerprint"')
        text(COMPARE, "p").classes("quiet")
        text(
            f"ssh-keygen -lf /etc/ssh/ssh_host_{key.kind.removeprefix('ssh-').partition('-')[0]}_key.pub", "p"
        ).classes("mono name")
        same = ui.checkbox(SAME).props("dense")
        trust = buttons(opened, "Trust the new key" if trusted else "Trust this machine", go)
        trust.set_enabled(False)
        same.on_value_change(lambda event: trust.set_enabled(bool(event.value)))

"""Text to take away: shown as it is, with a button that copies it."""

import json

from nicegui import ui

from calibench.web.words import text

COPY = """
const text = %s;
const done = () => emit(true);
if (navigator.clipboard && window.isSecureContext) {
  navigator.clipboard.writeText(text).then(done, () => emit(false));
} else {
  const area = document.createElement('textarea');
  area.value = text; area.style.position = 'fixed'; area.style.opacity = '0';
  document.body.appendChild(area); area.select();
  emit(document.execCommand('copy')); area.remove();
}
"""
"""Copies at the click itself, which browsers ask for; the old way where the page is not served by TLS."""


def copy_block(content: str, label: str) -> None:
    """A block of text, scrolled where it is long; `label`: what it is, for the button and screen readers."""
    with ui.element("div").classes("copy-block"):
        block = text(content, "pre").props('tabindex="0" role="region"')
        block.props["aria-label"] = label
        button = ui.button("Copy", icon="content_copy").props("flat dense no-caps size=sm").classes("copy-button")
        button.props["aria-label"] = f"Copy: {label}"
        script = json.dumps(content).replace("</", "<\\/")
        button.on("click", lambda event: _say(bool(event.args)), js_handler=f"() => {{ {COPY % script} }}")


def _say(is_copied: bool) -> None:
    if is_copied:
        ui.notify("Copied", type="positive", timeout=1500)
    else:
        ui.notify("The browser did not allow copying. Select the text and copy it.", type="warning")

"""Files from the person's computer: sent straight to REST as they are, with progress; what came is named by its id."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from calibench.web.words import text

ROUTE = "/api/v1/uploads/raw"
RAW_PROPS = (
    'flat bordered auto-upload send-raw no-thumbnails method=POST field-name=file :headers="files => '
    "[{name: 'X-File-Name', value: encodeURIComponent(files[0].name)}]\""
)
"""Quasar sends the bytes of one file as the body, the name in a header. Nothing of it passes through the pages."""

HEAD = """
<div class="upload-head">
  <span>{label}, or</span>
  <q-btn type="a" outline no-caps color="primary" label="Choose {files}" @click="props.pickFiles">
    <q-uploader-add-trigger></q-uploader-add-trigger>
  </q-btn>
  <span v-if="props.isUploading" role="status">
    {{{{ props.uploadProgressLabel }}}}
  </span>
  <q-btn v-if="props.isUploading" flat dense no-caps color="primary" label="Stop" @click="props.abort"></q-btn>
</div>
"""

SIZE = (
    "count => { if (count < 1000) return count + ' B'; let value = count, unit = ''; "
    "for (unit of ['kB', 'MB', 'GB', 'TB']) { value /= 1000; if (value < 999.5) break; } "
    "return (value < 99.95 ? value.toFixed(1) : value.toFixed(0)) + ' ' + unit; }"
)
"""`looks.size`, as the browser writes it."""
ADDED = f"files => {{ const size = {SIZE}; files.forEach(f => f.__sizeLabel = size(f.size)); emit(files.length); }}"
DONE = "info => emit({names: info.files.map(file => file.name), answer: info.xhr ? info.xhr.responseText : ''})"
KEPT = "files => files.filter(file => !{endings}.some(ending => file.name.toLowerCase().endsWith(ending)))"
REJECTED = "entries => emit(entries.map(entry => entry.file.name))"
FAILED = (
    "info => emit({names: info.files.map(file => file.name), answer: info.xhr ? info.xhr.responseText : '', "
    "status: info.xhr ? info.xhr.status : 0})"
)


@dataclass(frozen=True)
class Refused:
    """Files that are not sent at all.

    Attributes:
        endings: such as '.jpg'.
        words: what is said behind their names.
    """

    endings: tuple[str, ...]
    words: str


class UploadBox:
    """A field that takes files.

    Args:
        refused: files that are refused before they are sent.
        takes_several: whether more than one file belongs to it.
        changed: called when a file came, went, or did not arrive.

    Attributes:
        ids: of the uploads that are whole, by file name.
        error: one sentence on the last file that did not arrive.
    """

    def __init__(self, label: str, refused: Refused, takes_several: bool, changed: Callable[[], None]) -> None:
        self.ids: dict[str, str] = {}
        self.error = ""
        self.going = 0
        self.takes_several, self.changed = takes_several, changed
        self.box = ui.upload(multiple=takes_several, auto_upload=True).props(RAW_PROPS)
        self.box.add_slot("header", HEAD.format(label=label, files="files" if takes_several else "a file"))
        self.box.classes("upload full").props["url"] = ROUTE
        self.box.props[":filter"] = KEPT.format(endings=json.dumps(refused.endings))
        self.box.on("added", lambda event: self._added(event.args), js_handler=ADDED)
        self.box.on("uploaded", lambda event: self._came(event.args), js_handler=DONE)
        self.box.on("failed", lambda event: self._failed(event.args), js_handler=FAILED)
        self.box.on(
            "removed",
            lambda event: self._gone(event.args),
            js_handler="files => emit(files.map(file => ({name: file.name, is_going: file.__status === 'uploading'})))",
        )
        self.box.on("rejected", lambda event: self._rejected(event.args, refused.words), js_handler=REJECTED)
        self.words = text("", "p").classes("bad").props('role="alert"')
        self.words.set_visibility(False)

    def _added(self, count: Any) -> None:
        if not self.takes_several:
            self.ids.clear()
        self.going += int(count)
        self._say("")

    def _came(self, args: dict[str, Any]) -> None:
        self.going -= len(args["names"])
        upload = _read(args["answer"])
        for name in args["names"]:
            self.ids[name] = str(upload.get("id", ""))
        self._say("")

    def _failed(self, args: dict[str, Any]) -> None:
        self.going -= len(args["names"])
        self._say(_why(args))

    def _gone(self, files: list[dict[str, Any]]) -> None:
        for file in files:
            self.ids.pop(file["name"], None)
            self.going -= bool(file["is_going"])
        self._say("")

    def _rejected(self, names: list[str], words: str) -> None:
        self._say(f"{', '.join(names)} {words}")

    def _say(self, error: str) -> None:
        self.error = error
        self.words.set_text(error)
        self.words.set_visibility(bool(error))
        self.changed()


def _read(answer: str) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(args: dict[str, Any]) -> str:
    """One sentence on an upload that failed, from the answer of the server."""
    error = _read(args["answer"]).get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if message:
        return str(message)
    names = ", ".join(args["names"])
    if not args["status"]:
        return f"{names} did not arrive: the connection broke or was cancelled. Send it again."
    return f"{names} was refused by the server (status {args['status']}). Send it again."

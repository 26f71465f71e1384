"""Import a model or a dataset: upload files or name a path of the server, give a name, and be back where one was."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nicegui import ui
from pydantic import ValidationError

from calibench.errors import CalibenchError
from calibench.things.asked import Import
from calibench.things.kept import NAME_LENGTH
from calibench.web.asking import name_field, sentence, show_error
from calibench.web.page_frame import frame, page
from calibench.web.possible import PossibleButton
from calibench.web.returning import is_own, return_address
from calibench.web.taken_names import free_from
from calibench.web.upload_box import Refused, UploadBox
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


ARCHIVES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".txz", ".tar", ".zip")
PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".svg")
DOCUMENTS = (".md", ".rst", ".pdf", ".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".html", ".log")
NO_MODEL = (*PICTURES, *DOCUMENTS, ".txt", ".csv", ".tsv", ".mp4", ".mp3", ".wav", ".py", ".ipynb", ".exe")
NO_DATASET = (*DOCUMENTS, ".txt", ".onnx", ".pb", ".tflite", ".pdmodel", ".caffemodel", ".prototxt", ".bin", ".pt",
              ".pth", ".pt2", ".h5", ".keras", ".py", ".ipynb", ".exe")  # fmt: skip
"""Endings that can belong to no model, or no dataset; weights beside a model may have any other one."""


@dataclass(frozen=True)
class Kind:
    """What is imported, in words."""

    noun: str
    folder: str
    needs: str
    label: str
    takes_several: bool
    refused: tuple[str, ...]


MODEL = Kind(
    "model",
    "models",
    "An FP32 model: .onnx, .xml with .bin, .pb, .tflite, .pdmodel, or .prototxt with .caffemodel. What belongs "
    "together is sent together, or as one archive.",
    "Drop the files of the model here",
    True,
    NO_MODEL,
)
DATASET = Kind(
    "dataset",
    "datasets",
    "An archive (.zip, .tar, .tar.gz) of pictures, with or without annotations, or a table of texts (.csv, .tsv). "
    "COCO, VOC, YOLO, ImageNet folders and others are recognised by themselves.",
    "Drop the archive here",
    False,
    NO_DATASET,
)


def register(workbench: "Workbench") -> None:
    """`/models/import` and `/datasets/import`; `back` and `choose` say where to go afterwards."""

    @page(workbench, "/models/import")
    def import_model(back: str = "", choose: str = "") -> None:
        with frame(workbench, "Import a model", [("Models", "/models")]):
            ImportForm(workbench, MODEL, back, choose)

    @page(workbench, "/datasets/import")
    def import_dataset(back: str = "", choose: str = "") -> None:
        with frame(workbench, "Import a dataset", [("Datasets", "/datasets")]):
            ImportForm(workbench, DATASET, back, choose)


def name_from(file: str) -> str:
    """A name for a thing out of the name of its file: without folders and endings."""
    name = PurePosixPath(file.replace("\\", "/")).name
    ending = next((each for each in ARCHIVES if name.lower().endswith(each)), PurePosixPath(name).suffix)
    return (name[: len(name) - len(ending)] or name)[:NAME_LENGTH]


class ImportForm:
    """The form below the head of the page."""

    def __init__(self, workbench: "Workbench", kind: Kind, back: str, choose: str) -> None:
        self.workbench, self.kind, self.back, self.choose = workbench, kind, back, choose
        self.suggested = ""
        self.folders = tuple(workbench.allowed)
        with ui.element("div").classes("form"):
            self._draw()

    def _draw(self) -> None:
        text(f"Import a {self.kind.noun}", "h1")
        text(self.kind.needs, "p").classes("quiet")
        self.source = "upload"
        if self.folders:
            choice = ui.toggle({"upload": "Upload", "path": "Path on the server"}, value="upload").props(
                'no-caps unelevated padding="4px 14px" aria-label="Where from"'
            )
            choice.on_value_change(lambda event: self._choose_source(str(event.value)))
        self.upload_part = ui.element("div").classes("stack")
        with self.upload_part:
            self.uploads = UploadBox(self.kind.label, self._refusal(), self.kind.takes_several, self._changed)
        self.path_part = ui.element("div").classes("stack")
        with self.path_part:
            self._path_field()
        self.path_part.set_visibility(False)
        self.name = name_field()
        self.name.on_value_change(self._changed)
        self.entry = self._entry_field()
        with ui.element("div").classes("line"):
            self.button = PossibleButton("Import", self._import, "download")
            ui.link("Cancel", self.back if is_own(self.back) else f"/{self.kind.folder}")
        self._changed()

    def _refusal(self) -> Refused:
        return Refused(self.kind.refused, f"cannot be a {self.kind.noun} and was not sent. {self.kind.needs}")

    def _path_field(self) -> None:
        self.path = ui.input("File or folder on the server").props("outlined dense").classes("full")
        self.path.on_value_change(self._path_changed)
        folders = ", ".join(str(folder) for folder in self.folders)
        text(f"It must lie below a folder that the operator allowed: {folders}", "p").classes("quiet name")

    def _entry_field(self) -> ui.input | None:
        if self.kind is not MODEL:
            return None
        with ui.expansion("An archive with several models").classes("full").props("dense"):
            field = ui.input("Which file is the model", placeholder="folder/model.onnx").props("outlined dense")
        return field.classes("full")

    def _choose_source(self, source: str) -> None:
        self.source = source
        self.upload_part.set_visibility(source == "upload")
        self.path_part.set_visibility(source == "path")
        self._changed()

    def _path_changed(self) -> None:
        self.path.props(remove="error error-message")
        self._changed()

    def _changed(self) -> None:
        """What came or was typed: prefill the name, and say what is missing."""
        if not hasattr(self, "button"):
            return
        first = next(iter(self.uploads.ids), "") if self.source == "upload" else str(self.path.value or "")
        if first and self.name.value in ("", self.suggested):
            self.suggested = free_from(name_from(first), [each.name for each in self._book().all()])
            self.name.value = self.suggested
        self.button.allow(self._missing())

    def _missing(self) -> str:
        if self.source == "upload" and self.uploads.going > 0:
            return "Wait until the files are here."
        if self.source == "upload" and not self.uploads.ids:
            return "Choose a file first."
        if self.source == "path" and not self.path.value:
            return "Name a path first."
        return "" if self.name.value else "Give it a name."

    def _book(self) -> Any:
        return self.workbench.models if self.kind is MODEL else self.workbench.datasets

    def _import(self) -> None:
        try:
            thing = self._book().import_(self._asked())
        except ValidationError as error:
            show_error(self.name, error)
        except CalibenchError as error:
            self._refused(error)
        else:
            ui.navigate.to(return_address(self.back, self.choose, thing.id, f"/{self.kind.folder}/{thing.id}"))

    def _asked(self) -> Import:
        entry = self.entry.value if self.entry is not None else None
        if self.source == "path":
            return Import(name=self.name.value, path=Path(self.path.value), entry=entry or None)
        uploads = tuple(self.uploads.ids.values())
        return Import(name=self.name.value, uploads=uploads, entry=entry or None)

    def _refused(self, error: CalibenchError) -> None:
        """The sentence stands beside the field that it is about."""
        self.button.refused()
        words = sentence(error)
        if "name" in words.lower().split():
            show_error(self.name, words)
        elif self.source == "path":
            show_error(self.path, words)
        else:
            self.uploads._say(words)

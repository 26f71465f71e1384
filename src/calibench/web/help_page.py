"""Help: the way through, the words, and where more stands."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.web.page_frame import frame, page
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

WAY = (
    ("Import a model", "/models/import", "FP32, in the format that your framework exports."),
    ("Import a dataset", "/datasets/import", "Pictures, arrays or texts; with annotations, accuracy is measured."),
    ("Make a project", "/projects/new", "Its baseline tells accuracy and speed of the FP32 model on this machine."),
    (
        "Calibrate to INT8",
        "/",
        "In the project: Perform, Optimize, INT8. Default is fast; AccuracyAware keeps a limit.",
    ),
    ("Compare", "/", "INT8 beside FP32: accuracy, throughput, latency, size, layer by layer."),
)
WORDS = (
    ("Baseline", "The FP32 model as it is: its score on the validation dataset, and its speed."),
    ("Accuracy drop", "How much worse INT8 is, in points of the metric; negative: it is better."),
    ("Calibration dataset", "Samples that set the ranges of the tensors. It needs no annotations."),
    ("Validation dataset", "Annotated samples that decide accuracy. Best another one than the calibration dataset."),
    ("Default method", "Every layer that can runs in INT8. Fast to make, and usually close to FP32."),
    (
        "AccuracyAware",
        "Gives layers back to float until the drop keeps your limit; evaluates many models, so it is slow.",
    ),
    ("Scheme performance", "Ranges that are symmetric around zero: fastest."),
    ("Scheme mixed", "Ranges of activations need not be symmetric: a little slower, sometimes more accurate."),
    ("Default precision", "What the device makes of an FP32 model when nobody asks: bf16 on some CPUs, else FP32."),
)
KEYS = (
    ("Tab, Shift + Tab", "next, previous"),
    ("Enter, Space", "press what has the focus"),
    ("Escape", "close a dialog"),
)


def register(workbench: "Workbench") -> None:
    """`/help`."""

    @page(workbench, "/help")
    def help_() -> None:
        with frame(workbench, "Help"):
            text("Help", "h1")
            with ui.element("section").classes("stack"):
                text("From a model to INT8", "h2")
                with ui.element("ol").classes("numbered"):
                    for name, path, words in WAY:
                        with ui.element("li"):
                            ui.link(name, path)
                            text(f": {words}")
            _facts("Words", WORDS)
            _facts("Keys", KEYS)
            with ui.element("p"):
                text("All that can be done here can be done by REST as well: ")
                ui.link("the API", "/api/docs")


def _facts(title: str, rows: tuple[tuple[str, str], ...]) -> None:
    with ui.element("section").classes("stack"):
        text(title, "h2")
        with ui.element("dl").classes("facts measure"):
            for name, words in rows:
                text(name, "dt")
                text(words, "dd")

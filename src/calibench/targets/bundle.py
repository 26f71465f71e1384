"""A job as a folder: what is asked for, what happens, how it ended. The same on every target.

bundle.json    what to do (Bundle)
events.jsonl   a line an event: {"time", "type": "progress", "stage", "step", "done", "total", "progress", "eta_s"},
               {"time", "type": "trial", ...a row of the report's search.trials, "left"},
               {"time", "type": "note", "text"}
log.txt        stdout and stderr of the process
end.json       how it ended (End); renamed into place as the last thing
out/           files of the result; whole when end.json says done
remote.json    of a job that another machine does: where it is there
cancel         somebody has cancelled it. Without it, SIGTERM is no cancel: so it goes when a machine is switched off
tmp/           while it runs: decoded samples and the like
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from calibench.caffe_tool.job import CaffeOptions
from calibench.settings import Frozen, Settings
from calibench.things.asked import Limits, Points
from calibench.things.kept import Failure, JobKind
from calibench.things.target_spec import TargetSpec

BUNDLE, EVENTS, LOG, END, OUT = "bundle.json", "events.jsonl", "log.txt", "end.json", "out"
REMOTE, CANCEL, WORKERS = "remote.json", "cancel", "workers.started"
TEMPORARY = "tmp"
PATHS = "in/paths"
"""In the folder of a job that was brought here: files that lie there with their whole paths of where they came from."""


class Bundle(Frozen):
    """One job. Paths are absolute, or relative to the bundle's folder."""

    format: Literal[1] = Field(1, description="of this file")
    kind: JobKind
    target: TargetSpec | None = Field(None, description="where the work is done; None: by the process that reads this")
    model: Path | None = None
    baseline: Path | None = Field(
        None, description="of a benchmark or a comparison: the FP32 model that an INT8 one stands beside"
    )
    is_compared: bool = Field(False, description="of a benchmark: with what the machine is, and why INT8 pays or not")
    dataset: Path | None = Field(None, description="of a calibration: sets the ranges")
    validation: Path | None = Field(None, description="of a calibration: decides accuracy; None: half of `dataset`")
    settings: Settings = Settings()
    points: Points | None = Field(None, description="where throughput is measured; None: not at all")
    benchmark: bool = Field(True, description="of a calibration or a comparison: measure speed, layers and memory")
    workers: int = Field(0, ge=0, description="of a calibration: processes that share it, one core each; 0, 1: one")
    sources: tuple[Path, ...] = Field((), description="of an import: uploaded files, or one path")
    entry: str | None = Field(None, description="of an import: which file is the model")
    is_copied: bool = Field(True, description="of an import: sources stay where they are; else they may be moved")
    started_in: Path | None = Field(
        None, description="by a command: what relative paths in a prototxt refer to; None: the current folder"
    )
    caffe: CaffeOptions | None = Field(
        None, description="of a calibration by the Caffe calibrator; its caffemodel is `settings.weights`"
    )
    limits: Limits = Limits()
    result: Path | None = Field(None, description="of pick: the folder of the search")
    max_drop: float | None = Field(None, description="of pick")
    min_fps: float | None = Field(None, description="of pick")
    samples: int = Field(20, description="of try-settings: samples that are scored")
    pictures: int = Field(8, description="of try-settings: samples that are drawn")


class End(Frozen):
    """How a job ended."""

    state: Literal["done", "failed", "cancelled"]
    failure: Failure | None = Field(
        None,
        description="of one that is cancelled: its process was told to end by somebody else; it can be gone on with",
    )
    result: dict[str, Any] = {}

"""Which blob is the score of a Caffe network: what `-n` may name."""

import json
from dataclasses import dataclass
from typing import Any

import openvino as ov

from calibench.caffe_tool.job import CaffeJob
from calibench.errors import SettingsError
from calibench.models.metadata import metadata
from calibench.models.ports import port_name

DETECTION, OUTPUT = "DetectionEvaluate", "output"


NO_SCORE = (
    "none, because the phase TEST has no layer Accuracy and none DetectionEvaluate; add one, or only quantize with -q"
)


@dataclass(frozen=True)
class Score:
    """A blob whose value is a score.

    Attributes:
        type: of the layer that makes it; `Accuracy`, `DetectionEvaluate`, or "output" of a network without either.
        metric: as in `metric` of the settings.
    """

    blob: str
    type: str
    metric: str

    @property
    def is_layer(self) -> bool:
        """Whether a layer of the network says how it is computed."""
        return self.type != OUTPUT

    @property
    def is_detection(self) -> bool:
        return self.type == DETECTION or self.metric == "voc"


def scores_of(graph: ov.Model) -> tuple[Score, ...]:
    """The scoring layers of a converted network, in the order of the file."""
    listed: list[dict[str, Any]] = json.loads(metadata(graph).get("caffe/scores", "[]"))
    return tuple(Score(each["blob"], each["type"], each["blob"]) for each in listed)


def choose_score(graph: ov.Model, job: CaffeJob) -> Score:
    """The score that `-n` names.

    Raises:
        SettingsError: there is none of that name, or it is none of `-d`; names those that there are.
    """
    known = scores_of(graph) or _outputs(graph, job)
    listed = ", ".join(f"{each.blob} ({each.type})" for each in known) or NO_SCORE
    if job.blob is None:
        raise SettingsError(f"-n/--blob_name is missing: the blob whose value is the score. Candidates: {listed}.")
    found = next((each for each in known if each.blob == job.blob), None)
    if found is None:
        raise SettingsError(f"-n {job.blob}: is no score of {job.model}. Candidates: {listed}.")
    if job.is_detection and not found.is_detection:
        raise SettingsError(f"-d 1: {found.blob} comes from a layer {found.type}, which scores classes. Give -d 0.")
    if found.is_detection and not job.is_detection:
        raise SettingsError(f"-n {found.blob}: is the score of a detector ({found.type}). Give -d 1 too.")
    return found


def _outputs(graph: ov.Model, job: CaffeJob) -> tuple[Score, ...]:
    """Outputs of a network without scoring layers, judged by what is annotated in `--dataset`."""
    if job.dataset is None:
        return ()
    metric = "voc" if job.is_detection else "top1"
    return tuple(Score(port_name(port), OUTPUT, metric) for port in graph.outputs)

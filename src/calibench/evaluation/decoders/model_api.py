"""Models that name their kind in the file (`model_info/model_type`): read by openvino-model-api."""

import importlib.util
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoder import Counting, Decoder, size_of
from calibench.evaluation.decoders.suppression import labelled, surest
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context

KINDS = ("ssd", "maskrcnn", "detrinstseg", "yolo-seg", "yolox", "yolov5", "yolov8", "yolo11")
"""That it reads from outputs alone. Not among them: "YOLO", by which exports of Ultralytics mean another head; "YOLOV4"
and "YOLOF", whose readers fail on their own outputs in version 0.4.7."""

WITH_MASKS = ("maskrcnn", "detrinstseg", "yolo-seg")

FINE = 16
"""It rounds boxes to whole pixels of the picture; told that the picture is so much larger, it rounds to sixteenths."""

WANTED = ("labels", "iou_threshold", "nms_execute", "agnostic_nms", "nms_max_predictions")
"""What is handed on of the file; how pictures are prepared is the business of the inputs."""

BROKEN = (ValueError, RuntimeError, IndexError, KeyError, TypeError, AttributeError)
"""With these it answers outputs of another form than the kind has."""

NOT_THERE = "Cannot get runtime attribute. Path to runtime attribute is incorrect."
"""By this sentence model-api knows that a file does not say something."""


@dataclass(frozen=True)
class Layer:
    """An input or output, as model-api wants to see it."""

    shape: list[int]
    names: frozenset[str]
    layout: str = ""
    precision: str = "f32"
    type: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outlook:
    """All that model-api asks of a model before it reads outputs: no inference, no file."""

    size: tuple[int, int]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]
    said: tuple[tuple[str, str], ...]

    def get_input_layers(self) -> dict[str, Layer]:
        """One picture."""
        return {"image": Layer([1, 3, *self.size], frozenset({"image"}), "NCHW")}

    def get_output_layers(self) -> dict[str, Layer]:
        """By name."""
        return {name: Layer(list(shape), frozenset({name})) for name, shape in self.outputs}

    def get_rt_info(self, path: list[str]) -> Any:
        """What the file says of itself."""
        from openvino import OVAny

        found = dict(self.said)
        if path[-1] not in found:
            raise RuntimeError(NOT_THERE)
        return OVAny(found[path[-1]])

    def embed_preprocessing(self, **settings: Any) -> None:
        """Pictures are prepared elsewhere."""


def kind_of(context: Context) -> str:
    """The kind that the file names, in small letters."""
    return context.metadata.get("model_info/model_type", "").lower()


@lru_cache(maxsize=4)
def _reader(kind: str, outlook: Outlook, threshold: float, iou_threshold: float | None) -> Any:
    """The postprocessing of model-api. Raises SettingsError when it is not installed or does not take the outputs."""
    try:
        from model_api.models import Model
        from model_api.models.model import WrapperError
    except ImportError:
        raise SettingsError(
            "The decoder model-api needs openvino-model-api. Install it: pip install 'calibench[datasets]'."
        ) from None
    options = {"confidence_threshold": threshold, "iou_threshold": iou_threshold}
    try:
        return Model.get_model_class(kind)(outlook, {name: value for name, value in options.items() if value}, False)
    except (WrapperError, *BROKEN) as error:
        raise _refused(kind, error) from error


def _refused(kind: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"model-api cannot read the outputs of a model of kind {kind}: {error}. Set task.decoder to another one."
    )


def _decode(outputs: NamedOutputs, context: Context) -> Detections:
    kind, settings, size = kind_of(context), context.settings, size_of(context)
    if kind not in KINDS:
        raise SettingsError(
            f"The decoder model-api needs model_info/model_type in the model's file, one of {', '.join(KINDS)}; "
            f"found {kind or 'none'}. Set task.decoder to another one."
        )
    said = tuple(
        (name, context.metadata[f"model_info/{name}"]) for name in WANTED if f"model_info/{name}" in context.metadata
    )
    shapes = tuple((name, tuple(np.shape(values))) for name, values in outputs.items())
    chosen = settings.iou_threshold if "iou_threshold" in settings.model_fields_set else None
    reader = _reader(kind, Outlook(size, shapes, said), settings.score_threshold, chosen)
    fine = 1 if kind in WITH_MASKS else FINE
    try:
        found = reader.postprocess({name: np.array(values) for name, values in outputs.items()}, _told(size, fine))
    except BROKEN as error:
        raise _refused(kind, error) from error
    return _detections(found, kind, fine, context)


def _told(size: tuple[int, int], fine: int) -> dict[str, Any]:
    """A picture of the model's proportions, so that boxes come back in fractions of the input's pixels."""
    height, width = size
    return {
        "original_shape": (height * fine, width * fine, 3),
        "resized_shape": (width, height, 3),
        "scale": 1 / fine,
        "resize_info": {"inverted_scale_x": fine, "inverted_scale_y": fine, "pad_left": 0, "pad_top": 0},
    }


def _detections(found: Any, kind: str, fine: int, context: Context) -> Detections:
    labels = np.asarray(found.labels, np.int64) - (
        kind == "yolo-seg"
    )  # this kind alone numbers what it names by one more
    boxes = np.asarray(found.bboxes, np.float32).reshape(-1, 4) / np.float32(fine)
    scores = np.asarray(found.scores, np.float32)
    kept = surest(labelled(boxes, scores, labels, context.settings), context.settings)
    masks = np.asarray(found.masks)[kept.rows] > 0 if kind in WITH_MASKS else None
    return Detections(kept.boxes, kept.scores, kept.labels, masks)


MODEL_API = Decoder(
    "model-api",
    "models of the Open Model Zoo, OpenVINO Training Extensions and Geti that name their kind",
    lambda context: kind_of(context) in KINDS and importlib.util.find_spec("model_api") is not None,
    _decode,
    lambda context: Counting(None, "first" if kind_of(context) in ("maskrcnn", "detrinstseg") else "none"),
    lambda context: kind_of(context) in WITH_MASKS,
)

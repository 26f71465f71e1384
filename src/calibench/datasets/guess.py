"""Input settings that nobody gave: from what the model's file says of itself, and from the pictures."""

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.images import upright_size
from calibench.datasets.listing import Listing
from calibench.errors import DatasetError
from calibench.models.metadata import metadata
from calibench.settings import InputSettings

LOOKED_AT = 32
"""Pictures whose size is looked at; they must all have the same for a model that takes any."""
GRAY = 128
"""What a line of text is padded with: 0 after the usual preparation to -1..1."""
LINE_SIZE = (48, 320)
"""Height, width in pixels that recognisers of text lines are trained at where their width is free (PaddleOCR)."""
SHORT_LINE_SIZE = (48, 192)
"""The same of those that tell whether a line is upside down (PaddleOCR)."""
LINE_SHAPE = 2.0
"""Width over height from which a picture, in the median, is a line of text."""
ULTRALYTICS_PAD = 114
RESIZE_TYPES = {
    "standard": "stretch",
    "fit_to_window": "corner",
    "fit_to_window_letterbox": "letterbox",
    "crop": "crop",
}
"""openvino-model-api's `resize_type`: ours."""


def guess_inputs(model: ov.Model, given: InputSettings, listing: Listing | None) -> tuple[InputSettings, str | None]:
    """Settings with what the person left open filled in, and in words what was guessed (None when nothing was).

    What a person set is never changed.
    """
    found: dict[str, Any] = {}
    told = metadata(model)
    source = "nowhere"
    for guess, where in ((_from_model_api, "model_info"), (_from_ultralytics, "its export by Ultralytics")):
        values = guess(told)
        if values:
            found, source = values, f"the model's file ({where})"
            break
    if "caffe/normal" in told and _channels(model) == 3:
        found, source = {"color": "bgr"}, "a Caffe network"
    if "framework/character" in told and _gives_steps(model):
        found, source = {"size": LINE_SIZE, "resize": "corner", "pad": GRAY}, "a recogniser of text lines"
    if _has_free_sides(model) and "size" not in found and listing is not None:
        sizes = _sizes(listing)
        if len(set(sizes)) == 1:
            found |= {"size": sizes[0]}
            source = "the size of the pictures" if source == "nowhere" else source
        elif sizes and median(width / height for height, width in sizes) >= LINE_SHAPE:
            found |= {"size": SHORT_LINE_SIZE, "resize": "corner", "pad": GRAY}
            source = "pictures with the shape of text lines"
    if "size" in found and not _has_free_sides(model):
        found.pop("size")
    new = {name: value for name, value in found.items() if name not in given.model_fields_set}
    if not new:
        return given, None
    said = ", ".join(f"{name} {_text(value)}" for name, value in new.items())
    return given.model_copy(update=new), f"Guessed from {source}: {said}."


def _from_model_api(told: Mapping[str, str]) -> dict[str, Any]:
    """What openvino-model-api writes into the files of Geti and the Open Model Zoo."""
    if told.get("model_info/embedded_processing", "").lower() in ("true", "yes"):
        return {}
    found: dict[str, Any] = {}
    for ours, theirs in (("mean", "mean_values"), ("scale", "scale_values")):
        values = told.get(f"model_info/{theirs}", "").split()
        if values:
            found[ours] = tuple(float(value) for value in values)
    if told.get("model_info/reverse_input_channels", "").lower() in ("true", "yes"):
        found["color"] = "rgb"
    resize = RESIZE_TYPES.get(told.get("model_info/resize_type", ""))
    if resize:
        found["resize"] = resize
    pad = told.get("model_info/pad_value", "")
    if pad.isdecimal():
        found["pad"] = int(pad)
    return found


def _from_ultralytics(told: Mapping[str, str]) -> dict[str, Any]:
    """Exports by Ultralytics carry their classes and the stride; all take RGB in 0..1, letterboxed on gray."""
    if "framework/names" not in told or "framework/stride" not in told:
        return {}
    return {"color": "rgb", "scale": (255.0,), "resize": "letterbox", "pad": ULTRALYTICS_PAD}


def _channels(model: ov.Model) -> int | None:
    """Of the one input with four axes, NCHW; None where that is not known."""
    shapes = [port.get_partial_shape() for port in model.inputs if port.get_partial_shape().rank.is_static]
    pictures = [shape for shape in shapes if len(shape) == 4]
    return pictures[0][1].get_length() if len(pictures) == 1 and pictures[0][1].is_static else None


def _gives_steps(model: ov.Model) -> bool:
    """Whether an output is a row of scores, [1, steps, classes]; classifiers of PaddleOCR name their classes alike."""
    shapes = [port.get_partial_shape() for port in model.outputs]
    return any(shape.rank.is_static and len(shape) == 3 for shape in shapes)


def _has_free_sides(model: ov.Model) -> bool:
    """Whether the one input with four axes has a free height or width."""
    shapes = [port.get_partial_shape() for port in model.inputs]
    pictures = [shape for shape in shapes if shape.rank.is_static and len(shape) == 4]
    return len(pictures) == 1 and sum(side.is_dynamic for side in list(pictures[0])[1:]) > 0


def _sizes(listing: Listing) -> list[tuple[int, int]]:
    """Height, width in pixels of the first pictures."""
    sizes = []
    for number in range(min(len(listing), LOOKED_AT)):
        picture = listing.picture(number)
        try:
            size = picture.shape if isinstance(picture, np.ndarray) else upright_size(picture)
        except DatasetError:
            continue  # said when it is decoded
        sizes.append((int(size[0]), int(size[1])))
    return sizes


def _text(value: Any) -> str:
    return ",".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)

"""Input settings that nobody gave: from what the model's file says of itself, and from the pictures."""

from collections.abc import Mapping
from typing import Any

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
    if "framework/character" in told:
        found, source = {"size": LINE_SIZE, "resize": "corner", "pad": GRAY}, "a recogniser of text lines"
    if _has_free_sides(model) and "size" not in found and listing is not None:
        size = _common_size(listing)
        if size is not None:
            found |= {"size": size}
            source = "the size of the pictures" if source == "nowhere" else source
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


def _has_free_sides(model: ov.Model) -> bool:
    """Whether the one input with four axes has a free height or width."""
    shapes = [port.get_partial_shape() for port in model.inputs]
    pictures = [shape for shape in shapes if shape.rank.is_static and len(shape) == 4]
    return len(pictures) == 1 and sum(side.is_dynamic for side in list(pictures[0])[1:]) > 0


def _common_size(listing: Listing) -> tuple[int, int] | None:
    sizes = set()
    for number in range(min(len(listing), LOOKED_AT)):
        picture = listing.picture(number)
        try:
            sizes.add(tuple(picture.shape[:2]) if hasattr(picture, "shape") else upright_size(picture))
        except DatasetError:
            continue  # said when it is decoded
    return next(iter(sizes)) if len(sizes) == 1 else None


def _text(value: Any) -> str:
    return ",".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)

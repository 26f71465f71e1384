"""What a model's file says of itself."""

from collections.abc import Iterator, Mapping
from typing import Any

import openvino as ov


def metadata(model: ov.Model) -> dict[str, str]:
    """The runtime information of a model, flat: "framework/character", "model_info/labels"; only texts and numbers."""
    return dict(_flat(model.get_rt_info(), ""))


def _flat(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}/")
            continue
        inner = getattr(value, "value", value)
        if isinstance(inner, (str, int, float, bool)):
            yield f"{before}{name}", str(inner)

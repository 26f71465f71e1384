"""deploy.py: a script beside the INT8 model that runs it as it was certified, without Calibench."""

from importlib.resources import files
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.inputs import ImageInput, InputPlan, TensorInput
from calibench.errors import JobError
from calibench.models.ports import port_name
from calibench.reports.report import PreparedInput, Report

SCRIPT = "standalone.py"
BEGIN, END = "# What was certified, begin\n", "# What was certified, end\n"
WIDTH = 116  # letters a line, as in the rest of the script


def deploy_script(report: Report) -> str:
    """The script as text; it reads `model.xml` in its own folder.

    Raises:
        ValueError: the report does not hold `inputs`, as that of a comparison.
    """
    if not report.inputs:
        raise ValueError("the report does not say how samples enter the model")
    source = (files("calibench.reports") / SCRIPT).read_text(encoding="utf-8")
    before, _, rest = source.partition(BEGIN)
    _, _, after = rest.partition(END)
    values = pformat(certified(report), width=WIDTH, sort_dicts=False)
    return f"{before}{BEGIN}CERTIFIED: dict[str, Any] = {values}\n{END}{after}"


def write_deploy_script(report: Report, path: Path) -> None:
    """Write `deploy_script`.

    Raises:
        JobError: the file cannot be written.
        ValueError: as `deploy_script`.
    """
    text = deploy_script(report)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise JobError(f"{path}: cannot be written ({error.strerror}).") from None


def certified(report: Report) -> dict[str, Any]:
    """What the script has to know, as plain values."""
    return {
        "model": report.model.name,
        "device": report.settings.device,
        "precision": report.inference_precision,
        "inputs": [each.model_dump(mode="json") for each in report.inputs],
        "has_scores": report.task in (None, "classification"),
        "classes": _classes(report),
    }


def prepared_inputs(plan: InputPlan, model: ov.Model, is_embedded: bool = False) -> tuple[PreparedInput, ...]:
    """How samples enter the saved model, for `Report.inputs`.

    Args:
        model: what takes the prepared values: the FP32 graph, without the preparation of pictures.
        is_embedded: the saved model prepares pictures itself (`embed_preprocessing`).
    """
    types = {port_name(port): np.dtype(port.element_type.to_dtype()).name for port in model.inputs}
    return tuple(
        _picture(each, types[each.name], is_embedded) if isinstance(each, ImageInput) else _tensor(each)
        for each in plan.inputs
    )


def _tensor(each: TensorInput) -> PreparedInput:
    return PreparedInput(name=each.name, kind="tensor", shape=each.shape, dtype=each.dtype)


def _picture(each: ImageInput, dtype: str, is_embedded: bool) -> PreparedInput:
    return PreparedInput(
        name=each.name,
        kind="picture",
        dtype="uint8" if is_embedded else dtype,
        layout="NHWC" if is_embedded else each.layout,
        height=each.height,
        width=each.width,
        channels=each.channels,
        color=each.settings.color,
        mean=each.settings.mean,
        scale=each.settings.scale,
        resize=each.settings.resize,
        resize_short=each.settings.resize_short,
        pad=each.settings.pad,
        is_embedded=is_embedded,
    )


def _classes(report: Report) -> dict[int, str]:
    """Names by the model's own number, where that follows from the place in the dataset's list."""
    if report.task not in (None, "classification") or report.settings.task.class_numbers not in ("auto", "index"):
        return {}
    offset = report.settings.task.label_offset
    return {row.label + offset: row.name for row in report.classes if row.name}

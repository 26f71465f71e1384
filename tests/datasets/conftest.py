"""Tiny models and drawn pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op
from PIL import Image

from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.settings import InputSettings, Settings


@pytest.fixture
def net() -> Callable[..., ov.Model]:
    """A model that gives back its inputs as float32; inputs by name: shape, or (shape, dtype)."""

    def build(layout: str | None = None, **inputs: Any) -> ov.Model:
        parameters, results = [], []
        for name, given in inputs.items():
            shape, dtype = given if isinstance(given, tuple) else (given, np.float32)
            parameter = op.parameter(ov.PartialShape(shape), dtype, name=f"op_{name}")
            parameter.get_output_tensor(0).set_names({name})
            if layout:
                parameter.set_layout(ov.Layout(layout))
            parameters.append(parameter)
            results.append(op.relu(op.convert(parameter, "f32"), name=f"relu_{name}"))
        return ov.Model(results, parameters, "tiny")

    return build


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Draw a picture of one colour, or of the given values, and write it."""

    def draw(path: Path, size: Sequence[int] = (8, 8), color: Any = (10, 20, 30), **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size[1], size[0]), color).save(path, **options)
        return path

    return draw


@pytest.fixture
def plan(net: Callable[..., ov.Model]) -> Callable[..., InputPlan]:
    """The plan of a model [?, 3, 8, 8] with input settings."""

    def make(shape: Sequence[int] = (-1, 3, 8, 8), **settings: Any) -> InputPlan:
        return plan_inputs(net(image=list(shape)), Settings(inputs={"": InputSettings(**settings)}))

    return make

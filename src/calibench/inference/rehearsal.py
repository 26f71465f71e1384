"""Run one model with many input settings: the model is compiled once, the preparation of pictures beside it."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from calibench.datasets.attach import attach_images
from calibench.datasets.inputs import ImageInput
from calibench.inference.runner import Outputs, compile_for_samples, core, infer_all
from calibench.models.graph import multiply_adds
from calibench.models.ports import port_name


class Rehearsal:
    """A model that takes one picture, ready to be fed pictures prepared in any way.

    `multiply_adds`: of one inference, in convolutions and matrix products.
    """

    def __init__(self, model: ov.Model, image: ImageInput, device: str, threads: int) -> None:
        sides = {"N": 1, "C": image.channels, "H": image.height, "W": image.width}
        fixed = model.clone()
        self._shape = [sides[axis] for axis in image.layout]
        self._type = fixed.inputs[0].get_element_type()
        fixed.reshape({port: self._shape for port in fixed.inputs if port_name(port) == image.name})
        self.multiply_adds = multiply_adds(fixed)
        self._model = compile_for_samples(fixed, device, threads)
        self._steps: dict[Any, ov.CompiledModel] = {}

    def run(self, pictures: Iterable[NDArray[np.uint8]], image: ImageInput) -> Iterator[Outputs]:
        """Outputs of pictures uint8 [1, H, W, C], prepared as `image.settings` say, in their order."""
        step = self._step(image)
        return infer_all(self._model, ({image.name: np.array(step([pixels])[0])} for pixels in pictures))

    def _step(self, image: ImageInput) -> ov.CompiledModel:
        settings = image.settings
        key = (settings.color, settings.mean, settings.scale)
        if key not in self._steps:
            entry = ops.parameter(self._shape, self._type)
            entry.output(0).get_tensor().set_names({image.name})
            identity = ov.Model([ops.result(entry)], [entry])
            self._steps[key] = core.compile_model(attach_images(identity, (image,)), "CPU")
        return self._steps[key]

"""A classifier whose input is its scores, its samples, and how far noise gets it wrong; importable by workers."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.datasets.dataset import Arrays, Sample, Subset
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import Metric, Observation, mean_of
from calibench.evaluation.metrics.top_k import top_k
from calibench.evaluation.tasks.task import Task
from calibench.inference.runner import compile_for_samples
from calibench.search.validation import Validation, run_baseline

CLASSES = 4


def graph(noise: float = 0.0) -> ov.Model:
    """Gives its input, with the same noise on every sample."""
    scores = ops.parameter([-1, CLASSES], np.float32, name="scores")
    scores.output(0).get_tensor().set_names({"scores"})
    drawn = np.random.default_rng(1).normal(size=(1, CLASSES)).astype(np.float32)
    model = ov.Model([ops.result(ops.add(scores, ops.constant(noise * drawn)))], [scores])
    model.outputs[0].get_tensor().set_names({"out"})
    return model


def compiled(noise: float) -> ov.CompiledModel:
    return compile_for_samples(graph(noise), "CPU", 2)


def samples(count: int, wrong: float = 0.1) -> Subset:
    """In another order than they lie in the dataset; the highest score is the label, but for a share of them."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(count, 1, CLASSES)).astype(np.float32)
    labels = scores.reshape(count, CLASSES).argmax(1)
    labels = np.where(random.random(count) < wrong, (labels + 1) % CLASSES, labels)
    return Subset(Arrays([{"scores": each} for each in scores], labels.tolist()), tuple(range(count - 1, -1, -1)))


def validation(
    data: Any, metric: Metric | None = None, batch: int = 1, take: Callable[[Sample], Any] = lambda s: s["scores"]
) -> Validation:
    judge = Judge(Task("classification", lambda outputs, frame: None, {}), metric or top_k(1), ("out",))
    outputs = ((np.asarray(take(data[index])),) for index in range(len(data)))
    return Validation(data, judge, (), run_baseline(outputs, data, judge), batch, 2)


def refusing(at: float) -> Metric:
    """Refuses the sample whose first score is `at`."""

    def value(seen: Observation) -> float:
        if seen.outputs["out"][0, 0] == np.float32(at):
            raise SettingsError("this one is odd")
        return 1.0

    return mean_of("own", "%", True, "nothing", value)


def distance() -> Metric:
    """Compares with FP32."""

    def value(seen: Observation) -> float:
        return float(np.abs(seen.outputs["out"] - seen.reference["out"]).sum())

    return mean_of("distance", "", False, "reference", value)


class Deadly:
    """Samples of which the first that a worker decodes ends it, once."""

    def __init__(self, inner: Arrays, mark: Path, main: int, at: int) -> None:
        self.inner, self.mark, self.main, self.at = inner, mark, main, at

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Sample:
        if index == self.at and os.getpid() != self.main and not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner[index]


class Broken(Deadly):
    """Samples of which one cannot be read."""

    def __getitem__(self, index: int) -> Sample:
        if index == self.at and os.getpid() != self.main:
            raise DatasetError(f"sample {index} cannot be read.")
        return self.inner[index]

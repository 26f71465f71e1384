"""NNCF's `quantize_with_accuracy_control` on a case: what it returns, how long it took, what it did meanwhile."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import openvino as ov

from benchmarks.accuracy_cases import Loaded
from calibench.evaluation.judge import Judge
from calibench.models.normalise import normalise
from calibench.models.ports import port_name
from calibench.models.read import read_model

GRAPHS = ("imported", "normalised")
FIXES = ("default", "all")
"""How its weights are kept from overflowing 16-bit sums: as NNCF does it itself (first layers), or 7 bits for all."""
MOST_SAMPLES = 300
"""Of its subsets, for calibration and for ranking: its default."""

Item = tuple[int, list[Any]]
"""Number of a validation sample, and its tensors in the order of the model's inputs."""


class TimeUpError(Exception):
    """The peer has used up its time."""


@dataclass(frozen=True)
class Variant:
    """How the peer is run: on which graph, with which guard against overflow."""

    graph: str
    fix: str

    @property
    def name(self) -> str:
        return f"{self.graph}, overflow fix {self.fix}"


@dataclass
class Watch:
    """The peer's validation function, which counts what it is asked for and stops it when the time is over.

    It gives the metric and a value for every sample at once, so that the peer needs no second pass for them.

    Attributes:
        deadline: on the clock of `perf_counter`.
        scores: of every evaluation of all validation samples, in order: FP32, plain INT8, then one a step.
        inferences: samples evaluated, of whatever model.
    """

    judge: Judge
    loaded: Loaded
    deadline: float
    scores: list[float] = field(default_factory=list)
    inferences: int = 0

    def __call__(self, compiled: ov.CompiledModel, items: Iterable[Item]) -> tuple[float, list[float]]:
        metric, request, evidence = self.judge.metric, compiled.create_infer_request(), []
        for number, tensors in items:
            if perf_counter() > self.deadline:
                raise TimeUpError
            request.infer(dict(enumerate(tensors)), share_inputs=True)
            outputs = tuple(np.array(request.get_output_tensor(i).data) for i in range(len(compiled.outputs)))
            named = self.judge.named(outputs)
            evidence.append(metric.observe(self.judge.observe(named, named, self.loaded.validation.describe(number))))
        score = metric.score(evidence).score
        self.inferences += len(evidence)
        if len(evidence) == len(self.loaded.validation):
            self.scores.append(score)
        return score, [metric.value(each) for each in evidence]


@dataclass(frozen=True)
class Controlled:
    """What the peer came to; `model` is None where its time was over."""

    model: ov.Model | None
    seconds: float
    scores: tuple[float, ...]
    inferences: int
    reverted: int


class _Log(logging.Handler):
    """Picks out of the peer's log how many operations it has given back so far."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.final: int | None = None
        self.steps = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        told = re.match(r"(\d+) out of \d+ were reverted", text)
        self.final = int(told[1]) if told else self.final
        self.steps += text.startswith("Reverted ")


def control(loaded: Loaded, judge: Judge, variant: Variant, limit: float, patience: float) -> Controlled:
    """Run the peer at its defaults, from reading the model to its INT8 model.

    Args:
        limit: points of the metric.
        patience: seconds after which it is stopped at its next inference.
    """
    import nncf

    log, watch = _Log(), Watch(judge, loaded, perf_counter() + patience)
    logger = logging.getLogger("nncf")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    logger.propagate, others = False, [each for each in logger.handlers if each is not log]
    for each in others:
        logger.removeHandler(each)
    start, model = perf_counter(), None
    try:
        graph = source_graph(loaded, variant)
        model = nncf.quantize_with_accuracy_control(
            graph,
            calibration_items(loaded),
            nncf.Dataset(_Items(loaded), lambda item: item[1]),
            watch,
            max_drop=limit,
            drop_type=nncf.DropType.ABSOLUTE,
            **arguments(loaded, variant, "advanced_quantization_parameters"),
        )
    except TimeUpError:
        pass
    finally:
        seconds = perf_counter() - start
        logger.removeHandler(log)
        logger.setLevel(level)
        for each in others:
            logger.addHandler(each)
    reverted = log.final if log.final is not None else log.steps
    return Controlled(model, seconds, tuple(watch.scores), watch.inferences, reverted)


def plain(loaded: Loaded, variant: Variant) -> ov.Model:
    """The peer's INT8 model before anything is given back."""
    import nncf

    return nncf.quantize(
        source_graph(loaded, variant),
        calibration_items(loaded),
        **arguments(loaded, variant, "advanced_parameters"),
    )


def source_graph(loaded: Loaded, variant: Variant) -> ov.Model:
    graph = read_model(loaded.model).graph
    return normalise(graph) if variant.graph == "normalised" else graph


def arguments(loaded: Loaded, variant: Variant, advanced: str) -> Mapping[str, Any]:
    """What both of the peer's functions are told; `advanced`: how the function calls its further parameters."""
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    told: dict[str, Any] = {
        "preset": nncf.QuantizationPreset.PERFORMANCE,
        "model_type": nncf.ModelType.TRANSFORMER if loaded.is_transformer else None,
        "subset_size": min(MOST_SAMPLES, len(loaded.calibration)),
    }
    if variant.fix == "all":
        told[advanced] = AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE)
    return told


def calibration_items(loaded: Loaded) -> Any:
    import nncf

    names, samples = input_names(loaded), loaded.calibration
    return nncf.Dataset([[samples[i][name] for name in names] for i in range(len(samples))])


def input_names(loaded: Loaded) -> list[str]:
    return [port_name(port) for port in read_model(loaded.model).graph.inputs]


class _Items:
    """The validation samples as the peer asks for them: all, or some by number."""

    def __init__(self, loaded: Loaded) -> None:
        self.names, self.samples = input_names(loaded), loaded.validation

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample = self.samples[index]
        return index, [sample[name] for name in self.names]

"""INT8 beside FP32 on the same samples: accuracy, speed, time and error of every layer, memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import tee

import openvino as ov

from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Dataset, Sample
from calibench.evaluation.interval import drop_interval
from calibench.evaluation.judge import Judge
from calibench.evaluation.layer_errors import after_bias, layer_errors
from calibench.evaluation.score import Comparison, compare
from calibench.inference.benchmark import BenchmarkSettings, Candidate, Speed, measure
from calibench.inference.memory import model_memory_mb
from calibench.inference.profile import LayerTime, profile
from calibench.inference.runner import Outputs, compile_for_samples, infer_batches
from calibench.inference.side_by_side import SAMPLES
from calibench.machine import default_precision
from calibench.models.graph import operations
from calibench.progress import Progress
from calibench.settings import Settings


@dataclass(frozen=True)
class Both:
    """Two models that take the same samples as they are, and how they are run."""

    fp32: ov.Model
    int8: ov.Model
    samples: Dataset
    settings: Settings
    threads: int

    @property
    def precision(self) -> str:
        """Of the float layers of INT8, as it will be deployed."""
        return deployed_precision(self.settings)

    @cached_property
    def exact(self) -> ov.CompiledModel:
        """FP32 in exact FP32."""
        return compile_for_samples(self.fp32, self.settings.device, self.threads)

    @cached_property
    def deployed(self) -> ov.CompiledModel:
        """INT8 as it will be deployed."""
        return compile_for_samples(self.int8, self.settings.device, self.threads, self.precision)

    def run(self, samples: Iterable[Sample]) -> Iterator[tuple[Outputs, Outputs]]:
        """Outputs of FP32 and of INT8 for every sample; each sample is taken once.

        Raises:
            SettingsError: the batch of the settings does not fit the samples.
        """
        for_exact, for_deployed = tee(samples)
        return zip(
            infer_batches(self.exact, for_exact, 1),
            infer_batches(self.deployed, for_deployed, self.settings.batch),
            strict=True,
        )


@dataclass(frozen=True)
class Performance:
    """What speed, layers and memory came to; empty where it was not wanted.

    Attributes:
        speeds: of `fp32` (exact), `int8`, and `default` (FP32 as the device would deploy it) where that is another.
        profiles: of `fp32` and `int8`, the layers as they ran, in order.
        output_db: signal over noise of the output of every layer that is in both, dB.
        memory_mb: of `fp32` and `int8`; one that cannot be told is left out.
        biases: layer -> the addition of its bias, under whose name the runtime may run both.
    """

    speeds: Mapping[str, Speed] = field(default_factory=dict)
    profiles: Mapping[str, tuple[LayerTime, ...]] = field(default_factory=dict)
    output_db: Mapping[str, float] = field(default_factory=dict)
    memory_mb: Mapping[str, float] = field(default_factory=dict)
    biases: Mapping[str, str] = field(default_factory=dict)


def deployed_precision(settings: Settings) -> str:
    """In which the float layers run when the result is deployed: as asked, else the device's own choice."""
    return settings.inference_precision or default_precision(settings.device)


def compare_both(
    both: Both,
    judge: Judge,
    progress: Progress,
    fp32: Iterable[Outputs] | None = None,
    int8: Iterable[Outputs] | None = None,
) -> Comparison:
    """INT8 as it will be deployed beside exact FP32, on all samples.

    Args:
        fp32, int8: what they gave for these samples, in their order, where that is known already.

    Raises:
        DatasetError, SettingsError: as `compare`.
    """
    samples = reported(both.samples, both.threads, progress)
    if fp32 is None:
        pairs: Iterable[tuple[Outputs, Outputs]] = both.run(samples)
    else:
        pairs = zip(fp32, int8 or infer_batches(both.deployed, samples, both.settings.batch), strict=True)
    found = compare(pairs, both.samples, judge)
    return replace(found, drop_interval=drop_interval(found.baseline, found.int8, judge.metric))


def measure_both(both: Both, layers: Sequence[str], progress: Progress) -> Performance:
    """Speed in turns, time and error of every layer, memory.

    Args:
        layers: names of those that the report lists.

    Raises:
        DatasetError, SettingsError: the samples cannot be run.
        Cancelled: by `progress`.
    """
    settings, device, precision = both.settings, both.settings.device, both.precision
    candidates = {"fp32": Candidate(both.fp32, "f32", device), "int8": Candidate(both.int8, precision, device)}
    if default_precision(device) != "f32":
        candidates["default"] = Candidate(both.fp32, None, device)
    samples = [both.samples[i] for i in range(min(SAMPLES, len(both.samples)))]
    bench = BenchmarkSettings(batches=(settings.batch,), threads=both.threads, seconds=0.4, warm_up=0.2)
    speeds = measure(candidates, samples, bench, progress)
    index = operations(both.fp32)
    pair = {name: candidates[name] for name in ("fp32", "int8")}
    memory = {
        name: model_memory_mb(each.model, samples[0], device, each.precision, both.threads)
        for name, each in pair.items()
    }
    return Performance(
        speeds,
        {name: profile(each.model, samples[0], device, each.precision, both.threads) for name, each in pair.items()},
        layer_errors(both.fp32, both.int8, layers, both.samples, device, both.threads, precision),
        {name: found for name, found in memory.items() if found is not None},
        {name: after_bias(index[name]).get_node().get_friendly_name() for name in layers if name in index},
    )


def reported(samples: Dataset, threads: int, progress: Progress) -> Iterator[Sample]:
    """The samples one after the other, decoded ahead; each is told to `progress` when it is done with."""
    for number, sample in enumerate(decode_ahead(samples, threads)):
        yield sample
        progress("evaluate", number + 1, len(samples))

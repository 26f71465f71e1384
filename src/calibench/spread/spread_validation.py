"""Evaluate INT8 models on many processes: chunks of samples in the order of the evaluation, evidence in that order.

The search decides on the evidence as it would alone; chunks behind a verdict were in vain and count for nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import openvino as ov

from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Subset
from calibench.errors import CalibenchError
from calibench.inference.runner import Outputs, infer_batches
from calibench.search.validation import Seen, Validation, observe
from calibench.spread.chunk_pace import ChunkPace
from calibench.spread.team import Handed, Team, rooted


@dataclass(frozen=True)
class Part:
    """One chunk: what a worker is told beside the model.

    Attributes:
        samples, judge, metrics: names of shared values.
        indices: into that dataset; identities: of the samples.
        references: the outputs of FP32, where a metric needs them.
        first: place of the first sample among those of the evaluation, for messages.
        most_sent: bytes of the outputs of a sample up to which they come along.
    """

    samples: str
    judge: str
    metrics: str
    indices: tuple[int, ...]
    identities: tuple[str, ...]
    references: tuple[Outputs, ...] | None
    first: int
    batch: int
    most_sent: int


@dataclass(frozen=True)
class SpreadValidation:
    """Takes INT8 models to the workers; `Away` of the search."""

    team: Team
    device: str
    precision: str
    pace: ChunkPace = field(default_factory=ChunkPace)

    def __call__(self, graph: ov.Model, validation: Validation) -> "SpreadModel":
        """The model where the workers have it."""
        return SpreadModel(self.team, self.team.send(graph, self.device, self.precision), validation, self.pace)


@dataclass(frozen=True)
class SpreadModel:
    """One INT8 model that the workers run; `Elsewhere` of the search."""

    team: Team
    model: Handed
    validation: Validation
    pace: ChunkPace

    def see(self, indices: Sequence[int], beat: Callable[[], None]) -> Iterator[Seen]:
        """What it gives for samples, in their order.

        Raises:
            CalibenchError: as evaluating them here, at the same sample; TargetError: the workers are gone.
        """
        kept = self.validation.baseline.outputs
        sample_bytes = sum(array.nbytes for array in kept[0]) if len(kept) else 0
        stretches = self.pace.stretches(len(indices), self.team.count(), self.validation.batch, sample_bytes)
        chunks = (partial(self._hand_in, tuple(indices[first:end]), first) for first, end in stretches)
        for seen, seconds, error in self.team.in_order(chunks, beat):
            self.pace.learn(len(seen), seconds)
            yield from seen
            if error is not None:
                raise error

    def _hand_in(self, indices: tuple[int, ...], first: int) -> Handed:
        validation = self.validation
        references = None
        if validation.needs_reference:
            references = tuple(validation.baseline.outputs[index] for index in indices)
        samples, inner = rooted(validation.samples, indices)
        part = Part(
            self.team.share(samples),
            self.team.share(validation.judge),
            self.team.share(validation.metrics),
            inner,
            self.team.identities(samples, inner),
            references,
            first,
            validation.batch,
            self.team.most_sent,
        )
        return self.team.client.submit(see_part, self.model, part, pure=False)


def see_part(model: Any, part: Part) -> tuple[list[Seen], float, CalibenchError | None]:
    """On a worker: what a model gives for a chunk, up to the first that fails; the seconds; how it failed."""
    from calibench.spread.held import compiled_here, held, held_samples

    seen: list[Seen] = []
    start = time.perf_counter()
    try:
        samples = held_samples(part.samples, part.indices, part.identities)
        judge, metrics = held(part.judge), held(part.metrics)
        compiled = compiled_here(model)
        start = time.perf_counter()  # compiling comes once, and says nothing of the next chunk
        ordered = decode_ahead(Subset(samples, part.indices), 1)
        outputs = infer_batches(compiled, ordered, part.batch, part.first)
        for place, each in enumerate(islice(outputs, len(part.indices))):
            reference = None if part.references is None else part.references[place]
            described = samples.describe(part.indices[place])
            evidence = observe(judge, metrics, described, each, reference)
            is_sent = sum(array.nbytes for array in each) <= part.most_sent
            seen.append((evidence, each if is_sent else None))
    except CalibenchError as error:
        return seen, time.perf_counter() - start, error
    return seen, time.perf_counter() - start, None

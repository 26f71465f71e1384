"""Put together the report from what the steps decided and measured."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import openvino as ov

from calibench import __version__
from calibench.datasets.sets import Opened, Sets, digest
from calibench.evaluation.both_models import Performance
from calibench.evaluation.judge import Judge
from calibench.evaluation.score import Comparison, untold
from calibench.evaluation.settle import Settled
from calibench.machine import describe_machine, peak_rss_mb
from calibench.models.read import Model
from calibench.quantizers.layer_scales import scales_of
from calibench.quantizers.quantize import LEAST_FOR_CHOICE, Quantized
from calibench.reports.advice import advise
from calibench.reports.deploy import prepared_inputs
from calibench.reports.layer_rows import layer_rows, with_scales
from calibench.reports.report import (
    DatasetFiles,
    ModelFile,
    Report,
    SampleRow,
    SubsetUse,
    TriedRecipe,
)
from calibench.reports.scores import score_fields
from calibench.reports.searched import with_search
from calibench.reports.speeds import performance_fields, reproduce_snippet, with_performance
from calibench.search.values import Found
from calibench.settings import Settings


@dataclass(frozen=True)
class Measured:
    """What was measured after the calibration.

    Attributes:
        precision: in which the float layers of the INT8 model ran when it was scored.
        batch_agreement: percent of the audited samples with the same outputs at batch 1 and at the deployed batch.
        samples: those on which the models differ most, ready to be shown.
    """

    comparison: Comparison
    judge: Judge
    settled: Settled
    precision: str
    default_precision: str
    batch_agreement: float | None
    performance: Performance
    int8_bytes: int
    int8_sha256: str
    seconds: Mapping[str, float]
    samples: tuple[SampleRow, ...] = ()


def assemble(
    source: Model,
    graph: ov.Model,
    sets: Sets,
    settings: Settings,
    quantized: Quantized,
    measured: Measured,
    found: Found | None = None,
) -> Report:
    """The report of one calibration.

    Args:
        graph: the normalised FP32 graph, whose layers are listed.
        found: what the search found; None for the Default method.
    """
    layers = with_performance(
        layer_rows(graph, quantized.quantization, quantized.histograms, quantized.options), measured.performance
    )
    if settings.caffe is not None:
        layers = with_scales(layers, scales_of(graph, quantized.quantization, quantized.options))
    report = Report(
        model=model_file(source),
        dataset=dataset_files(sets.opened),
        validation=dataset_files(sets.opened_validation) if sets.opened_validation else None,
        settings=settings,
        versions=versions(),
        seed=settings.seed,
        machine=describe_machine(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=quantized.quantization.recipe.name,
        tried=tuple(TriedRecipe(name=t.recipe, error=t.error_db, samples=t.samples) for t in quantized.trials),
        subset=SubsetUse(
            count=len(sets.calibration),
            total=sets.total,
            seed=settings.seed,
            used=quantized.used,
            kept_apart=quantized.trials[0].samples if quantized.trials else 0,
            has_settled=quantized.has_settled,
        ),
        layers=layers,
        inputs=prepared_inputs(sets.plan, source.graph, settings.embed_preprocessing),
        **score_fields(measured.comparison, measured.judge, sets.validation.about),
        inference_precision=measured.precision,
        default_precision=measured.default_precision,
        samples=measured.samples,
        batch_agreement=measured.batch_agreement,
        **performance_fields(measured.performance),
        fp32_bytes=source.size_bytes,
        int8_bytes=measured.int8_bytes,
        int8_sha256=measured.int8_sha256,
        seconds={stage: round(seconds, 3) for stage, seconds in measured.seconds.items()},
        peak_rss_mb=round(peak_rss_mb(), 1),
        notes=(*measured.settled.warnings, *sets.notes, *_notes(source, quantized, measured.comparison)),
        reproduce=reproduce_snippet(settings.device, measured.precision),
    )
    if found is not None:
        report = with_search(report, replace(found, overlap=sets.overlap))
    notes = (*measured.settled.notes, *measured.judge.task.notes)
    return report.model_copy(update={"advice": advise(report), "task_notes": notes})


def model_file(source: Model) -> ModelFile:
    """A model as it was read."""
    return ModelFile(
        path=str(source.path),
        name=source.graph.get_friendly_name(),
        sha256=source.sha256,
        size_bytes=source.weights_bytes,
    )


def dataset_files(opened: Opened) -> DatasetFiles:
    """A dataset as it was read."""
    return DatasetFiles(
        path=opened.source.name,
        sha256=digest(opened.samples),
        samples=len(opened.source) if opened.is_chosen else len(opened.samples),
        is_annotated=bool(opened.source.about.annotated),
        skipped=opened.skipped,
    )


def versions() -> dict[str, str]:
    """The packages that a result depends on."""
    return {
        "calibench": __version__,
        "openvino": str(ov.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def odd_outputs(comparison: Comparison) -> list[str]:
    """What is to be known of outputs that are no numbers, or differ in length."""
    broken = [
        f"{score.not_finite} samples gave NaN or infinity in {name}. Check the input settings."
        for name, score in (("FP32", comparison.baseline), ("INT8", comparison.int8))
        if score.not_finite
    ]
    return [*untold(comparison.baseline), *broken] + [
        f"Output {name} is longer or shorter in INT8 than in FP32 on {count} of {comparison.samples} samples, as with "
        "another number of findings: it is left out of the SQNR. In the cosine what is missing counts as 0, and what "
        "moves up or down counts as another. Objects in pictures are compared better: --task detection, --decoder."
        for name, count in comparison.varying.items()
    ]


def _notes(source: Model, quantized: Quantized, comparison: Comparison) -> list[str]:
    notes = list(source.notes)
    if source.has_fp16_weights:
        notes.append("The weights of the model are stored as FP16; the baseline computes with them in FP32.")
    if quantized.is_small:
        notes.append(
            f"Fewer than {LEAST_FOR_CHOICE} calibration samples: the safe recipe was taken, no other was compared."
        )
    return [*notes, *quantized.warnings, *odd_outputs(comparison)]

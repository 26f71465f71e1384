"""Put together the report from what the steps decided and measured."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import openvino as ov

from calibench import __version__
from calibench.datasets.sets import Opened, Sets, digest
from calibench.evaluation.score import Comparison
from calibench.inference.benchmark import Speed
from calibench.inference.profile import LayerTime
from calibench.machine import describe_machine, peak_rss_mb
from calibench.models.read import Model
from calibench.quantizers.quantize import LEAST_FOR_CHOICE, Quantized
from calibench.reports.layer_rows import layer_rows
from calibench.reports.report import (
    DatasetFiles,
    LayerRow,
    ModelFile,
    Report,
    SubsetUse,
    TriedRecipe,
)
from calibench.reports.speeds import reproduce_snippet, speed_fields, with_times
from calibench.settings import Settings

NOTED_POINTS = 1.0
"""A larger drop is explained: the layers that most probably cause it are named."""
POOR_DB = 10.0
POOR_POINTS = 5.0
"""A lower SQNR, or a larger drop, is pointed out: the usual cause is a wrong input setting."""


@dataclass(frozen=True)
class Measured:
    """What was measured after the calibration.

    Attributes:
        precision: in which the float layers of the INT8 model ran when it was scored.
        batch_agreement: percent of the audited samples with the same outputs at batch 1 and at the deployed batch.
        profiles: FP32 and INT8, empty when no benchmark was wanted.
    """

    comparison: Comparison
    precision: str
    default_precision: str
    batch_agreement: float | None
    speeds: Mapping[str, Speed]
    profiles: tuple[Sequence[LayerTime], Sequence[LayerTime]]
    int8_bytes: int
    seconds: Mapping[str, float]


def assemble(
    source: Model, graph: ov.Model, sets: Sets, settings: Settings, quantized: Quantized, measured: Measured
) -> Report:
    """The report of one calibration.

    Args:
        graph: the normalised FP32 graph, whose layers are listed.
    """
    layers = with_times(
        layer_rows(graph, quantized.quantization, quantized.histograms, quantized.options), *measured.profiles
    )
    comparison = measured.comparison
    return Report(
        model=ModelFile(
            path=str(source.path),
            name=source.graph.get_friendly_name(),
            sha256=source.sha256,
            size_bytes=source.weights_bytes,
        ),
        dataset=_files(sets.opened),
        validation=_files(sets.opened_validation) if sets.opened_validation else None,
        settings=settings,
        versions={
            "calibench": __version__,
            "openvino": str(ov.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
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
        metric=comparison.baseline.metric,
        unit=comparison.baseline.unit,
        inference_precision=measured.precision,
        default_precision=measured.default_precision,
        baseline=comparison.baseline.score,
        int8=comparison.int8.score,
        drop_points=comparison.drop_points,
        agreement=comparison.agreement,
        sqnr_db=comparison.sqnr_db,
        cosine=comparison.cosine,
        evaluated=comparison.samples,
        batch_agreement=measured.batch_agreement,
        **speed_fields(measured.speeds),
        fp32_bytes=source.size_bytes,
        int8_bytes=measured.int8_bytes,
        seconds={stage: round(seconds, 3) for stage, seconds in measured.seconds.items()},
        peak_rss_mb=round(peak_rss_mb(), 1),
        notes=(*sets.notes, *_notes(source, layers, quantized, measured)),
        reproduce=reproduce_snippet(settings.device, measured.precision),
    )


def _files(opened: Opened) -> DatasetFiles:
    return DatasetFiles(
        path=opened.source.name,
        sha256=digest(opened.samples),
        samples=len(opened.samples),
        is_annotated=opened.samples.labels is not None,
        skipped=opened.skipped,
    )


def _notes(source: Model, layers: Sequence[LayerRow], quantized: Quantized, measured: Measured) -> list[str]:
    notes = []
    if source.has_fp16_weights:
        notes.append("The weights of the model are stored as FP16; the baseline computes with them in FP32.")
    if quantized.is_small:
        notes.append(
            f"Fewer than {LEAST_FOR_CHOICE} calibration samples: the safe recipe was taken, no other was compared."
        )
    slow = [row.name for row in layers if row.precision == "int8" and row.runtime_precision not in (None, "I8", "U8")]
    weighted = [row.name for row in layers if row.name in slow and row.type not in ("Add", "AvgPool")]
    if weighted:
        notes.append(f"{len(weighted)} INT8 layers ran in float on this device, such as {weighted[0]}.")
    comparison = measured.comparison
    if comparison.sqnr_db < POOR_DB or comparison.drop_points > POOR_POINTS:
        notes.append(
            f"The result is poor (output SQNR {comparison.sqnr_db:.1f} dB). Check the input settings (mean, scale, "
            "colour order), give more and more varied samples, or try --preset mixed."
        )
    if comparison.drop_points > NOTED_POINTS:
        notes.append(_suspects(layers))
    for name, score in (("FP32", measured.comparison.baseline), ("INT8", measured.comparison.int8)):
        if score.not_finite:
            notes.append(f"{score.not_finite} samples gave NaN or infinity in {name}. Check the input settings.")
    if measured.batch_agreement is not None and measured.batch_agreement < 100:
        notes.append(
            "The INT8 model gives other outputs in batches than for single samples "
            f"({measured.batch_agreement:.0f} % of the audited samples agree). Deploy it at batch 1."
        )
    return notes


def _suspects(layers: Sequence[LayerRow]) -> str:
    known = sorted((row.input_db, row.name) for row in layers if row.input_db is not None)[:3]
    named = ", ".join(f"{name} ({left:.0f} dB)" for left, name in known)
    return (
        f"The drop is above {NOTED_POINTS:g} point. The layers with the noisiest quantized inputs, by prediction: "
        f"{named}. More samples, --preset mixed, or --ignore-name for one of them may win it back."
    )

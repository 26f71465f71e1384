"""Benchmark and inspect on a server: what it measures and knows of models and datasets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibench.cli.bars import shown
from calibench.cli.on_server import Told, opened, run, say, send_both, send_dataset, send_model
from calibench.cli.server_options import refuse_settings
from calibench.errors import SettingsError
from calibench.things.asked import Points
from calibench.things.kept import KeptModel

if TYPE_CHECKING:
    from rich.table import Table

    from calibench.inference.benchmark import BenchmarkSettings
    from calibench.settings import Settings

MEASURED_BY = ("device", "weights")
"""Settings that a benchmark on a server takes; how samples enter is kept there with the model."""
HEADINGS = ("batch", "streams", "fps", "range", "latency ms", "p95 ms")

Plain = dict[str, Any]


def benchmark_there(
    models: Sequence[Path], dataset: Path | None, settings: "Settings", bench: "BenchmarkSettings", url: str
) -> Plain:
    """Throughput and latency of models on the server's machine, one model after the other.

    Returns:
        `machine`; `dataset`; `points`: file -> rows with series, batch, streams, fps, fps_low, fps_high, latency_ms.

    Raises:
        CalibenchError: as on this machine; TargetError: the server cannot be reached.
        Cancelled: with what became of the job.
    """
    refuse_settings(settings)
    points = points_of(bench)
    if dataset is None:
        raise SettingsError("benchmark: a server measures with samples. Give --dataset DIR.")
    if other := sorted(settings.model_fields_set - set(MEASURED_BY)):
        raise SettingsError(
            f"{other[0]} with --server: a server measures as its model is kept there. Leave it out, or set it on the "
            "page of the model's accuracy settings."
        )
    found: dict[str, Any] = {}
    with opened(url) as client:
        for path in models:
            project, _, _ = send_both(client, path, dataset, settings)
            job = run(client, client.projects.benchmark(project.id, points))
            found[str(path)] = job.result["points"]
        machine = client.machine()["machine"]
    if len(models) > 1:
        say("Note: a server measures models one after the other, not in turns: a few percent between them are noise.")
    return {"machine": machine, "dataset": str(dataset), "points": found}


def speed_table(found: Mapping[str, Any]) -> "Table":
    """What `benchmark_there` gave, for a person."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, rows in found["points"].items():
        for row in rows:
            table.add_row(f"{name} ({row['series']})", *_cells(row))
    return table


def inspect_dataset_there(path: Path, settings: "Settings", url: str) -> Told:
    """What a dataset holds, as a server read it.

    Raises:
        CalibenchError: as on this machine; TargetError: the server cannot be reached.
    """
    from calibench.reports.answers import dataset_lines

    refuse_settings(settings)
    with opened(url) as client, shown() as progress:
        kept = send_dataset(client, path, settings, progress)
    facts = {"title": kept.title or "", "looked_at": kept.samples, **kept.facts, "path": str(path)}
    link = f"server     dataset {kept.id}, {client.url}/datasets/{kept.id}"
    return Told((*dataset_lines(facts), link), {**facts, "id": kept.id})


def inspect_model_there(path: Path, settings: "Settings", url: str) -> Told:
    """What a server knows of a model.

    Raises:
        CalibenchError: as on this machine; TargetError: the server cannot be reached.
    """
    refuse_settings(settings)
    with opened(url) as client, shown() as progress:
        kept = send_model(client, path, settings, progress)
    link = f"server  model {kept.id}, {client.url}/models/{kept.id}"
    return Told((*_model_lines(path, kept), link), kept.model_dump(mode="json"))


def _model_lines(path: Path, kept: KeptModel) -> tuple[str, ...]:
    weights = "INT8" if kept.is_quantized else "FP16, computed as FP32" if kept.has_fp16_weights else "FP32"
    size = f"{kept.size_bytes / 1e6:.1f} MB ({weights})"
    return (
        f"{path}: {kept.format}, {kept.operations} operations, {size}",
        *(f"input   {port.name} {port.shape} {port.type}" for port in kept.inputs),
        *(f"output  {port.name} {port.shape} {port.type}" for port in kept.outputs),
        f"INT8    {kept.int8_layers} layers {'are' if kept.is_quantized else 'can be'}",
        f"float   {kept.float_layers} layers with weights {'are not' if kept.is_quantized else 'cannot be'}",
        *(f"Note: {note}" for note in kept.notes),
    )


def points_of(bench: "BenchmarkSettings") -> Points:
    """Where to measure, in the words of a job.

    Raises:
        SettingsError: a value is not possible.
    """
    from pydantic import ValidationError

    from calibench.settings import explain

    try:
        return Points(batches=bench.batches, streams=bench.streams, seconds=bench.seconds, rounds=bench.rounds)
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    from calibench.reports.table import fps

    latency, late = (row[name] for name in ("latency_ms", "latency_p95_ms"))
    return (
        *(str(row["batch"]), str(row["streams"]), fps(row["fps"])),
        f"{fps(row['fps_low'])}..{fps(row['fps_high'])}",
        *("" if value is None else f"{value:.3g}" for value in (latency, late)),
    )

"""The way of `calibench compare` on one page: two files and samples to a report that sets them side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.datasets.inputs import ImageInput, InputPlan
from calibench.datasets.sets import open_set
from calibench.errors import SettingsError
from calibench.evaluation.audit import audit_batches
from calibench.evaluation.both_models import Both, Performance, compare_both, measure_both
from calibench.evaluation.judge import make_judge
from calibench.evaluation.settle import settle
from calibench.machine import check_device, default_precision, describe_machine, peak_rss_mb, physical_cores
from calibench.models.ports import port_name
from calibench.models.read import Model, as_path, is_quantized, read_model
from calibench.progress import Progress, silent
from calibench.reports.advice import advise
from calibench.reports.assemble import dataset_files, model_file, odd_outputs, versions
from calibench.reports.compared_rows import alike, compared_rows, unmatched
from calibench.reports.deploy import prepared_inputs
from calibench.reports.report import Report
from calibench.reports.report_beside import settings_beside
from calibench.reports.result import check_keeps_models, result_or_temporary, write_result
from calibench.reports.scores import score_fields
from calibench.reports.shown import sample_rows
from calibench.reports.speeds import performance_fields, with_performance
from calibench.reports.stages import Stages
from calibench.settings import Settings, as_settings

__all__ = ["Compared", "compare_models"]


@dataclass(frozen=True)
class Compared:
    """What there is to say of two models; `folder` is None when nothing was to be written."""

    report: Report
    folder: Path | None


def compare_models(
    fp32: Path | str,
    int8: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    out: Path | str | None = None,
    *,
    benchmark: bool = True,
    force: bool = False,
    progress: Progress = silent,
) -> Compared:
    """Set an INT8 file of any tool beside the FP32 file it was made from.

    Args:
        dataset: the samples that both are judged on; all of them.
        settings: what is not set is as the report beside the INT8 file says, else the default.
        out: folder for report.json, report.html and classes.csv; written whole or not at all.
        benchmark: measure speed, layers and memory too.
        force: replace an `out` that is there already.

    Raises:
        SettingsError: the models take other inputs, or give other outputs.
        CalibenchError: by kind, in one sentence what, where and what to do.
        Cancelled: by `progress`.
    """
    beside = settings_beside(Path(int8), as_settings(settings), dataset, is_alone=False)
    settings = beside.settings
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    out, given = Path(out) if out is not None else None, Path(dataset) if isinstance(dataset, str) else dataset
    check_keeps_models(out)
    stages = Stages()
    with beside.told(), result_or_temporary(out, force=force) as folder:
        with stages.stage("read"):
            first, second = (
                read_model(as_path(path), weights=settings.weights, allow_quantized=True) for path in (fp32, int8)
            )
            check_ports(first, second)
            graph = alike(first.graph, second.graph)
            rows = compared_rows(graph, second.graph)
        with stages.stage("diagnose"):
            settled = settle(first.graph, given, settings, threads, progress)
            settings = settled.settings
        with stages.stage("decode"):
            plan, opened = open_set(first.graph, given, settings, threads, progress, Path(fp32).parent)
            judge = make_judge(first.graph, plan, opened.samples, settings)
            both = Both(plan.attach(graph), attached(second, first, plan), opened.samples, settings, threads)
        with stages.stage("evaluate"):
            comparison = compare_both(both, judge, progress)
            batch_agreement = audit_batches(both.int8, both.samples, settings.batch, settings.device, threads)
            samples = sample_rows(comparison, judge, both.samples, both.run)
        with stages.stage("benchmark"):
            names = [row.name for row in rows]
            performance = measure_both(both, names, progress) if benchmark else Performance()
        report = Report(
            kind="comparison",
            model=model_file(first),
            int8_model=model_file(second),
            dataset=dataset_files(opened),
            settings=settings,
            versions=versions(),
            seed=settings.seed,
            machine=describe_machine(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            layers=with_performance(rows, performance),
            inputs=prepared_inputs(plan, first.graph),
            task_notes=(*settled.notes, *judge.task.notes),
            **score_fields(comparison, judge, opened.samples.about),
            samples=samples,
            inference_precision=both.precision,
            default_precision=default_precision(settings.device),
            batch_agreement=batch_agreement,
            **performance_fields(performance),
            fp32_bytes=first.size_bytes,
            int8_bytes=second.size_bytes,
            seconds={stage: round(seconds, 3) for stage, seconds in stages.seconds.items()},
            peak_rss_mb=round(peak_rss_mb(), 1),
            notes=(
                *beside.notes,
                *settled.warnings,
                *first.notes,
                *second.notes,
                *_notes(first, second, len(rows), unmatched(rows)),
                *opened.notes,
                *odd_outputs(comparison),
            ),
        )
        report = report.model_copy(update={"advice": advise(report)})
        write_result(report, folder)
    return Compared(report, out)


def check_ports(fp32: Model, int8: Model) -> None:
    """Refuse models that cannot be judged alike.

    Raises:
        SettingsError: inputs differ in their names, outputs in number, order or shape.
    """
    taken, wanted = ({port_name(port) for port in each.graph.inputs} for each in (int8, fp32))
    if taken != wanted:
        raise SettingsError(
            f"{int8.path} takes {', '.join(sorted(taken))}, but {fp32.path} takes {', '.join(sorted(wanted))}. "
            "Compare an INT8 model with the FP32 model it was made from."
        )
    before, after = (
        [(port_name(port), port.get_partial_shape()) for port in each.graph.outputs] for each in (fp32, int8)
    )
    if len(before) == len(after):
        same_names = {name for name, _ in before} == {name for name, _ in after}
        fits = all(
            one[1].compatible(two[1]) and (one[0] == two[0] or not same_names)
            for one, two in zip(before, after, strict=True)
        )
        if fits:
            return
    raise SettingsError(
        f"{int8.path} gives {_ports(after)}, but {fp32.path} gives {_ports(before)}. "
        "Compare an INT8 model with the FP32 model it was made from."
    )


def _ports(ports: list[tuple[str, Any]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in ports)


def attached(int8: Model, fp32: Model, plan: InputPlan) -> ov.Model:
    """INT8 as it takes the samples: with the preparation of pictures, unless its file holds that already.

    Raises:
        SettingsError: an input has another shape than that of FP32.
    """
    ports = {port_name(port): port for port in int8.graph.inputs}
    wanted = {port_name(port): port for port in fp32.graph.inputs}
    if plan.images and all(_takes_pictures(ports[image.name], image) for image in plan.images):
        return int8.graph.clone()
    for name, port in ports.items():
        if not port.get_partial_shape().compatible(wanted[name].get_partial_shape()):
            raise SettingsError(
                f"{int8.path} takes {name} {port.get_partial_shape()}, but {fp32.path} takes "
                f"{wanted[name].get_partial_shape()}. Compare models with the same inputs."
            )
    return plan.attach(int8.graph)


def _takes_pictures(port: Any, image: ImageInput) -> bool:
    """Does the file prepare pictures itself (--embed-preprocessing)?"""
    shape = ov.PartialShape([-1, *image.shape[1:]])
    return bool(port.get_element_type() == ov.Type.u8 and port.get_partial_shape().compatible(shape))


def _notes(fp32: Model, int8: Model, layers: int, missing: int) -> Iterator[str]:
    first, second = is_quantized(fp32.graph), is_quantized(int8.graph)
    if first and not second:
        yield f"{fp32.path} is quantized and {int8.path} is not: the FP32 model goes first."
    elif first:
        yield f"{fp32.path} is quantized, too: two INT8 models are compared, and 'FP32' stands for the first."
    elif not second:
        yield f"{int8.path} holds no quantizers: two FP32 models are compared, and 'INT8' stands for the second."
    if missing:
        yield f"{missing} of {layers} layers have no layer of their name in {int8.path}; they are shown without."

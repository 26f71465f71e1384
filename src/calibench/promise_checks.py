"""What the accuracy-aware method refuses or notes before the calibration begins."""

from collections.abc import Sequence

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.datasets.sets import Sets
from calibench.errors import CalibenchError, DatasetError, SettingsError
from calibench.evaluation.judge import Judge, make_context
from calibench.evaluation.metrics.metric import Metric
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_metric
from calibench.search.limits import check_limits, too_few_to_tell
from calibench.search.timing import read_timings
from calibench.settings import Settings


def check_promise(source: ov.Model, sets: Sets, judge: Judge, settings: Settings) -> tuple[Metric, ...]:
    """Refuse what cannot be promised, before the calibration; the metrics that have a limit of their own.

    Raises:
        DatasetError: nothing is annotated that the metric needs, or a label is no class of the model.
        SettingsError: a limit is impossible, or a metric unknown.
    """
    if settings.method == "default":
        return ()
    if judge.metric.needs == "reference" and not settings.accuracy.label_free:
        if settings.metric != "auto":
            raise SettingsError(
                f"--metric {judge.metric.name} says how like FP32 the answers are, not how right. Take a metric of "
                "annotations for the accuracy-aware method, or say that likeness shall do: --label-free."
            )
        reason = judge.mismatch or f"The validation samples of {sets.validation.name} have no annotations."
        raise DatasetError(
            f"{reason} The accuracy-aware method decides by accuracy, which takes annotated samples. Give them with "
            "--validation, or bound the drop by how often INT8 disagrees with FP32: --label-free."
        )
    if settings.accuracy.label_free and judge.metric.needs != "reference":
        raise SettingsError(
            f"--label-free counts answers that change, and --metric {judge.metric.name} how right they are. Leave one "
            "of them out."
        )
    context = make_context(source, sets.plan, sets.validation, settings)
    further = tuple(_limited(name, drop, judge, context) for name, drop in settings.accuracy.limits.items())
    _check_labels(judge, context, sets.validation)
    check_limits((judge.metric, *further), settings.accuracy)
    if sets.holdout is not None:
        _check_holdout(sets.holdout, (judge.metric, *further))
    if settings.accuracy.timings is not None:
        read_timings(settings.accuracy.timings)
    return further


def too_few(metric: Metric, sets: Sets, settings: Settings) -> tuple[str, ...]:
    """A note where the validation samples cannot show the limit."""
    if settings.method == "default":
        return ()
    said = too_few_to_tell(metric, len(sets.validation), settings.accuracy)
    return (said,) if said else ()


def _check_labels(judge: Judge, context: Context, samples: Dataset) -> None:
    """Refuse a label that is no class of the model now, where the shape of its outputs says how many there are."""
    if judge.metric.check is None or any(-1 in shape[1:] for shape in context.outputs.values()):
        return
    shapes = {name: tuple(max(side, 1) for side in shape) for name, shape in context.outputs.items()}
    judge.check({name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, samples)


def _limited(name: str, drop: float, judge: Judge, context: Context) -> Metric:
    """The metric of a further limit; what is wrong with it is said of its option."""
    try:
        return choose_metric(name, judge.task, context)
    except CalibenchError as error:
        raise type(error)(f"--limit {name}={drop:g}: {str(error).removeprefix(f'--metric {name}: ')}") from None


def _check_holdout(samples: Dataset, metrics: Sequence[Metric]) -> None:
    """Refuse held-out samples on which nothing could be measured: said before the search, not after."""
    for metric in metrics:
        if metric.needs not in ("reference", "nothing", *samples.about.annotated):
            raise DatasetError(
                f"--holdout {samples.name}: its samples have not the annotations that {metric.name} needs. Give "
                "annotated ones, or keep a part of the validation samples back: --holdout 20%."
            )

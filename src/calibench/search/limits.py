"""Which limits a result must keep, worked out from what was asked and what FP32 scores; and what makes no sense."""

from collections.abc import Mapping, Sequence

import numpy as np

from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.interval import fewest_samples
from calibench.evaluation.metrics.metric import PERCENT, Metric, Summary
from calibench.search.values import Limit
from calibench.settings import AccuracySettings

CHANCE_ERRORS = 3.0
"""Standard errors above chance that FP32 must score at least: below, the settings are wrong, not the model."""
NOTHING = 1.0
"""Percent; a score where chance is 0, such as mean average precision, that shows that nothing is recognised."""
YES_OR_NO = ("agreement", "exact", "pairs")
"""Metrics beside those of labels by which every sample is right or wrong."""
OF_CLASSES = ("label", "objects", "instances", "pixels")
"""Annotations that say a class, so that a metric of them has a score per class."""


def check_limits(metrics: Sequence[Metric], settings: AccuracySettings) -> None:
    """Refuse limits that no score could break, before anything runs.

    Args:
        metrics: the main one, then those of `settings.limits`, in that order.

    Raises:
        SettingsError: names the option and the bound.
    """
    main, is_relative = metrics[0], settings.drop_type == "relative"
    if main.name in settings.limits:
        raise SettingsError(
            f"--limit {main.name}={settings.limits[main.name]:g}: {main.name} is the main metric, and --max-drop says "
            "what it may lose. Leave this --limit out."
        )
    asked = [("--max-drop ", settings.max_drop, is_relative or main.unit == PERCENT)]
    for metric, (name, drop) in zip(metrics[1:], settings.limits.items(), strict=True):
        asked.append((f"--limit {name}=", drop, is_relative or metric.unit == PERCENT))
    for option, drop, is_bounded in asked:
        if is_bounded and drop >= 100:
            of = "percent of the FP32 score" if is_relative else "points of a metric that goes from 0 to 100"
            raise SettingsError(f"{option}{drop:g}: in {of}, no model could lose more. Give less than 100, such as 1.")
    if settings.max_class_drop is not None:
        _check_class_drop(main, settings.max_class_drop)


def _check_class_drop(metric: Metric, drop: float) -> None:
    if metric.needs not in OF_CLASSES:
        raise SettingsError(_no_classes(metric, drop))
    if metric.unit == PERCENT and drop >= 100:
        raise SettingsError(
            f"--max-class-drop {drop:g}: in points of a metric that goes from 0 to 100, no class could lose more. "
            "Give less than 100, such as 5."
        )


def _no_classes(metric: Metric, drop: float) -> str:
    return (
        f"--max-class-drop {drop:g}: metric {metric.name} has no score per class. Leave the option out, or take a "
        "metric that has, such as top1, coco, mean-iou."
    )


def too_few_to_tell(metric: Metric, count: int, settings: AccuracySettings) -> str:
    """In one sentence that so few samples cannot show the limit, whatever comes out; '' where they may.

    Args:
        count: of the validation samples.
    """
    is_yes_or_no = metric.needs == "label" or metric.name in YES_OR_NO
    needed = fewest_samples(settings.max_drop) if is_yes_or_no else None  # relative: of 100 % at most
    if needed is None or count >= needed:
        return ""
    unit = "% of the FP32 score" if settings.drop_type == "relative" else "points"
    return (
        f"{count} validation samples cannot tell a drop of {settings.max_drop:g} {unit} from noise, even where INT8 "
        f"changes no answer: at least {needed:,} can. Give more that decide."
    )


def applied(
    metrics: Sequence[Metric], baseline: Mapping[str, Summary], settings: AccuracySettings, classes: Sequence[str] = ()
) -> tuple[Limit, ...]:
    """All limits in the unit of their metric, that of the main metric first.

    Raises:
        DatasetError: FP32 has no score in a metric that is limited.
    """
    drops = {metrics[0].name: settings.max_drop, **settings.limits}
    found = []
    for name, drop in drops.items():
        score = baseline[name].score
        if not np.isfinite(score):
            raise DatasetError(
                f"{name} cannot be told for FP32: no validation sample has anything annotated that it is measured on. "
                "Give other samples with --validation, or another --metric."
            )
        found.append(Limit(name, drop * abs(score) / 100 if settings.drop_type == "relative" else drop))
    if settings.max_class_drop is not None:
        known = [each for each in baseline[metrics[0].name].classes if each.score is not None]
        if not known:
            raise SettingsError(_no_classes(metrics[0], settings.max_class_drop))
        found += [Limit(metrics[0].name, settings.max_class_drop, each.label) for each in known]
    return tuple(found)


def check_baseline(metric: Metric, baseline: Summary, values: np.ndarray, classes: int, cause: str = "") -> None:
    """Refuse a search against an FP32 score that is no better than guessing.

    Args:
        values: float64 [N], the value of every sample.
        classes: that a sample may have; 0 where chance scores nothing.
        cause: what the trial of the settings found, in one sentence.

    Raises:
        DatasetError: with that cause.
    """
    if metric.unit != PERCENT or not metric.higher_is_better or metric.needs in ("reference", "nothing"):
        return
    guessed = 100.0 / classes if classes and metric.name.startswith("top") else 0.0
    if metric.name.startswith("top") and metric.name[3:].isdecimal():
        guessed *= int(metric.name[3:])
    error = 100.0 * float(np.sqrt(guessed / 100 * (1 - min(guessed, 100.0) / 100) / max(1, len(values))))
    least = guessed + CHANCE_ERRORS * error if guessed else NOTHING
    if guessed >= 100.0 or baseline.score > least:
        return
    if np.isnan(baseline.score):
        raise DatasetError(
            f"None of the {len(values)} samples that decide has an annotation that counts for {metric.name}. Give "
            "others, or more of them."
        )
    if least >= 100.0:
        raise DatasetError(
            f"On {len(values)} validation samples of {classes} classes no FP32 score can be told from guessing. Give "
            "more with --validation."
        )
    chance = f", and guessing would give {guessed:.1f} %" if guessed else ""
    reason = cause or "Probably an input setting (--mean, --scale, --color, --label-offset) or the order of the classes"
    raise DatasetError(
        f"FP32 scores {baseline.score:.2f} % of {metric.name} on {len(values)} samples{chance}: a limit on its drop "
        f"would say nothing. {reason.rstrip('.')}."
    )


def name_of(limit: Limit, classes: Sequence[str] = ()) -> str:
    """A limit for a person: 'top1', 'class cat of top1'."""
    if limit.label is None:
        return limit.metric
    named = classes[limit.label] if limit.label < len(classes) else str(limit.label)
    return f"class {named} of {limit.metric}"

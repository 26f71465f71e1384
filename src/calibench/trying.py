"""Try accuracy settings on a few samples, at once: a score, the likely mistake, and the answers on the pictures."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from calibench.baseline import why_no_score
from calibench.datasets.dataset import Dataset
from calibench.datasets.few import Few, open_few
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.judge import Judge, make_judge
from calibench.evaluation.score import Score, score, untold
from calibench.evaluation.settle import Settled, settle
from calibench.inference.runner import Outputs, compile_for_samples, infer_batches
from calibench.machine import check_device, physical_cores
from calibench.models.read import Model, as_path, read_model
from calibench.progress import Progress, silent
from calibench.reports.answers import Evaluation
from calibench.reports.shown import ShownAnswer, shown_answers
from calibench.settings import Settings, as_settings

ACCURACY = frozenset(("inputs", "task", "metric", "data"))
"""What of the settings says how samples enter and answers are read."""


@dataclass(frozen=True)
class Tried:
    """What trying has shown.

    Attributes:
        evaluation: of these few samples; None where the model has no score of its own.
        why_no_score: one sentence where it has none.
        task, metric: as they were found.
        rows: samples with what is annotated and what the model says.
        total: samples of the dataset.
    """

    evaluation: Evaluation | None
    why_no_score: str
    task: str
    metric: str
    settled: Settled
    rows: tuple[ShownAnswer, ...]
    samples: int
    total: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; `settled`: the settings as they would be taken; `mended`: with all mistakes put right."""
        mended = self.settled.mended
        return {
            "score": None if self.evaluation is None else self.evaluation.as_json(),
            "why_no_score": self.why_no_score,
            "task": self.task,
            "metric": self.metric,
            "samples": self.samples,
            "total": self.total,
            "findings": [asdict(each) for each in self.settled.findings],
            "settled": accuracy_settings(self.settled.settings),
            "mended": None if mended is None else accuracy_settings(mended),
            "notes": list(self.notes),
            "warnings": list(self.settled.warnings),
            "rows": [row.as_json() for row in self.rows],
        }


def accuracy_settings(settings: Settings) -> dict[str, Any]:
    """What of the settings is kept with a model, without what is a default anyway."""
    return settings.model_dump(mode="json", include=set(ACCURACY), exclude_defaults=True)


def try_settings(
    model: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    samples: int = 20,
    pictures: int = 8,
    progress: Progress = silent,
) -> Tried:
    """Settle the settings, score a few samples chosen at random, and draw some of them.

    Args:
        samples: how many are scored, as far as there are so many.
        pictures: how many of those are drawn.

    Raises:
        CalibenchError: model, dataset and settings do not fit together; in one sentence what, where and what to do.
        Cancelled: by `progress`.
    """
    settings, path = as_settings(settings), as_path(model)
    given = Path(dataset) if isinstance(dataset, str) else dataset
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    source = read_model(path, weights=settings.weights, allow_quantized=True)
    settled = settle(source.graph, given, settings, threads, progress)
    few = open_few(source.graph, given, settled.settings, samples, path.parent)
    judge = make_judge(source.graph, few.plan, few.samples, settled.settings)
    outputs = tuple(_outputs(source, few, settled.settings, threads, progress))
    found, why = _scored(judge, few, outputs)
    told = (*source.notes, *settled.notes, *judge.task.notes, *few.notes)
    return Tried(
        None if found is None else Evaluation(path, found, few.samples.about, untold(found)),
        why,
        judge.task.kind,
        judge.metric.name,
        settled,
        _rows(judge, few, outputs, found, pictures),
        len(few.samples),
        few.total,
        told,
    )


def _outputs(source: Model, few: Few, settings: Settings, threads: int, progress: Progress) -> Iterator[Outputs]:
    """Of every sample, in exact FP32."""
    compiled = compile_for_samples(few.plan.attach(source.graph), settings.device, threads, "f32")
    taken = (few.samples[index] for index in range(len(few.samples)))
    for number, each in enumerate(infer_batches(compiled, taken, 1)):
        yield each
        progress("evaluate", number + 1, len(few.samples))


def _scored(judge: Judge, few: Few, outputs: tuple[Outputs, ...]) -> tuple[Score | None, str]:
    """The score, or why there is none: settings that do not fit are what this is for, and the pictures show more."""
    why = why_no_score(judge)
    if why:
        return None, why
    try:
        return score(iter(outputs), few.samples, judge), ""
    except (DatasetError, SettingsError) as error:
        return None, str(error)


def _rows(
    judge: Judge, few: Few, outputs: tuple[Outputs, ...], found: Score | None, pictures: int
) -> tuple[ShownAnswer, ...]:
    count = min(pictures, len(few.samples))
    values = [None if found is None else float(found.values[index]) for index in range(count)]
    return shown_answers(judge, few.samples, outputs[:count], values)
